"""Lists of names and shapes, as programs print them: the LSTMs are recognised as in a weight file, without the file.

    lstm.weight_ih_l0 torch.Size([400, 300])
    <tf.Variable 'lstm/kernel:0' shape=(97, 280) dtype=float32>
    /lstm_1/lstm_1/kernel:0 Dataset {128, 512}

A line may have anything else in it; an entry is a name before a shape, or, where there is none, behind it. Read are
what PyTorch 2.13.0 and Keras 3.15.1 print of variables, h5ls and h5dump of HDF5 1.14, names and shapes in Python's and
JSON's brackets, `400x300`, flax' `tabulate` (0.12.8), Haiku's (0.0.17), the table of fvcore 0.1.5, and the tables of
`lstmcalc ls`.

Not here: which LSTMs the names are of (`recognise`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, printable
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.counted import counts_in, shapes_of_counts
from lstmcalc.readers.pasted.lines import bar_in, cells_of, plain_line, without_ahead, without_escapes
from lstmcalc.readers.pasted.load_errors import lstms_of_names
from lstmcalc.readers.pasted.nested import is_nested, leaves_of
from lstmcalc.readers.recognise.names import possible_meanings, recurrent_units, relative_kind
from lstmcalc.readers.recognise.weights import contents_of, lstms_of_contents
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.spec.words import with_rest

LISTED: Final = "listed"  # the kind of what is a list, and no file
LISTED_TREE: Final = "listed with paths"  # whose parts are divided by slashes
LISTED_BY_TORCH: Final = "listed by PyTorch"
_FORMAT: Final = "a list of names and shapes"
_MAX_ENTRIES: Final = 50_000
_MAX_LETTERS: Final = 2000  # of a line that are looked at for each entry
_LISTED: Final = 4  # names in a message


class Entry(NamedTuple):
    """A name with its shape."""

    name: str
    shape: tuple[int, ...]
    dtype: str = ""  # as the list has it, in PyTorch's words; empty if it does not say


_SIZE: Final = r"\d{1,200}+(?:/(?:\d++|Inf|H5S_UNLIMITED))?+"
_SHAPE: Final = re.compile(
    rf"[(\[{{] ?+{_SIZE}(?: ?+, ?+{_SIZE}){{0,7}}+ ?+,?+ ?+[)\]}}]"
    r"|(?<![\w.,])\d{1,200}+(?: ?[x\u00d7] ?\d{1,200}+){1,4}+(?![\w.])"
)
# Words that a shape may follow directly: `torch.Size([4])`, `f32[4]`, `shape(4)`.
_CALLED: Final = re.compile(r"(?:Size|TensorShape|[Ss]hape|(?:[bu]?f|float|bfloat|u?int|i|s|u|complex)\d{1,3})\(?\Z")
_QUOTES: Final = "\"'`"
_NAME: Final = re.compile(r"[\"'`]([^\"'`\n]{1,500}+)[\"'`]|(/?[A-Za-z_][\w./:@~-]*+)")
_KEYED: Final = re.compile(r"(?:\[ ?[\"'][^\"'\n\[\]]{1,200}+[\"'] ?\])++")
_KEY: Final = re.compile(r"[\"']([^\"'\n]++)[\"']")
_TUPLE: Final = re.compile(r"\((?: ?[\"'][^\"'\n]{1,200}+[\"'],?)(?: ?[\"'][^\"'\n]{1,200}+[\"'],?){1,200}+ ?\)")
_PATH: Final = re.compile(r"\b(?:path|name)=[\"']?([\w./:-]++)")
_ENDINGS: Final = (".shape", ".size", ".data", ".value", ".get_shape", ":")
_WORDS: Final = frozenset(
    (
        *("shape", "size", "torch.size", "dtype", "dataset", "parameter", "parameters", "tensor", "tensors", "param"),
        *("params", "name", "names", "layer", "is", "has", "with", "of", "the", "variable", "tf.variable", "and", "in"),
        *("trainable", "requires_grad", "true", "false", "none", "device", "cpu", "cuda", "numpy", "ndarray", "array"),
        *("path", "value", "type", "hdf5", "group", "dataspace", "simple", "keras.variable", "kerasvariable", "from"),
        *("data_offsets", "strides", "stride", "chunks", "maxshape", "jax.array", "np.ndarray", "float", "int", "key"),
        *(
            "checkpoint",
            "model",
            "current",
            "odict_keys",
            "ordereddict",
            "state_dict",
            "dict",
            "list",
            "tuple",
            "print",
            "scalar",
        ),
    )
)
_HELD: Final = re.compile(r"weight_hh_l\d|bias_ih_l\d")
_OFF: Final = ("data_offsets", "strides", "stride", "chunks", "maxshape", "chunked")  # of which numbers are no shape
_LEAVES: Final = frozenset(
    ("kernel", "recurrent_kernel", "weight", "bias", "embedding", "embeddings", "scale", "w", "b")
)
_DTYPE: Final = re.compile(
    r"(?<![A-Za-z\d])(?:torch\.|np\.|tf\.|jnp\.)?(float(?:16|32|64)|bfloat16|F(?:16|32|64)|BF16|f(?:16|32|64)(?=\[)|H5T_IEEE_F(?:32|64)[LB]E)\b"
)
_DTYPES: Final = {
    **{name.lower(): name for name in DTYPE_BYTES},
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "bf16": "bfloat16",
    **{f"h5t_ieee_f{bits}{end}e": f"float{bits}" for bits in (32, 64) for end in "lb"},
}


def looks_listed(text: str) -> bool:
    """True if a text has an array of a recurrent module, by its name, with a shape."""
    lines = _lines(without_escapes(text))
    return any(is_recurrent(entry.name) for found in (lines, entries_in(text)) for entry in found)


def has_names(text: str) -> bool:
    """True if a text has names of PyTorch's recurrent arrays, as `state_dict().keys()` shows them."""
    return len([*names_in(text)]) > 1


