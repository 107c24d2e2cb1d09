"""Mutated files of every reader, each read by a command in a process of its own, with bounds of time and memory.

    cd tests; python -m tools.fuzz_files --count 3000 --seed 1 [--reader onnx]

What is mutated is the structure: values of an index, opcodes, fields of a protobuf, members of an archive, tokens of a
text. Afterwards half of the files are damaged in some bytes as well. Prints every fault with its seed, and for each
reader the slowest and the largest case. A fault is an exception that leaves the command, an exit code other than 0 to 2,
a warning, more than 10 seconds of CPU or more than 1 GiB.
"""

import argparse
import io
import json
import os
import pickle
import pickletools
import random
import re
import resource
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstmcalc.cli import run_command_line
from lstmcalc.errors import SourceError
from lstmcalc.readers.onnx.wire import Wire
from lstmcalc.spec.config import LSTMConfig
from tools.mutations import damaged
from tools.weight_writers import random_weights, safetensors_bytes, write_safetensors

SECONDS, MEMORY = 10, 2**30
HUGE = (0, 1, -1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30)
WORDS = [
    *map(str, HUGE),
    "9" * 5000,
    "0x" + "f" * 5000,
    "1e999",
    "NaN",
    "-",
    "(",
    "[",
    "{",
    "}",
    ")",
    '"',
    "'",
    "\\",
    "\n",
]
WORDS += [
    "\0",
    "\x1b[31m",
    "=",
    ",",
    ".",
    "LSTM(",
    "true",
    "null",
    "[[",
    "a.",
    "\u202e",
    "é",
    "'''",
    '"""',
    "10**10**9",
    "[lstm]",
]
COMMANDS = (("ls",), ("ls", "--stats"), ("shapes",), ("params", "--json"), ("explain",), ("run",), ("cost",))


class Case(NamedTuple):
    """What became of one file."""

    seed: int
    command: tuple[str, ...]
    fault: str  # empty if there is none
    seconds: float
    mebibytes: int


# --- structures


def mutate_text(text: str, draw: random.Random) -> str:
    """Tokens removed, moved, repeated and replaced."""
    parts = re.findall(r"\w+|\s+|.", text, re.DOTALL)
    for _ in range(draw.choice((1, 1, 2, 4, 8))):
        at = draw.randrange(len(parts) + 1)
        kind = draw.randrange(5)
        if kind == 0:
            del parts[at : at + draw.randrange(1, 4)]
        elif kind == 1:
            start = draw.randrange(len(parts) + 1)
            parts[at:at] = parts[start : start + draw.randrange(1, 12)] * draw.choice((1, 2, 100, 5000))
        else:
            parts[at : at + (kind == 2)] = [draw.choice(WORDS) * draw.choice((1, 1, 1, 2, 200))]
    return "".join(parts)


def mutate_tree(tree: Any, draw: random.Random) -> Any:
    """A value of JSON with one of its parts replaced, doubled or removed."""
    value: Any = draw.choice((*HUGE, *HUGE, 1.5, None, True, "", "x" * 5000, [], {}, [[]] * 100, "\x1b[0m"))
    if isinstance(tree, dict) and tree and draw.random() < 0.9:
        key = draw.choice(list(tree))
        kind = draw.randrange(6)
        if kind == 0:
            return {**tree, str(value)[:300]: tree[key]}
        if kind == 1:
            return {name: held for name, held in tree.items() if name != key}
        return {**tree, key: mutate_tree(tree[key], draw)}
    if isinstance(tree, list) and tree and draw.random() < 0.8:
        at = draw.randrange(len(tree))
        if draw.random() < 0.2:
            return tree[:at] + tree[at : at + 1] * draw.choice((0, 2, 1000)) + tree[at + 1 :]
        return [*tree[:at], mutate_tree(tree[at], draw), *tree[at + 1 :]]
    return value


