"""Every framework of the table as a file of named arrays: `.pt`, `.safetensors` or `.npz`.

One LSTM has the names that its framework gives it; several have theirs in front: `encoder.weight_ih_l0`.

Not here: the bytes of each kind of file (`torch`, `safetensors`, `npz`), the facts of frameworks, and packing
(`numerics.convert`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Final, NamedTuple

from lstmcalc.errors import UnsupportedError, printable
from lstmcalc.frameworks.storage import Storage, check_expressible, find_layout
from lstmcalc.numerics.convert import pack
from lstmcalc.spec.activations import PYTORCH
from lstmcalc.writers import npz, safetensors, torch
from lstmcalc.writers.entries import Entry, check_name, entry_of, holds
from lstmcalc.writers.loading import load_lines
from lstmcalc.writers.names import named
from lstmcalc.writers.running import JUDGED, run_tables
from lstmcalc.writers.target import Asked, Portable, Target


class _Container(NamedTuple):
    """A kind of file of named arrays."""

    write: Callable[[IO[bytes], Sequence[Entry]], None]
    check: Callable[[Sequence[Entry]], None]  # refuses dtypes and names that it has not
    narrow: tuple[str, ...] = ()  # the dtypes besides NumPy's in which it can keep numbers


CONTAINERS: Final[Mapping[str, _Container]] = {
    ".pt": _Container(torch.write_torch, torch.check_entries, ("bfloat16",)),
    ".safetensors": _Container(safetensors.write_safetensors, safetensors.check_entries, ("bfloat16",)),
    ".npz": _Container(npz.write_npz, npz.check_entries),
}
# Frameworks that let users choose other functions than sigmoid and tanh: arrays are the same, and the layer has to be
# made with them.
_CHOOSING: Final = {
    "keras": ("sigmoid", "hard_sigmoid:1/6"),
    "keras2": ("sigmoid", "hard_sigmoid:0.2"),
    "keras1": ("sigmoid", "hard_sigmoid:0.2"),
    "onnx": ("sigmoid", "hard_sigmoid:0.2", "hard_sigmoid:1/6"),
}
_TORCH_NAMED: Final = ("pytorch", "pytorch-cell")


def table_target(framework: str, suffix: str) -> Target:
    """The target of one framework's arrays in one kind of file."""
    layout, container = find_layout(framework), CONTAINERS[suffix]

    def write(stream: IO[bytes], lstms: Sequence[Portable], asked: Asked) -> None:
        entries = [*entries_of(lstms, framework, container.narrow), *asked.beside]
        if suffix == ".safetensors":
            safetensors.write_safetensors(stream, entries, of_torch=framework in _TORCH_NAMED)
        else:
            container.write(stream, entries)

    def check(lstms: Sequence[Portable], asked: Asked) -> None:
        for lstm in lstms:
            check_name(lstm.name)
            _check(lstm, framework)
        container.check(asked.beside)

    return Target(
        framework,
        layout.title,
        (suffix,),
        several=True,
        check=check,
        write=write,
        load=partial(load_lines, framework),
        run=partial(run_tables, framework, suffix) if framework in JUDGED else None,
        notes=partial(_notes, framework),
    )


def _check(lstm: Portable, framework: str) -> None:
    """Refuse an LSTM that a framework cannot express, with its functions."""
    where = f"--to {framework}"
    try:
        check_expressible(lstm.config, framework)
    except UnsupportedError as error:
        raise error.at(where) from None
    found, title = lstm.activations, find_layout(framework).title
    known = found._replace(gates="sigmoid", cell="tanh") == PYTORCH
    if found != PYTORCH and not (known and found.gates in _CHOOSING.get(framework, ())):
        raise UnsupportedError(
            f"{title} cannot compute {found}",
            str(PYTORCH),
            f"{found} in {printable(lstm.name)}",
            "Keras and ONNX can: --to keras, --to onnx",
            where,
        )


def entries_of(lstms: Sequence[Portable], framework: str, narrow: Sequence[str] = ()) -> Iterator[Entry]:
    """The arrays of LSTMs under a framework's names; those of several with their own names in front."""
    for lstm in lstms:
        arrays = pack(lstm.weights, lstm.config, framework)
        narrowed = lstm.stored in narrow and all(holds(lstm.stored, array) for array in arrays.values())
        for name, array in named(arrays, lstm.name if len(lstms) > 1 else "").items():
            yield entry_of(name, array, lstm.stored if narrowed else "")


def bias_notes(framework: str, lstms: Sequence[Portable]) -> list[str]:
    """Sentences on the biases in a framework."""
    layout, notes = find_layout(framework), list[str]()
    with_bias = [lstm for lstm in lstms if lstm.config.bias]
    held = {part for item in Storage(lstms[0].config, framework).stored for part in item.holds.split()}
    if with_bias and "bias" in held and not all(map(_is_single, with_bias)):
        notes.append(f"{layout.title} has one bias: it is the sum of bias_ih and bias_hh")
    elif with_bias and "bias_hh" in held and all(map(_is_single, with_bias)):
        notes.append("one bias is split in two: bias_ih has its numbers, and bias_hh is 0")
    if layout.forget_offset:
        added = f"{layout.forget_offset:g}"
        notes.append(f"{layout.title} adds {added} to the forget gate at run time: the stored bias is less by that")
    if not layout.bias and len(with_bias) < len(lstms):
        notes.append(f"{layout.title} always has biases: they are 0 in effect")
    return notes


def _is_single(lstm: Portable) -> bool:
    """True if every second bias is 0, as where one bias was split in two."""
    return not any(array.any() for name, array in lstm.weights.items() if name.startswith("bias_hh"))


def _notes(framework: str, lstms: Sequence[Portable]) -> list[str]:
    """Sentences on the changes on the way to a framework."""
    notes = bias_notes(framework, lstms)
    for lstm in lstms:
        if lstm.activations != PYTORCH:
            notes.append(f"{lstm.name} computes {lstm.activations}, which arrays do not say: make the layer so")
    return notes