def names_in(text: str) -> Iterator[str]:
    """The names in a text that PyTorch's recurrent modules give to their arrays."""
    for match in _NAME.finditer(without_escapes(text)):
        name = _bare(match[1] or match[2])
        held = "weight_" in name or "bias_" in name
        if held and any(hit.framework == "pytorch" for hit in possible_meanings(name)):
            yield name


@lru_cache(maxsize=4096)
def _is_known(name: str) -> bool:
    """True for a name that a framework gives to an array of an LSTM, or of another module alike."""
    return bool(possible_meanings(name))


@lru_cache(maxsize=4096)
def is_recurrent(name: str) -> bool:
    """True for the name of an array that makes its module recurrent, or that has LSTM in it."""
    return "lstm" in name.lower() or bool(recurrent_units(name)) or relative_kind(name) is not None


def read_listed(source: SourceText, framework: str = "") -> list[Found]:
    """The LSTMs of a list of names and shapes."""
    entries = [*entries_in(source.text)]
    if not any(is_recurrent(entry.name) for entry in entries):
        return lstms_of_names(names_in(source.text), source.name or "the text")
    torch = "torch.Size(" in source.text or "Parameter containing" in source.text
    tree = any("/" in entry.name for entry in entries)
    kind = LISTED_BY_TORCH if torch else LISTED_TREE if tree else LISTED
    return lstms_of_entries(entries, source.name or "the text", framework, kind)