def mutate_pickle(data: bytes, draw: random.Random) -> bytes:
    """Opcodes removed, repeated and moved, and their integers replaced."""
    try:
        starts = [at for _, _, at in pickletools.genops(data)]
    except ValueError:
        return damaged(data, draw)
    end = data.rindex(b".") + 1 if b"." in data else len(data)
    codes = [data[a:b] for a, b in zip(starts, [*starts[1:], end], strict=True)]
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, kind = draw.randrange(len(codes)), draw.randrange(5)
        if kind == 0:
            del codes[at : at + draw.randrange(1, 4)]
        elif kind == 1:
            start = draw.randrange(len(codes))
            codes[at:at] = codes[start : start + draw.randrange(1, 20)] * draw.choice((1, 3, 1000))
        elif kind == 2:
            codes[at : at + 1] = [pickle.dumps(draw.choice((*HUGE, 1 << 8000, "x" * 5000, b"y", 0.5, None)))[2:-1]]
        else:
            codes[at] = damaged(codes[at], draw) if codes[at] else b"0"
        codes = codes or [b"."]
    return b"".join(codes) + data[end:]


def mutate_protobuf(data: bytes, draw: random.Random, depth: int = 0) -> bytes:
    """Fields removed, repeated and moved, and numbers replaced, at any depth."""
    fields = protobuf_fields(data)
    if not fields or depth > 6:
        return draw.choice((b"", b"\xff" * 12, b"\x01" * 1000, damaged(data, draw) if data else b"\x08"))
    at, kind = draw.randrange(len(fields)), draw.randrange(8)
    number, wire, body = fields[at]
    if kind == 0:
        del fields[at]
    elif kind == 1:
        fields[at : at + 1] = [fields[at]] * draw.choice((2, 3, 300))
    elif kind == 2:
        fields[at] = (draw.randrange(1, 30), wire, body)
    elif wire == 2:
        fields[at] = (number, 2, mutate_protobuf(body, draw, depth + 1))
    else:
        fields[at] = (number, 0, varint(draw.choice(HUGE) % 2**64))
    return b"".join(varint(n << 3 | w) + (varint(len(b)) if w == 2 else b"") + b for n, w, b in fields)


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def protobuf_fields(data: bytes) -> list[tuple[int, int, bytes]]:
    """Number, wire type and body of each field; empty if the bytes are no message."""
    try:
        return [
            (field.number, field.wire, data[field.start : field.stop] if field.wire else varint(field.value))
            for field in Wire(data, "").fields(0, len(data))
        ]
    except SourceError:
        return []


def mutate_npy(data: bytes, draw: random.Random) -> bytes:
    length = int.from_bytes(data[8:10], "little")
    text = mutate_text(data[10 : 10 + length].decode("latin-1"), draw).encode("utf-8", "replace")[:60_000]
    return data[:8] + len(text).to_bytes(2, "little") + text + data[10 + length :]


