"""Mutated files of every reader, each read by a command: the faults, the slowest and the largest case of each reader.

    cd tests; python -m tools.fuzz_files --count 3000 --seed 1 [--reader onnx]

What is mutated is the structure (`mutated_structures`); afterwards a part of the files is damaged in some bytes as well. Every
fault is printed with its seed: what no command may do says `bounded`. With `--keep FOLDER` the files at fault are kept.
"""

import argparse
import bz2
import gzip
import io
import lzma
import pickle
import random
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tools.bounded import Commands, Outcome
from tools.fuzz_seeds import Bodies, seeds_of_files, write_beside
from tools.hdf5 import fork_the_library
from tools.mutated_structures import (
    mutate_flatbuffer,
    mutate_json,
    mutate_npy,
    mutate_pickle,
    mutate_plain,
    mutate_protobuf,
    mutate_safetensors,
    mutate_zip,
)
from tools.mutations import damaged
from tools.tensorflow_tables import mutate_objects, mutate_table

Mutate = Callable[[bytes, random.Random], bytes]
_Pack = Callable[[bytes], bytes]


def hdf5_mutated(data: bytes, draw: random.Random) -> bytes:
    """A file whose objects are changed by the library, or whose bytes are."""
    from tools.mutated_hdf5 import mutate_hdf5  # only where h5py is installed

    return mutate_hdf5(data, draw) if draw.random() < 0.7 else damaged(data, draw)


def keras_mutated(data: bytes, draw: random.Random) -> bytes:
    """An archive whose weights or configuration are changed; of other kinds of damage less."""
    if data[:2] != b"PK" or draw.random() < 0.3:
        return mutate_zip(data, draw) if data[:2] == b"PK" else hdf5_mutated(data, draw)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(made, "w") as target:
        chosen = draw.choice([name for name in source.namelist() if name.endswith((".h5", ".json"))])
        for name in source.namelist():
            body = source.read(name)
            if name == chosen:
                body = hdf5_mutated(body, draw) if name.endswith(".h5") else mutate_json(body, draw)
            target.writestr(name, body)
    return made.getvalue()


_UNPACK: Final[dict[bytes, tuple[_Pack, _Pack]]] = {
    b"\x1f\x8b": (gzip.decompress, gzip.compress),
    b"BZ": (bz2.decompress, bz2.compress),
    b"\xfd7": (lzma.decompress, lzma.compress),
    b"]\0": (lzma.decompress, lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    b"x\x9c": (zlib.decompress, zlib.compress),
    b"x^": (zlib.decompress, zlib.compress),
}


def packed_mutated(data: bytes, draw: random.Random) -> bytes:
    """A compressed file or an archive, with what is in it changed, or itself."""
    if draw.random() < 0.2:
        return damaged(data, draw)
    if data[:2] == b"PK":
        return mutate_zip(data, draw)
    if (ways := _UNPACK.get(data[:2])) is not None:
        return ways[1](packed_mutated(ways[0](data), draw) * draw.choice((1, 1, 1, 2, 50)))
    if data[257:262] == b"ustar":
        body = bytearray(data)
        at = draw.choice((0, 100, 124, 148, 156, 257, 345)) + 512 * draw.choice((0, 0, 2, 4))
        field = draw.choice((b"7" * 12, b"\x80" + b"\xff" * 11, b"../" * 9, b"L", b"x", b"2", b"\0" * 20, b"\xff" * 8))
        body[at : at + len(field)] = field
        return bytes(body) if draw.random() < 0.7 else damaged(data, draw)
    return joblib_mutated(data, draw)


def joblib_mutated(data: bytes, draw: random.Random) -> bytes:
    """A pickle with other opcodes and numbers before its first array, or in one of its pieces."""
    if data[:2] in _UNPACK:
        return packed_mutated(data, draw)
    parts = data.split(b"ub")
    at = draw.randrange(len(parts))
    if draw.random() < 0.5:
        parts[at] = mutate_pickle(b"\x80\4" + parts[at] + b".", draw).rstrip(b".")
    else:
        parts[at] = parts[at].replace(
            draw.choice((b"K", b"f4", b"C", b"\x85", b"K\x10")), draw.choice((b"M\xff", b"O8", b"J")), 1
        )
    return b"ub".join(parts)


def embedded_mutated(data: bytes, draw: random.Random) -> bytes:
    """A pickle with a file in it that is changed, or the pickle itself."""
    start = data.find(b"PK\3\4") if b"PK\3\4" in data else data.find(b"\x89HDF")
    if start < 0 or draw.random() < 0.3:
        return mutate_pickle(data, draw)
    inner = data[start : data.rindex(b"PK\5\6") + 22] if data[start : start + 2] == b"PK" else data[start:]
    body = keras_mutated(inner, draw) if inner[:2] == b"PK" else hdf5_mutated(inner, draw)
    return pickle.dumps([body, {"scale": 1}] * draw.choice((1, 1, 2)), draw.choice((2, 4, 5)))


MUTATORS: Final[dict[str, Mutate]] = {
    "npz": mutate_zip,
    "npy": mutate_npy,
    "safetensors": mutate_safetensors,
    "pickle": mutate_pickle,
    "torch": mutate_zip,
    "torch-legacy": mutate_pickle,
    "hdf5": hdf5_mutated,
    "keras": keras_mutated,
    "onnx": mutate_protobuf,
    "tensorflow": mutate_table,
    "tensorflow-old": mutate_table,
    "tensorflow-data": mutate_objects,
    "saved-model": mutate_protobuf,
    "tensorflow-graph": mutate_protobuf,
    "tensorflow-js": mutate_json,
    "tflite": mutate_flatbuffer,
    "toml": mutate_plain,
    "json": mutate_json,
    "keras-json": mutate_json,
    "printed": mutate_plain,
    "unread": damaged,
    "joblib": joblib_mutated,
    "packed": packed_mutated,
    "embedded": embedded_mutated,
    "json-weights": mutate_json,
}
TREE: Final = "Net(\n  (encoder): LSTM(3, 4, num_layers=2, bidirectional=True)\n  (fc): Linear(8, 2)\n)\n"
# FILE is the mutated one, SEED the one that it was made of.
COMMANDS: Final = (
    ("ls", "FILE"),
    ("ls", "FILE", "--stats"),
    ("ls", "FILE", "--json"),
    ("shapes", "FILE"),
    ("params", "FILE", "--json"),
    ("params", "FILE", "--format", "csv"),
    ("params", "FILE", "--framework", "keras"),
    ("explain", "FILE"),
    ("explain", "FILE", "--format", "markdown"),
    ("run", "FILE"),
    ("run", "FILE", "--as-lstm", "--json"),
    ("cost", "FILE"),
    ("frameworks", "FILE"),
    ("diff", "FILE", "SEED"),
    ("diff", "SEED", "FILE", "--json"),
    ("diff", "FILE", "SEED", "--values"),
    ("diff", "FILE", TREE),
)
OF_TEXT: Final = tuple(command for command in COMMANDS if command[0] != "ls" and "--values" not in command)


class Case(NamedTuple):
    """The outcome of one file."""

    seed: int
    command: Sequence[str]
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.seed} {' '.join(self.command)[:60]!r}"


