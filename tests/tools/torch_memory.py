"""The memory that PyTorch takes on this CPU, as its profiler and its graph have it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tools.live import installed


def skip_without_avx512() -> None:
    """Skip a test of oneDNN on another CPU than its formulas are for: weights are laid out otherwise there."""
    has = installed("torch").backends.cpu.get_cpu_capability()
    if not has.startswith("AVX512"):
        pytest.skip(f"what is said of oneDNN is said of CPUs with AVX-512; PyTorch finds {has} on this one")


def is_half_of_onednn(dtype: str) -> bool:
    """True for float16 on a CPU with AVX512-FP16, where oneDNN computes it without gradients: nothing is said of that."""
    asked = installed("torch").ops.mkldnn._is_mkldnn_fp16_supported  # noqa: SLF001  # PyTorch says it nowhere else
    return dtype == "float16" and bool(asked())


@contextmanager
def halves_without_onednn(dtype: str) -> Iterator[None]:
    """A block in which float16 is computed as on a CPU without AVX512-FP16, of which something is said."""
    switch = installed("torch")._C._set_mkldnn_enabled  # noqa: SLF001  # torch.backends.mkldnn.flags warns
    off = is_half_of_onednn(dtype)
    if off:
        switch(False)
    try:
        yield
    finally:
        if off:
            switch(True)


def bytes_saved(parameters: Iterable[Any], run: Callable[[], object]) -> int:
    """The storages that the graph of one forward holds, without the parameters'."""
    own = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    found, held = {}, []

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        held.append(tensor)  # what is freed could come back at the same place
        if storage.data_ptr() not in own and storage.nbytes():
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with installed("torch").autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kept = run()
    assert kept is not None
    return sum(found.values())


def allocations(run: Callable[[], object]) -> list[int]:
    """The bytes that PyTorch's allocator is asked for while this runs, in order; what it gets back is negative."""
    profiler = installed("torch").profiler
    with profiler.profile(activities=[profiler.ProfilerActivity.CPU], profile_memory=True) as profiled:
        kept = run()
    assert kept is not None
    events, left = [], list(profiled.profiler.kineto_results.experimental_event_tree())
    while left:
        event = left.pop()
        left += event.children
        if event.name == "[memory]":
            events.append((event.start_time_ns, event.typed[1].alloc_size))
    return [size for _, size in sorted(events, key=lambda event: event[0])]