def lstms_of_entries(entries: Sequence[Entry], name: str, framework: str = "", kind: str = LISTED) -> list[Found]:
    """The LSTMs that names with shapes are of."""
    unique: dict[str, Entry] = {}
    for entry in entries:
        first = unique.setdefault(entry.name, entry)
        if first.shape != entry.shape:
            raise SourceError(
                f"{printable(entry.name)} is listed twice, with two shapes",
                "one list of names and shapes",
                f"{first.shape} and {entry.shape}",
                "give the list of one model",
                where=name,
            )
    tensors = tuple(_stored(entry, name) for entry in unique.values())
    contents = contents_of(WeightFile(_FORMAT, tensors, kind=kind, has_numbers=False), name, framework)
    return [_with_doubts(found) for found in lstms_of_contents(contents, name)]


def _stored(entry: Entry, source: str) -> Stored:
    """A tensor of which the name and the shape are known, and no numbers."""
    count = 1
    for size in entry.shape:
        count *= size

    def read() -> Any:  # noqa: ANN401  # an array
        hint = "give the weight file"
        raise SourceError("a list of names and shapes has no numbers", "a weight file", where=source, hint=hint)

    return Stored(entry.name, entry.dtype, entry.shape, count * DTYPE_BYTES.get(entry.dtype, 4), read)


def _with_doubts(found: Found) -> Found:
    """The LSTM with the reasons why it may be another one: a list may be cut, of a file it is known where it ends."""
    weights, why = found.stored, []
    if weights.missing:
        why.append(f"not in the list: {with_rest([printable(name) for name in weights.missing], _LISTED)}")
    if weights.misshaped:
        why.append("shapes in the list do not fit together")
    if not weights.config.bias and not weights.missing:
        why.append("no bias is in the list: read as bias=False")
    return found._replace(uncertain=(*found.uncertain, *why)) if why else found


# --- lines -----------------------------------------------------------------------------------------------------------


def entries_in(text: str) -> Iterator[Entry]:
    """The names with shapes in a text, in order."""
    text = without_escapes(text)
    dumped = "DATASPACE" in text and "DATASET" in text
    tabulated = bool(re.search(r"path[ │┃|]+module[ │┃|]", text))
    by_haiku = bool(re.search(r"\| Module +\| Config +\|", text))
    tables = _tabulated(text) if tabulated else _by_haiku(text) if by_haiku else _nested_or_lines(text)
    found = _h5dump(text) if dumped else tables
    for count, entry in enumerate(found):
        if count >= _MAX_ENTRIES:
            raise SourceError("too many names with shapes", f"at most {_MAX_ENTRIES:,}")
        yield entry


def _nested_or_lines(text: str) -> Iterator[Entry]:
    """The entries of a tree, if a text has one; else those of its lines."""
    leaves = [Entry(leaf.path, leaf.shape) for leaf in leaves_of(text)] if is_nested(text) else []
    if any(is_recurrent(leaf.name) for leaf in leaves):
        return iter(leaves)
    listed = [*_lines(text)]
    if any("weight" in entry.name or len(entry.shape) > 1 for entry in listed) or not _HELD.search(text):
        return iter(listed)
    counts = counts_in(plain_line(line).replace("|", " ") for line in text.splitlines() if len(line) <= _MAX_LETTERS)
    return (Entry(name, shape) for name, shape in shapes_of_counts(counts).items())


def _lines(text: str) -> Iterator[Entry]:
    """The entries of lines; a name alone on its line belongs to a shape alone on the next."""
    alone = ""
    for line in text.splitlines():
        plain = plain_line(line).replace("|", " ") if not line.isascii() or "|" in line or "\t" in line else line
        plain = without_ahead(plain)
        found = [*_line(plain, alone)] if _SHAPE.search(plain) else [*_vector(plain)]
        yield from found
        alone = "" if found else plain.strip().rstrip(":") if len(plain) <= _MAX_LETTERS else ""


_VECTOR: Final = re.compile(r"(?<![\w./])([A-Za-z_][\w./]{0,300}+)[ \t:=]{1,100}+(\d{1,12}+)[ \t]*+$")


