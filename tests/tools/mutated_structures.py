"""Files with mutated structures: values of an index, opcodes, fields of a protobuf, members of an archive, tokens of a text."""

import io
import json
import pickle
import pickletools
import random
import re
import struct
import warnings
import zipfile
from typing import Any, Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.protobuf import Wire
from tools.mutations import damaged
from tools.weight_writers import safetensors_bytes

HUGE: Final = (0, 1, -1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30)
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


def mutate_flatbuffer(data: bytes, draw: random.Random) -> bytes:
    """Offsets that lead to other tables, fields that are left out or elsewhere, lengths and numbers replaced."""
    body = bytearray(data)
    tables = [at for at in range(8, len(body) - 4, 4) if _is_table(body, at)]
    there = set(tables)
    offsets = [at for at in range(0, len(body) - 4, 4) if at + int.from_bytes(body[at : at + 4], "little") in there]
    for _ in range(draw.choice((1, 1, 2, 5))):
        kind = draw.randrange(5)
        if kind == 0 and offsets:
            at = draw.choice(offsets)
            behind = [table for table in tables if table > at] or tables
            struct.pack_into("<I", body, at, (draw.choice(behind) - at) % 2**32)
        elif kind == 1 and tables and _is_table(body, at := draw.choice(tables)):
            vtable = at - struct.unpack_from("<i", body, at)[0]
            field = draw.randrange(struct.unpack_from("<H", body, vtable)[0] // 2)
            struct.pack_into("<H", body, vtable + 2 * field, draw.choice((0, 2, 4, 8, 12, 0xFFFF)))
        elif kind == 2 and offsets:
            first, second = draw.choice(offsets), draw.choice(offsets)
            body[first : first + 4], body[second : second + 4] = body[second : second + 4], body[first : first + 4]
        else:
            at = draw.randrange(4, max(len(body) // 4 - 1, 5)) * 4
            body[at : at + 4] = (draw.choice(HUGE) % 2**32).to_bytes(4, "little")
    return bytes(body)


def _is_table(body: bytearray, at: int) -> bool:
    """True if a place looks like a table of a FlatBuffer: its vtable is there, and fits."""
    vtable = at - struct.unpack_from("<i", body, at)[0]
    if not 4 <= vtable <= len(body) - 4:
        return False
    length, size = struct.unpack_from("<HH", body, vtable)
    return bool(4 <= length <= 64 and length % 2 == 0 and 4 <= size <= 256 and vtable + length <= len(body))


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
