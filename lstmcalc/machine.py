"""Memory that this process can still allocate.

Sources: proc(5) and cgroups(7) of Linux; `os.sysconf` elsewhere. A limit that cannot be read is ignored.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
GROUPS: Final = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that can still be allocated: the least of free memory, container limit and process limit."""
    limits = (_free_memory(), _container_limit(), _process_limit())
    return min((limit for limit in limits if limit is not None), default=sys.maxsize)


def _free_memory() -> int | None:
    """Bytes that the kernel can hand out without swapping; without `/proc`, all physical memory."""
    with suppress(OSError, ValueError, IndexError):
        for line in (PROC / "meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _container_limit() -> int | None:
    """Bytes left below the memory limits of this process's control group and of those above it.

    Cached files count as used there, but the kernel reclaims them first; they are subtracted, as the kubelet does for
    its working set (Kubernetes, "Node-pressure eviction").
    """
    left = []
    for group, version in _control_groups():
        limit, usage, cached = _ACCOUNTS[version]
        with suppress(OSError, ValueError):  # no such group, or no limit: cgroup v2 says "max"
            allowed = int((group / limit).read_text(encoding="ascii"))
            if allowed >= _NO_LIMIT:
                continue
            used = int((group / usage).read_text(encoding="ascii"))
            statistics = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
            left.append(max(0, allowed - used + int(statistics.get(cached, 0))))
    return min(left, default=None)


_NO_LIMIT: Final = 2**62  # bytes; cgroup v1 says 2**63 less a page where there is no limit
_ACCOUNTS: Final = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def _control_groups() -> Sequence[tuple[Path, int]]:
    """Directories of this process's memory control groups and of those above, each with its cgroup version."""
    try:
        return _groups_in((PROC / "self/cgroup").read_text(encoding="utf-8"), GROUPS)
    except (OSError, ValueError):
        return ()


@lru_cache(maxsize=8)
def _groups_in(text: str, mounted: Path) -> Sequence[tuple[Path, int]]:
    """The directories that a text of the kernel names; a process asks for them often, and they hardly ever change."""
    found = []
    with suppress(ValueError):
        for line in text.splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in ("", "memory"):
                continue
            root = mounted / controllers
            own = root / path.lstrip("/")
            # In a container the path may be the host's, and only the root of that tree is mounted here.
            groups = {own, *own.parents, root}
            found += [(group, 1 if controllers else 2) for group in groups if group.is_relative_to(root)]
    return found


def _process_limit() -> int | None:
    """Bytes left below `ulimit -v`; None if there is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError, IndexError):
        pages = int((PROC / "self/statm").read_text(encoding="ascii").split()[0])
        return max(0, limit - pages * resource.getpagesize())
    return limit