def _vector(line: str) -> Iterator[Entry]:
    """A bias whose only size stands there as a number: `lstm.bias_ih_l0: 400`."""
    found = _VECTOR.search(line) if "bias" in line else None
    if found and found[1].rpartition(".")[2].startswith("bias") and _is_known(found[1]):
        yield Entry(found[1], (int(found[2]),))


def _line(line: str, alone: str) -> Iterator[Entry]:
    start = 0
    matches = [match for match in _SHAPE.finditer(line) if _is_shape(line, match)]
    for number, match in enumerate(matches):
        before = line[max(start, match.start() - _MAX_LETTERS) : match.start()]
        start = match.end()
        until = matches[number + 1].start() if number + 1 < len(matches) else len(line)
        behind = line[start : min(until, start + _MAX_LETTERS)]
        if any(f"{word}" in before for word in _OFF):
            continue
        name = _name_before(before) or _name_behind(behind) or _name_before(alone if number == 0 else "")
        sizes = tuple(int(size) for size in re.findall(r"(?<![/\d])\d+", match[0]))
        if name:
            yield Entry(name, sizes, _dtype(before) or _dtype(behind))


def _is_shape(line: str, match: re.Match[str]) -> bool:
    """True if brackets with numbers are not the arguments of a call, as in `LSTM(10, 20)`."""
    before = line[max(0, match.start() - 40) : match.start()]
    if not before or not (before[-1].isalnum() or before[-1] in "_)]"):
        return before[-1:] != "(" or bool(_CALLED.search(before)) or not before[:-1].rstrip()[-1:].isalnum()
    return bool(_CALLED.search(before))


def _dtype(text: str) -> str:
    found = _DTYPE.search(text)
    return _DTYPES.get(found[1].lower(), "") if found else ""


def _name_before(text: str) -> str:
    """The name that a text before a shape ends with; empty if it has none."""
    keyed = [*_KEYED.finditer(text)]
    if keyed:
        return "/".join(_KEY.findall(keyed[-1][0]))
    chained = _TUPLE.search(text)
    if chained:
        return "/".join(_KEY.findall(chained[0]))
    found = ((_bare(match[1] or match[2]), bool(match[1])) for match in _NAME.finditer(text))
    names = [name for name, quoted in found if name and _is_name(name, quoted=quoted)]
    if not names:
        return ""
    if (
        len(names) > 1
        and "/" in names[-2]
        and names[-1] in _LEAVES
        and text.rstrip().endswith(f"{names[-2]} {names[-1]}")
    ):
        return f"{names[-2]}/{names[-1]}"  # a module, and its array
    best = next((name for name in reversed(names) if _is_known(name)), names[-1])
    return next((name for name in names if len(name) > len(best) and name.endswith(("/" + best, "." + best))), best)


def _name_behind(text: str) -> str:
    placed = _PATH.search(text)
    if placed:
        return _bare(placed[1])
    names = [name for match in _NAME.finditer(text) if _is_name(name := _bare(match[1] or match[2]), quoted=False)]
    return names[0] if names and _is_known(names[0]) else ""


def _bare(name: str) -> str:
    """A name without what is said of it: `lstm.bias.shape` is lstm.bias."""
    name = name.strip()
    while name.endswith(_ENDINGS):
        name = name.removesuffix(next(end for end in _ENDINGS if name.endswith(end)))
    return name


def _is_name(name: str, *, quoted: bool) -> bool:
    """True for a name of an array: in quotes, with a dot, a slash or an underscore, or a word that arrays are called.

    A word of those that programs print beside names is none.
    """
    if (
        not name
        or " " in name
        or name.lower() in _WORDS
        or _DTYPE.fullmatch(name)
        or name.startswith(("torch.", "tf.", "np.", "dtype"))
    ):
        return False
    return quoted or name in _LEAVES or any(letter in name[1:-1] for letter in "._/") or name.startswith("/")


