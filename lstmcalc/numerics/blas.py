"""A limit on the threads of BLAS, the library that multiplies NumPy's matrices.

Every product would use all of them: they spin while they wait for each other, which takes many times as long if another
program uses a core.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any


def threads_of_blas(number: int) -> AbstractContextManager[object]:
    """A context that limits BLAS to `number` threads, if threadpoolctl is installed."""
    controller = _controller()
    return controller.limit(limits=number, user_api="blas") if controller else nullcontext()


def blas_is_held() -> bool:
    """True if `threads_of_blas` takes effect."""
    return _controller() is not None


@cache
def _controller() -> Any:  # noqa: ANN401  # it may not be installed
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