def mutated_file(reader: str, bodies: Bodies, seed: int) -> tuple[str, bytes, bytes, Sequence[str], bool]:
    """The suffix of a file, what it was made of, what was made of it, a command for it, and True for a terminal."""
    draw = random.Random(f"{reader} {seed}")  # noqa: S311  # not for secrets
    suffix, original = draw.choice(bodies)
    body = MUTATORS[reader](original, draw)
    if body and draw.random() < 0.3:
        body = damaged(body, draw)
    command = draw.choice(OF_TEXT if suffix in (".toml", ".json", ".txt") and reader != "tensorflow-js" else COMMANDS)
    return suffix, original, body, command, draw.random() < 0.5


def fuzz(reader: str, bodies: Bodies, seeds: range, keep: str) -> int:
    """Mutate, run, print; the number of faults."""
    cases: list[Case] = []
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder) / f"warm{bodies[0][0]}"
        warm.write_bytes(bodies[0][1])
        write_beside(reader, Path(folder))
        if reader in ("hdf5", "keras", "embedded", "json-weights"):
            fork_the_library()
        commands = Commands([_named(command, str(warm), str(warm)) for command in COMMANDS])
        for seed in seeds:
            suffix, original, body, command, is_terminal = mutated_file(reader, bodies, seed)
            path, other = Path(folder) / f"f{suffix}", Path(folder) / f"seed{suffix}"
            path.write_bytes(body)
            other.write_bytes(original)
            case = Case(seed, command, commands.outcome(_named(command, str(path), str(other)), is_terminal))
            cases.append(case)
            if case.outcome.fault:
                kind = case.outcome.fault.strip().splitlines()[-1][:100]
                kinds[kind] += 1
                if kinds[kind] <= 3:
                    _say(f"{reader} {case}: {case.outcome.fault}")
                    if keep:
                        (Path(keep) / f"{reader}-{seed}{suffix}").write_bytes(body)
        commands.close()
    slow = max(cases, key=lambda case: case.outcome.seconds)
    large = max(cases, key=lambda case: case.outcome.mebibytes)
    _say(
        f"{reader}: {len(cases)} files from {len(bodies)}, {kinds.total()} faults; slowest {slow.outcome.seconds:.1f} s "
        f"({slow}), largest {large.outcome.mebibytes} MiB ({large})"
    )
    return kinds.total()


def _named(command: Sequence[str], path: str, other: str) -> list[str]:
    return [{"FILE": path, "SEED": other}.get(word, word) for word in command]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # this is a command line


def main() -> int:
    """Fuzz the readers that are asked for; 1 if anything was at fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", default="", choices=["", *MUTATORS])
    parser.add_argument("--keep", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = seeds_of_files(Path(folder), asked.reader)
    seeds = range(asked.seed, asked.seed + asked.count)
    return int(sum(fuzz(name, bodies, seeds, asked.keep) for name, bodies in found.items()) > 0)


if __name__ == "__main__":
    sys.exit(main())