def _h5dump(text: str) -> Iterator[Entry]:
    """The entries of h5dump, whose names are those of the groups around them."""
    opened: list[tuple[str, str]] = []  # of each open brace, the kind and the name of what it is of
    dtype = ""
    for line in text.splitlines():
        stripped = line.strip()
        head = re.search(r"(?<!\w)(GROUP|DATASET|ATTRIBUTE) \"([^\"]*+)\"", stripped)
        dtype = _dtype(stripped) or dtype
        space = re.search(r"(?<!\w)DATASPACE\s++SIMPLE \{ \(([\d ,]++)\)", stripped)
        if space:
            if opened and opened[-1][0] == "DATASET":
                names = (name for _, name in opened if name not in ("", "/"))
                yield Entry("/".join(names), tuple(map(int, re.findall(r"\d+", space[1]))), dtype)
            continue
        for brace in re.findall(r"[{}]", stripped):
            if brace == "{":
                opened.append((head[1], head[2]) if head else ("", ""))
                head = None
            elif opened:
                opened.pop()


def _tabulated(text: str) -> Iterator[Entry]:
    """The entries of a table of flax: the path is in the first cell, `kernel: float32[8,16]` in the last."""
    path = ""
    for line in text.splitlines():
        cells = cells_of(line[bar_in(line) :])
        if len(cells) < 3:  # noqa: PLR2004  # a path, a module, parameters
            path = "" if set(line.strip()) - {" "} and "─" in line else path
            continue
        path = cells[0] or path
        held = re.fullmatch(r"([\w.]++): ([a-z]++\d++)\[([\d, ]*+)\]", cells[-1])
        if held and path and "…" not in path:
            sizes = tuple(map(int, re.findall(r"\d+", held[3])))
            yield Entry(f"{path}/{held[1]}", sizes, _DTYPES.get(held[2], ""))


def _by_haiku(text: str) -> Iterator[Entry]:
    """The entries of a table of Haiku: `lstm/linear (Linear)` in the first cell, `w: f32[30,80]` in the third."""
    path = ""
    for line in text.splitlines():
        if len(line) > _MAX_LETTERS:
            continue
        cells = cells_of(line[bar_in(line) :])
        named = re.fullmatch(r"([\w/~.-]++) \(\w[\w.]*+\)", cells[0])
        if "\u2514" not in line:  # before a module around
            path = named[1] if named else "" if "=" in cells[0] else path
        held = re.fullmatch(r"(\w++): ([a-z]++\d++)\[([\d,]*+)\]", cells[2]) if len(cells) > 2 else None  # noqa: PLR2004
        if held and path:
            yield Entry(f"{path}/{held[1]}", tuple(map(int, re.findall(r"\d+", held[3]))), _DTYPES.get(held[2], ""))


# --- JSON ------------------------------------------------------------------------------------------------------------


def entries_of_json(tree: Mapping[str, Any]) -> list[Entry]:
    """The names with shapes of a document: lists of sizes, or objects with a shape; none if it is anything else."""
    found: list[Entry] = []
    pending: list[tuple[str, Any]] = [("", tree)]
    while pending:
        path, node = pending.pop()
        shape = node.get("shape") if isinstance(node, Mapping) else node
        if isinstance(shape, list):
            if not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 8:  # noqa: PLR2004  # axes
                return []
            dtype = node.get("dtype") if isinstance(node, Mapping) else ""
            found.append(Entry(path, tuple(shape), _DTYPES.get(str(dtype).lower().removeprefix("torch."), "")))
        elif isinstance(node, Mapping):
            mark = "/" if any(isinstance(item, Mapping) and "shape" not in item for item in node.values()) else ""
            mark = mark or ("/" if path else "")
            below = [(f"{path}{mark if path else ''}{key}", item) for key, item in node.items()]
            pending += [pair for pair in reversed(below) if pair[0] != "__metadata__"]
        else:
            return []
    return found if any(is_recurrent(entry.name) for entry in found) else []
