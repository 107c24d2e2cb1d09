"""The other arrays in an LSTM's module, which change its computation: normalisation, peepholes, LoRA, anything else.

Not here: arrays that an LSTM's own weights follow from (`reparametrized`), and other modules of the file.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.names import plain_name
from lstmcalc.spec.words import with_rest

# Such arrays by their names, and the cell that has them: custom_lstms.py of PyTorch's benchmarks/fastrnns
# (`layernorm_i`), peepholes as `weight_ch`, `W_ci` or `w_f_diag`, loralib's and PEFT's `lora_A`, and the
# multiplicative LSTM of openai/generating-reviews-discovering-sentiment (`wmx`, `wmh`).
_LOOKS: Final = (
    ("LoRA", ("*lora*",)),
    ("layer normalisation", ("*layer*norm*", "*/ln*", "*_ln*", "*norm*")),
    ("peepholes", ("*peephole*", "*/w_c[ifho]", "*/weight_c[hifo]*", "*/wc[ifo]", "*/w_[ifo]_diag")),
    (
        "a multiplicative LSTM",
        ("*/wm[xhi]", "*/w_m[xhi]*", "*/weight_m[xhi]*", "*/weight_i[mh]_m*", "*multiplicative*"),
    ),
)
_OTHER: Final = "arrays that no LSTM has"
_MODULES: Final = ("pytorch", "pytorch-cell")  # their names have a module of the LSTM's own
# The parts of a weight that is stored indirectly, left beside it.
_PARTS: Final = ("*/weight_[ih][hr]*_[gv]", "*/weight_[ih][hr]*_raw", "*/parametrizations/weight_*")
# Frameworks whose cell has a module of its own, and the parts of a name from that module on. Those of Keras 1 are not
# among them: an inner model has the arrays of all its layers in one group.
_CELLS: Final = {
    "keras": 1,
    "keras2": 1,
    "keras-cudnn": 1,
    "tf1": 1,
    "flax-linen": 2,
    "flax-nnx": 2,
    "flax-nnx-optimized": 2,
    "haiku": 2,
    "equinox": 1,
    "mlx": 1,
    "flux": 1,
}
_LEAF: Final = "/vars"  # of Keras 3: the arrays of a module, beside the modules in it
# The states of random numbers, as Keras 3.15.1 (keras/src/layers/rnn/lstm.py: `seed_generator`) and flax 0.12.7
# (flax/nnx/nn/recurrent.py: `rngs`) keep them for dropout.
_RANDOM: Final = ("*/seed_generator/*", "*/rngs/*", "*/rng/*")


def arrays_beside(reading: Found, listed: Sequence[tuple[str, str]], parts: Collection[str]) -> dict[str, list[str]]:
    """The other arrays of the module, by the cell that has such arrays.

    In the frameworks of `_MODULES` and `_CELLS` that is every array in the module, and in modules in it; in others,
    those of the table. If the module has no name, only neighbours that look like those of another cell are taken for
    parts of it.

    Args:
        reading: The LSTM.
        listed: The names of all arrays, plain and in the file's words, sorted.
        parts: Arrays that some of its arrays are computed from.
    """
    path = reading.name.removesuffix("/base_layer")  # PEFT's name for what it wraps
    layout, whole = LAYOUTS[reading.framework], reading.framework in _MODULES
    patterns = [(_ending(pattern), what) for pattern, what in layout.unmodelled]
    own = {*reading.stored.names, *parts}
    begin = f"{path}/" if path else ""
    config = bisect_left(listed, (f"{begin}config", ""))
    saved = config < len(listed) and listed[config][0] == f"{begin}config"  # by `run --save`, with inputs and outputs
    if saved:
        return {}
    found: dict[str, list[str]] = {}
    for plain, name in _below(begin, listed) if patterns or whole else ():
        rest = f"/{plain[len(begin) :]}"
        if name in own or (whole and any(fnmatchcase(rest, pattern) for pattern in _PARTS)):
            continue
        looks = [what for pattern, what in patterns if fnmatchcase(rest, pattern)]
        if whole and (path or "/" not in plain):
            looks += [*_looks(rest), *([_OTHER] if path else [])]
        if looks:
            found.setdefault(looks[0], []).append(name)
    named = {*parts, *(name for names in found.values() for name in names)}
    for what, names in cells_beside(reading, listed).items():
        if left := [name for name in names if name not in named]:
            found.setdefault(what, []).extend(left)
    return found


def cells_beside(reading: Found, listed: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The other arrays in the modules of the LSTM's cells, by the cell that has such arrays; `listed` as above."""
    found: dict[str, list[str]] = {}
    for what, name in _in_cells(reading, listed):
        found.setdefault(what, []).append(name)
    return found


def _in_cells(reading: Found, listed: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The arrays in the modules of the LSTM's cells that are not below one of its own, as an optimizer's slots are."""
    depth = _CELLS.get(reading.framework, 0)
    own = {*reading.stored.names} if depth else set()
    plain_own = {plain_name(name) for name in own}
    cells = {plain.rsplit("/", depth)[0].removesuffix(_LEAF) for plain in plain_own if plain.count("/") >= depth}
    for cell in sorted(cells):
        for plain, name in _below(f"{cell}/", listed):
            rest = plain[len(cell) :]
            above = (plain[:at] for at, letter in enumerate(plain) if letter == "/" and at > len(cell))
            if (
                name not in own
                and plain_own.isdisjoint((plain, *above))
                and not any(fnmatchcase(rest, pattern) for pattern in _RANDOM)
            ):
                yield next(_looks(rest), _OTHER), name


def _below(begin: str, listed: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The arrays whose plain names begin so."""
    for at in range(bisect_left(listed, (begin, "")), len(listed)):
        if not listed[at][0].startswith(begin):
            return
        yield listed[at]


def _looks(rest: str) -> Iterator[str]:
    """The cells that have arrays of this name."""
    return (what for what, each in _LOOKS if any(fnmatchcase(rest.lower(), pattern) for pattern in each))


def notes_beside(reading: Found, beside: Sequence[Stored]) -> tuple[str, ...]:
    """A note on the parameters of the other arrays of the module, which the LSTM's own do not count."""
    if not beside:
        return ()
    more = sum(numel(tensor.shape) for tensor in beside)
    own = sum(numel(tensor.shape) for tensor in reading.stored.tensors.values())
    shown = with_rest([f"{tensor.name} {tensor.shape}" for tensor in beside], 3)
    return (f"beside the LSTM's arrays its module stores {shown}: {more:,} parameters more, {own + more:,} in all",)


def _ending(pattern: str) -> str:
    """A pattern of `frameworks` for what follows a module: `lstm*.P` is `*/P`."""
    return "*" + pattern.removesuffix(":0").replace(".", "/").removeprefix("lstm").removeprefix("*")