def mutate_safetensors(data: bytes, draw: random.Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    index = json.loads(data[8 : 8 + length])
    if draw.random() < 0.3:
        text = mutate_text(json.dumps(index), draw).encode("utf-8", "surrogatepass")
        return len(text).to_bytes(8, "little") + text + data[8 + length :]
    return safetensors_bytes(mutate_tree(index, draw), data[8 + length :])


def mutate_zip(data: bytes, draw: random.Random) -> bytes:
    """An archive with one of its members mutated by its kind, compressed or not."""
    target = io.BytesIO()
    how = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", how) as made:
        names = source.namelist()
        chosen = draw.choice(names)
        for name in names:
            body = source.read(name)
            if name == chosen:
                body = mutate_member(name, body, draw)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made.writestr(draw.choice(("", "../", "x/", "\x1b")) + name if draw.random() < 0.03 else name, body)
                if name == chosen and draw.random() < 0.1:
                    made.writestr(name, body)
    return target.getvalue()


def mutate_member(name: str, body: bytes, draw: random.Random) -> bytes:
    if name.endswith(".npy"):
        return mutate_npy(body, draw)
    if name.endswith(".pkl"):
        return mutate_pickle(body, draw)
    if name.endswith(".json"):
        return json.dumps(mutate_tree(json.loads(body), draw)).encode()
    return draw.choice((damaged(body, draw) if body else b"\0", b"", body * 3, bytes(200_000)))


def mutate_plain(data: bytes, draw: random.Random) -> bytes:
    return mutate_text(data.decode(), draw).encode("utf-8", "surrogatepass")


def mutate_json(data: bytes, draw: random.Random) -> bytes:
    if draw.random() < 0.4:
        return mutate_plain(data, draw)
    return json.dumps(mutate_tree(json.loads(data), draw)).encode()


# --- files


Mutate = Callable[[bytes, random.Random], bytes]
Files = tuple[list[bytes], Mutate, str]


def seeds_of_files(folder: Path, reader: str) -> dict[str, Files]:
    """For each reader the files to begin with, what mutates them, and their suffix."""
    config = LSTMConfig(3, 4, 2, bidirectional=True)
    arrays = random_weights(config)
    np.savez(folder / "a.npz", allow_pickle=False, **arrays)
    np.savez_compressed(folder / "b.npz", allow_pickle=False, **arrays)
    np.save(folder / "a.npy", arrays["weight_ih_l0"])
    write_safetensors(folder / "a.safetensors", arrays)
    read = {path.name: path.read_bytes() for path in folder.iterdir()}
    found: dict[str, Files] = {
        "npz": ([read["a.npz"], read["b.npz"]], mutate_zip, ".npz"),
        "npy": ([read["a.npy"]], mutate_npy, ".npy"),
        "safetensors": ([read["a.safetensors"]], mutate_safetensors, ".safetensors"),
        "pickle": ([pickle.dumps(arrays, protocol) for protocol in (2, 4, 5)], mutate_pickle, ".pkl"),
        "toml": (
            [b"[lstm.encoder]\ninput_size = 10\nhidden_size = 0x14\nnum_layers = 2\n[data]\nlengths = [3, 2]\n"],
            mutate_plain,
            ".toml",
        ),
        "json": (
            [b'{"lstm": {"input_size": 10, "hidden_size": 20}, "data": {"lengths": [3, 2]}}'],
            mutate_json,
            ".json",
        ),
        "printed": (
            [
                b"Net(\n  (a): LSTM(10, 20, num_layers=2, bidirectional=True)\n  (b): ModuleList(\n    (0-1): 2 x LSTMCell(20, 20)\n  )\n)\n"
            ],
            mutate_plain,
            ".txt",
        ),
    }
    for write, readers in _WRITERS.items():
        if not reader or reader in readers:
            _in_a_copy(write, folder)
    made = {path.name: [path.read_bytes()] for path in folder.iterdir()}
    others: dict[str, tuple[Mutate, str]] = {
        "torch": (mutate_zip, "new.pt"),
        "torch-legacy": (mutate_pickle, "old.pt"),
        "hdf5": (damaged, "a.h5"),
        "keras": (mutate_zip, "a.keras"),
        "onnx": (mutate_protobuf, "a.onnx"),
    }
    for other, (mutate, name) in others.items():
        if name in made:
            found[other] = (made[name], mutate, Path(name).suffix)
    return found


def _in_a_copy(write: Callable[[Path], None], folder: Path) -> None:
    """Write files in a copy of this process, which stays small without the libraries that it takes."""
    child = os.fork()
    if not child:
        with suppress(ImportError):
            write(folder)
        os._exit(0)
    os.waitpid(child, 0)


def _write_torch(folder: Path) -> None:
    import torch

    state = torch.nn.LSTM(3, 4, 2, bidirectional=True).state_dict()
    for name, new in (("new.pt", True), ("old.pt", False)):
        torch.save({"epoch": 3, "model": state}, folder / name, _use_new_zipfile_serialization=new)


def _write_hdf5(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        cell = file.create_group("model_weights/lstm/lstm/lstm_cell")
        cell.create_dataset("kernel:0", data=np.ones((3, 16), np.float32))
        cell.create_dataset("recurrent_kernel:0", data=np.ones((4, 16), np.float32), compression="gzip")
        cell.create_dataset("bias:0", data=np.ones(16, np.float32), chunks=(4,))
        file["model_weights"].attrs["layer_names"] = [b"lstm"]
    layer = {"class_name": "LSTM", "config": {"name": "lstm", "units": 4, "activation": "tanh"}}
    with zipfile.ZipFile(folder / "a.keras", "w") as made:
        made.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}}))
        made.writestr("metadata.json", '{"keras_version": "3.15.0"}')
        made.writestr("model.weights.h5", (folder / "a.h5").read_bytes())


