"""The memory limits of Linux, read from files made to look like the kernel's."""

from pathlib import Path

import pytest

from lstmcalc import machine

GIB = 2**30


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 8 GiB available, in no control group, without `ulimit -v`."""
    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    monkeypatch.setattr(machine, "GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_process_limit", lambda: None)
    write(tmp_path, "proc/meminfo", f"MemTotal: 99 kB\nMemFree: 1 kB\nMemAvailable:  {8 * GIB // 1024} kB\n")
    write(tmp_path, "proc/self/cgroup", "")
    return tmp_path


def write(root: Path, name: str, text: str | int) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="ascii")


def limit_v2(root: Path, group: str, allowed: str | int, used: int, cached: int = 0) -> None:
    write(root, f"cgroup/{group}/memory.max", allowed)
    write(root, f"cgroup/{group}/memory.current", used)
    write(root, f"cgroup/{group}/memory.stat", f"anon 5\ninactive_file {cached}")


def test_without_limits_it_is_what_the_kernel_has(linux: Path) -> None:
    assert machine.available_memory() == 8 * GIB


def test_a_container_limit_counts_what_is_used_but_not_what_is_cached(linux: Path) -> None:
    write(linux, "proc/self/cgroup", "0::/box")
    limit_v2(linux, "box", 4 * GIB, 3 * GIB)
    assert machine.available_memory() == GIB
    limit_v2(linux, "box", 4 * GIB, 3 * GIB, cached=2 * GIB)
    assert machine.available_memory() == 3 * GIB


def test_the_least_of_all_groups_above_counts(linux: Path) -> None:
    write(linux, "proc/self/cgroup", "0::/outer/inner")
    limit_v2(linux, "outer/inner", "max", GIB)
    limit_v2(linux, "outer", 2 * GIB, GIB // 2)
    assert machine.available_memory() == 2 * GIB - GIB // 2


def test_a_path_of_the_host_falls_back_to_the_root_of_the_container(linux: Path) -> None:
    write(linux, "proc/self/cgroup", "0::/host/path/that/is/not/here")
    limit_v2(linux, ".", GIB, 0)
    assert machine.available_memory() == GIB


def test_the_first_version_of_control_groups(linux: Path) -> None:
    write(linux, "proc/self/cgroup", "5:cpu:/box\n4:memory:/box")
    write(linux, "cgroup/memory/box/memory.limit_in_bytes", 3 * GIB)
    write(linux, "cgroup/memory/box/memory.usage_in_bytes", 2 * GIB)
    write(linux, "cgroup/memory/box/memory.stat", f"total_inactive_file {GIB}")
    assert machine.available_memory() == 2 * GIB


def test_a_group_beyond_its_limit_leaves_nothing(linux: Path) -> None:
    write(linux, "proc/self/cgroup", "0::/box")
    limit_v2(linux, "box", GIB, 2 * GIB)
    assert machine.available_memory() == 0


def test_nonsense_in_these_files_limits_nothing(linux: Path) -> None:
    write(linux, "proc/self/cgroup", "0::/box\nwhat is this")
    write(linux, "cgroup/box/memory.max", "a lot")
    write(linux, "proc/meminfo", "MemAvailable: much kB")
    assert machine.available_memory() >= 2**20  # all the memory of this machine


def test_ulimit_counts(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_process_limit", lambda: 12345)
    assert machine.available_memory() == 12345
