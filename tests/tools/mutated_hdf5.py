"""HDF5 files with mutated structures: groups, datasets, links, and the attributes that Keras writes."""

import io
import json
import random
from contextlib import suppress
from typing import Any, Final

import h5py
import numpy as np

from tools.mutated_structures import mutate_tree

_NAMES: Final = (
    "lstm",
    "kernel:0",
    "bias",
    "cell",
    "0",
    "1",
    "vars",
    "layers",
    ".",
    "a b",
    "\x1b[31m",
    "\u202e",
    "x" * 300,
)
_SHAPES: Final = ((), (0,), (1,), (4, 16), (16, 4), (3, 16), (2**20, 2**20), (2**40, 1), (1,) * 32, (1, 16))
_TYPES: Final = ("<f4", ">f4", "<f2", "<f8", "|i1", "<i8", "|b1", "<c8", "S5", "|V2")


def mutate_hdf5(data: bytes, draw: random.Random) -> bytes:
    """A file with some of its objects changed; as it was, if the library cannot open it."""
    made = io.BytesIO(data)
    with suppress(Exception), h5py.File(made, "r+") as file:
        for _ in range(draw.choice((1, 1, 2, 4, 8))):
            paths: list[str] = []
            file.visit(paths.append)
            if len(paths) > 200:
                break
            with suppress(Exception):  # what the library does not take is left
                _CHANGES[draw.randrange(len(_CHANGES))](file, draw.choice(paths or ["/"]), draw)
    return made.getvalue()


def _attribute(file: h5py.File, path: str, draw: random.Random) -> None:
    """Change one of the attributes of the whole file."""
    places = [("/", name) for name in file.attrs]
    file.visititems(lambda place, found: places.extend((place, name) for name in found.attrs))
    place, name = draw.choice(places)
    held = file[place].attrs[name]
    if draw.random() < 0.1:
        del file[place].attrs[name]
    elif name == "model_config":
        text = json.dumps(mutate_tree(json.loads(held), draw))
        file[place].attrs[name] = draw.choice((text, text.encode(), text[: len(text) // 2]))
    elif isinstance(held, np.ndarray):
        kept = [str(item, "utf-8", "replace") if isinstance(item, bytes) else str(item) for item in held.ravel()]
        kept += draw.choices((*kept, *_NAMES), k=draw.choice((0, 1, 1, 200)))
        draw.shuffle(kept)
        file[place].attrs[name] = [item.encode() for item in kept[draw.randrange(2) :]]
    else:
        file[place].attrs[name] = draw.choice(("2.1.0", "3.0.0", "", "9" * 5000, 5, b"\xff", [b"a"], np.zeros(3)))


def _gone(file: h5py.File, path: str, draw: random.Random) -> None:
    """Take an object away."""
    del file[path]


def _moved(file: h5py.File, path: str, draw: random.Random) -> None:
    """Give an object another name."""
    file.move(path, _beside(path, draw))


def _doubled(file: h5py.File, path: str, draw: random.Random) -> None:
    """Copy an object, once or many times; not where it has a part of two names, which may be what it is copied into."""
    names: list[int] = [1]
    if isinstance(file[path], h5py.Group):
        file[path].visititems(lambda _, found: names.append(h5py.h5o.get_info(found.id).rc))
    if path == "/" or max(names) > 1:
        return
    other = _beside(path, draw)
    for index in range(draw.choice((1, 1, 1, 300))):
        file.copy(path, f"{other}_{index}")


def _linked(file: h5py.File, path: str, draw: random.Random) -> None:
    """Link to an object, to what is not there, to another file, or a group to itself."""
    links: tuple[Any, ...] = (file[path], h5py.SoftLink(path), h5py.SoftLink("/nothing"))
    links += (h5py.ExternalLink("/etc/passwd", "/"), file, h5py.SoftLink(_beside(path, draw)))
    place = _beside(path, draw)
    if draw.random() < 0.5:
        place = path
        del file[path]
    file[place] = draw.choice(links)


def _dataset(file: h5py.File, path: str, draw: random.Random) -> None:
    """Make a dataset anew: of another shape, type or storage."""
    paths: list[str] = []
    file.visititems(lambda place, found: paths.append(place) if isinstance(found, h5py.Dataset) else None)
    place = draw.choice(paths)
    shape, dtype = file[place].shape, file[place].dtype
    kind = draw.randrange(4)
    if kind == 0:
        shape = draw.choice((*_SHAPES, tuple(reversed(shape)), tuple(size * 2 for size in shape)))
    elif kind == 1:
        dtype = np.dtype(draw.choice(_TYPES))
    options: dict[str, Any] = {}
    if shape and (kind == 2 or np.prod(shape, dtype=float) > 10_000):
        options = {
            "chunks": tuple(max(1, min(size, 4)) for size in shape),
            "compression": draw.choice((None, "gzip", "lzf")),
        }
    del file[place]
    if kind == 3 and draw.random() < 0.5:
        file.create_dataset(place, shape, dtype, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
    elif draw.random() < 0.1:
        file[place] = draw.choice((h5py.Empty("f4"), "text", np.float32(1), np.zeros(2, [("a", "f4")])))
    else:
        made = file.create_dataset(place, shape, dtype, **options)
        if made.size < 10_000:
            made[...] = draw.choice((0, 1, np.nan, np.inf))


def _group(file: h5py.File, path: str, draw: random.Random) -> None:
    """Add groups: one, many, or one within another."""
    for index in range(draw.choice((1, 300))):
        file.create_group(f"{_beside(path, draw)}/{index}")
    file.create_group("/".join([path] + ["d"] * draw.choice((1, 100))))


def _beside(path: str, draw: random.Random) -> str:
    return path.rpartition("/")[0] + "/" + draw.choice(_NAMES).replace("/", "")


_CHANGES: Final = (_attribute, _attribute, _attribute, _gone, _moved, _doubled, _linked, _dataset, _dataset, _group)