def _write_onnx(folder: Path) -> None:
    from onnx import helper, numpy_helper

    shapes = {"W": (1, 16, 3), "R": (1, 16, 4), "B": (1, 32), "h": (1, 1, 4)}
    stored = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Transpose", ["W"], ["V"], perm=[0, 1, 2]),
        helper.make_node("Concat", ["h", "h"], ["hh"], axis=1),
        helper.make_node("LSTM", ["X", "V", "R", "B", "", "hh"], ["Y"], hidden_size=4),
    ]
    model = helper.make_model(helper.make_graph(nodes, "g", [], [], stored))
    (folder / "a.onnx").write_bytes(model.SerializeToString())


_WRITERS = {_write_torch: ("torch", "torch-legacy"), _write_hdf5: ("hdf5", "keras"), _write_onnx: ("onnx",)}


# --- one case


def outcome(path: Path, command: tuple[str, ...]) -> tuple[str, float, int]:
    """Run a command on a file in a copy of this process; the fault, the seconds of CPU, the mebibytes."""
    source, target = os.pipe()
    child = os.fork()
    if not child:
        os.close(source)
        resource.setrlimit(resource.RLIMIT_CPU, (3 * SECONDS, 3 * SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (6 * MEMORY, 6 * MEMORY))
        fault = _fault([command[0], str(path), *command[1:]])
        os.write(target, fault.encode("utf-8", "backslashreplace")[:4000])
        os._exit(0)
    os.close(target)
    with os.fdopen(source, "rb") as pipe:
        fault = pipe.read().decode()
    _, status, usage = os.wait4(child, 0)
    seconds, size = usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024
    if status:
        fault = f"ended with status {status}"
    elif seconds > SECONDS:
        fault = fault or f"{seconds:.1f} s"
    elif size > MEMORY >> 20:
        fault = fault or f"{size} MiB"
    return fault, seconds, size


def _fault(arguments: list[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            code = run_command_line(arguments)
    except BaseException:  # noqa: BLE001  # that is what is searched
        return traceback.format_exc(limit=-4)
    if code not in (0, 1, 2):
        return f"exit code {code}"
    return f"warning: {told[0].message}" if told else ""


def fuzz(reader: str, files: Files, seeds: range) -> None:
    """Mutate, run, print."""
    bodies, mutate, suffix = files
    cases: list[Case] = []
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"f{suffix}"
        path.write_bytes(bodies[0])
        for command in COMMANDS:  # so that the copies have imported what they need
            _fault([command[0], str(path), *command[1:]])
        for seed in seeds:
            draw = random.Random(f"{reader} {seed}")  # noqa: S311  # not for secrets
            body = mutate(draw.choice(bodies), draw)
            if draw.random() < 0.3 and body:
                body = damaged(body, draw)
            path.write_bytes(body)
            command = draw.choice(COMMANDS if suffix not in (".toml", ".json", ".txt") else COMMANDS[2:])
            case = Case(seed, command, *outcome(path, command))
            cases.append(case)
            if case.fault:
                kind = case.fault.strip().splitlines()[-1][:100]
                kinds[kind] += 1
                if kinds[kind] <= 2:
                    _say(f"{reader} {seed} {' '.join(command)}: {case.fault}")
    slow, large = max(cases, key=lambda case: case.seconds), max(cases, key=lambda case: case.mebibytes)
    _say(
        f"{reader}: {len(cases)} files, {sum(kinds.values())} faults; slowest {slow.seconds:.1f} s (seed {slow.seed}, "
        f"{' '.join(slow.command)}), largest {large.mebibytes} MiB (seed {large.seed})"
    )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # this is a command line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = seeds_of_files(Path(folder), asked.reader)
    for name, files in found.items():
        if asked.reader in ("", name):
            fuzz(name, files, range(asked.seed, asked.seed + asked.count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
