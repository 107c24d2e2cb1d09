"""LSTMs put into the file of another model, in place of the ones that it has; everything else in it stays.

Not here: how bytes are replaced (`writers.overwriting`), and the proof (`making`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lstmcalc.commands._output import TypedFlags
from lstmcalc.commands.convert.making import (
    OURS,
    REST,
    Proof,
    ProofRow,
    Work,
    add_rows,
    add_run,
    proven_file,
    read_back,
    results_of,
    unread,
)
from lstmcalc.commands.convert.stacking import stack_note, targets_in_order
from lstmcalc.errors import (
    LstmcalcError,
    NotFoundError,
    ProgramError,
    UnsupportedError,
    UsageError,
    printable,
    shown_name,
)
from lstmcalc.frameworks.storage import Storage, find_layout, missing_feature
from lstmcalc.intake.choosing import asked_modules, chosen_lstms, lstms_of
from lstmcalc.intake.computable import check_order
from lstmcalc.numerics.convert import pack, unpack
from lstmcalc.numerics.stacks import Part, layers_of, stacked, stacked_config
from lstmcalc.proof.conversion import Sides, compared_outputs, compared_weights, sides_of
from lstmcalc.readers.files.given import given
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.raw_numbers import to_bfloat16
from lstmcalc.readers.found import Found
from lstmcalc.readers.texts import has_weights
from lstmcalc.spec.activations import activations_of, option_texts, unstated
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.words import and_list
from lstmcalc.writers.entries import entry_of
from lstmcalc.writers.npz import write_npz
from lstmcalc.writers.overwriting import Piece, Span, changed_elsewhere, check_pieces, write_over
from lstmcalc.writers.running import run_within
from lstmcalc.writers.tables import bias_notes
from lstmcalc.writers.target import Portable

if TYPE_CHECKING:
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.proof.judges import Verdict

INTO: Final = "--into"
_MODULE: Final = "--into-module"
_FLOATS: Final = ("float16", "float32", "float64", "bfloat16")


class Place(NamedTuple):
    """An LSTM of the target file, and what comes in its place."""

    found: Found
    lstm: Portable  # with the target's own biases, in its dtype


class Plan(NamedTuple):
    """The plan for a target file."""

    path: str
    places: Sequence[Place]
    notes: Sequence[str]


def plan_of(typed: TypedFlags, framework: str, lstms: Sequence[Portable]) -> Plan:
    """The LSTM of the source for each one of the target file; refused unless that is clear and can be.

    `framework` says whose layout the target has, where its names and shapes fit several; empty if it is not said.
    """
    path = str(typed["into"])
    if not has_weights(path):
        raise NotFoundError(f"no weight file: {shown_name(path)}", "safetensors, PyTorch, NumPy or Keras", where=INTO)
    kinds = [PurePath(name).suffix.lower() for name in (path, str(typed["output"]))]
    if given(path) is None and kinds[0] != kinds[1]:
        what = "the file stays of its kind, whatever it is called"
        raise UsageError(what, f"a name that ends in {kinds[0]}", shown_name(str(typed["output"])), where="--output")
    found = lstms_of(path, {}, framework)
    modules = asked_modules(typed["into_module"], (item.name for item in found))
    chosen = chosen_lstms(found, modules)
    for item in chosen:
        _check_place(item)
    stack = bool(typed["stack"])
    chosen = targets_in_order(chosen, typed["into_module"]) if stack and len(chosen) > 1 else chosen
    notes: list[str] = []
    places = [_fitted(item, lstm, notes) for item, lstm in _matched(chosen, lstms, notes, stack=stack)]
    if given(path) is None:
        held = {tensor.name: tensor for place in places for tensor in place.found.stored.tensors.values()}
        file = chosen[0].stored.file
        rest = [tensor for tensor in (file.tensors if file else ()) if tensor.name not in held]
        check_pieces(path, list(held.values()), rest)
    changes = [note for place in places for note in bias_notes(place.found.framework, lstms)]
    return Plan(path, places, list(dict.fromkeys([*notes, *changes])))


def _check_place(found: Found) -> None:
    """Refuse an LSTM that is more than an LSTM, not whole, or not of floating-point numbers."""
    name, weights = printable(found.name), found.stored
    check_order(found)
    odd = [item for item in found.unmodelled if item not in option_texts(found.options)]
    if odd:
        raise UnsupportedError(f"{name} computes something else than an LSTM", "an LSTM", and_list(odd), where=INTO)
    rows = Storage(weights.config, found.framework).parameters
    dtypes = {tensor.dtype for tensor in weights.tensors.values()}
    if weights.missing or weights.misshaped or len(weights.tensors) != len(rows) or found.quantized:
        what = found.quantized or and_list([*weights.missing, *weights.misshaped][:3] or ["arrays"])
        raise UnsupportedError(f"the weights of {name} are not whole", f"those of {weights.config}", what, where=INTO)
    if len(dtypes) != 1 or not dtypes <= set(_FLOATS):
        raise UnsupportedError(
            f"{name} has no single dtype", "float32, or another", and_list(sorted(dtypes)), where=INTO
        )


# --- Which one is which


def _sizes(config: LSTMConfig) -> LSTMConfig:
    """The sizes of an LSTM, which have to be the same, without what no weight depends on, and without its biases."""
    return replace(config, bias=True, batch_first=False, dropout=0.0)


def _matched(
    targets: Sequence[Found], lstms: Sequence[Portable], notes: list[str], *, stack: bool
) -> list[tuple[Found, Portable]]:
    """Each LSTM of the target, with the one that takes its place: the only one of its sizes, or that of its name.

    Layers of one become LSTMs of their own, or the other way round, only if that is asked for: nothing in the files
    says that one reads the output of the other as it is.
    """
    if len(targets) == len(lstms) or len(lstms) == 1:
        fitting = {
            lstm.name: [item for item in targets if _sizes(item.stored.config) == _sizes(lstm.config)] for lstm in lstms
        }
        named = {lstm.name: [item for item in fitting[lstm.name] if item.name == lstm.name] for lstm in lstms}
        for found in (fitting, named):
            chosen = [items[0].name for items in found.values() if len(items) == 1]
            if len(set(chosen)) == len(lstms):
                return [(found[lstm.name][0], lstm) for lstm in lstms]
        if len(lstms) == 1 and len(fitting[lstms[0].name]) > 1:
            raise _unclear(targets, lstms, f"{_MODULE} NAME, as several have these sizes")
    whole = _as_stack(targets, lstms)
    if whole is not None and stack:
        names = ([item.name for item in targets], [lstm.name for lstm in lstms])
        notes += [stack_note(each) for each in names if len(each) > 1]
        return whole
    hint = "--module NAME of the source and --into-module NAME of the target pick one each"
    raise _unclear(targets, lstms, "--stack, if each reads the output of the one before" if whole else hint)


def _as_stack(targets: Sequence[Found], lstms: Sequence[Portable]) -> list[tuple[Found, Portable]] | None:
    """The layers of the source, dealt to those of the target; None if they are not the same stack."""
    theirs = stacked_config([_sizes(item.stored.config) for item in targets])
    functions = {lstm.activations for lstm in lstms}
    parts = [Part(_sizes(lstm.config), _with_biases(lstm)) for lstm in lstms]
    ours = stacked(parts)
    if ours is None or theirs is None or ours.config != theirs or len(functions) > 1:
        return None
    layers, pairs = layers_of(ours), []
    for item in targets:
        own, layers = layers[: item.stored.config.num_layers], layers[item.stored.config.num_layers :]
        made = stacked(own)
        assert made is not None  # noqa: S101  # they were one stack
        pairs.append((item, lstms[0]._replace(config=made.config, weights=made.weights)))
    return pairs


def _unclear(targets: Sequence[Found], lstms: Sequence[Portable], hint: str) -> UsageError:
    ours = and_list([f"{printable(lstm.name)} {lstm.config}" for lstm in lstms[:4]])
    theirs = and_list([f"{printable(item.name)} {item.stored.config}" for item in targets[:4]])
    return UsageError("which LSTM goes where is not clear", f"one of the sizes of {ours}", theirs, hint, INTO)


# --- What it has there


def _with_biases(lstm: Portable) -> "Mapping[str, Array]":
    """The weights with biases, of zeros if it has none."""
    if lstm.config.bias:
        return lstm.weights
    from lstmcalc.numerics.arguments import weight_shapes

    dtype = lstm.dtype
    shapes = weight_shapes(replace(lstm.config, bias=True))
    return {
        name: lstm.weights[name] if name in lstm.weights else np.zeros(shape, dtype) for name, shape in shapes.items()
    }


def _fitted(found: Found, lstm: Portable, notes: list[str]) -> Place:
    """The LSTM as the target has it: its biases, its dtype, and the same functions."""
    theirs = activations_of(found.framework, found.options)
    if unstated(found.options):
        what = f"{unstated(found.options)} of {printable(found.name)}"
        notes.append(f"{what} is not stated in the file: what was put there computes {lstm.activations}")
    elif theirs != lstm.activations:
        expected = f"{lstm.activations}, as {printable(lstm.name)}"
        raise UnsupportedError(
            f"{printable(found.name)} computes with other functions", expected, str(theirs), where=INTO
        )
    config = replace(_sizes(lstm.config), bias=found.stored.config.bias, batch_first=lstm.config.batch_first)
    if missing_feature(config, found.framework):
        raise UnsupportedError(
            f"{find_layout(found.framework).title} has no {missing_feature(config, found.framework)}", where=INTO
        )
    weights = _with_biases(lstm)
    if not config.bias:
        lost = [name for name, array in weights.items() if name.startswith("bias") and array.any()]
        if lost:
            raise UnsupportedError(
                f"{printable(found.name)} has no biases",
                f"biases, for those of {printable(lstm.name)}",
                and_list(lost[:3]),
                where=INTO,
            )
        weights = {name: array for name, array in weights.items() if not name.startswith("bias")}
    held = {part for item in Storage(config, found.framework).stored for part in item.holds.split()}
    weights = _with_one_bias(weights) if "bias" in held else weights  # before it is rounded
    dtype = next(iter(found.stored.tensors.values())).dtype
    return Place(found, lstm._replace(config=config, weights=_cast(found, weights, dtype, notes), stored=""))


def _with_one_bias(weights: "Mapping[str, Array]") -> "dict[str, Array]":
    """The weights with both biases added up in the first of them."""
    made = dict(weights)
    for name in [name for name in weights if name.startswith("bias_ih")]:
        second = name.replace("bias_ih", "bias_hh")
        made[name], made[second] = weights[name] + weights[second], np.zeros_like(weights[second])
    return made


def _cast(found: Found, weights: "Mapping[str, Array]", dtype: str, notes: list[str]) -> "dict[str, Array]":
    """The weights in the dtype of the target; those of bfloat16 as float32, rounded."""
    with np.errstate(over="ignore"):
        cast: dict[str, Any] = {
            name: to_bfloat16(array.astype(np.float32)) if dtype == "bfloat16" else array.astype(dtype)
            for name, array in weights.items()
        }
    lost = [name for name, array in cast.items() if np.isinf(array).any() and not np.isinf(weights[name]).any()]
    if lost:
        raise UnsupportedError(f"numbers do not fit in {dtype}", found=f"some of {and_list(lost[:3])}", where=INTO)
    apart = max(float(np.abs(cast[name].astype(np.float64) - weights[name].astype(np.float64)).max()) for name in cast)
    if apart:
        notes.append(f"{printable(found.name)} is {dtype}: numbers are rounded to it, by at most {apart:.2g}")
    return cast


# --- The file


def made_into(path: str, plan: Plan, progress: Callable[[int, int], None] | None = None, *, run: bool) -> Proof:
    """Write the copy of the target with the LSTMs in it, and prove it; of a model in memory, its LSTMs alone."""
    pieces, spans = list(_pieces(plan)), list[Span]()
    if given(plan.path) is not None:
        return _arrays_for(path, plan, pieces)
    work = Work(2 * Path(plan.path).stat().st_size, progress)

    def write(stream: IO[bytes]) -> None:
        spans.extend(write_over(plan.path, stream, pieces))

    return proven_file(path, ("",), write, lambda written: _prove(written, plan, spans, work, run=run), work)


def _arrays_for(path: str, plan: Plan, pieces: Sequence[Piece]) -> Proof:
    """The arrays for the LSTMs of a model in memory, by its own names, in a file of NumPy that is kept for a moment."""
    names = {piece.tensor.name: piece.array for piece in pieces}

    def write(stream: IO[bytes]) -> None:
        write_npz(stream, [entry_of(name, array) for name, array in names.items()])

    return proven_file(path, (".npz",), write, lambda written: _prove_arrays(written, plan))


def _prove_arrays(written: str, plan: Plan) -> Proof:
    """Read the arrays back by their names."""
    proof, there = Proof(), {tensor.name: tensor.read() for tensor in open_weights(written).tensors}
    for place in plan.places:
        side = sides_of(place.lstm.config, place.lstm.activations, place.lstm.weights)
        own = {name: there[tensor.name] for name, tensor in place.found.stored.tensors.items()}
        theirs = unpack(own, place.lstm.config, place.found.framework)
        added = {"f": find_layout(place.found.framework).forget_offset}
        rows = [*compared_weights(side, theirs, added), *compared_outputs(side, theirs)]
        prefix = f"{place.found.name}." if len(plan.places) > 1 else ""
        add_rows(proof, prefix, rows, side, partial(results_of, side, theirs))
    proof.proven_by.append(OURS)
    return proof


def _pieces(plan: Plan) -> Iterator[Piece]:
    for place in plan.places:
        arrays = pack(place.lstm.weights, place.lstm.config, place.found.framework)
        for name, array in arrays.items():
            tensor = place.found.stored.tensors[name]
            yield Piece(tensor, to_bfloat16(array) if tensor.dtype == "bfloat16" else array)


def _prove(written: str, plan: Plan, spans: Sequence[Span], work: Work, *, run: bool) -> Proof:
    """Read the target's LSTMs back, and compare every other byte."""
    proof, sides = Proof(), list[Sides]()
    for place in plan.places:
        side = sides_of(place.lstm.config, place.lstm.activations, place.lstm.weights)
        try:
            (theirs,) = read_back(written, [place.lstm], place.found.framework, only=place.found.name)
        except LstmcalcError as error:
            return unread(proof, error, written)
        sides.append(side)
        layout = find_layout(place.found.framework)
        rows = [*compared_weights(side, theirs, {"f": layout.forget_offset}), *compared_outputs(side, theirs)]
        prefix = f"{place.found.name}." if len(plan.places) > 1 else ""
        add_rows(proof, prefix, rows, side, partial(results_of, side, theirs))
    proof.proven_by.append(OURS)
    count = changed_elsewhere(plan.path, written, spans, work.add)
    proof.rows.append(ProofRow(REST, float(count), 0.0, passed=not count))
    for place, side in zip(plan.places, sides if run and proof.holds else [], strict=False):
        name = place.found.name if len(plan.places) > 1 else ""
        add_run(proof, written, partial(_verdict, plan.path, place, side), side, name)
    return proof


def _verdict(path: str, place: Place, side: Sides, written: str) -> "Verdict | None":
    """The results that PyTorch computes of the LSTM in the file; None if it cannot be run.

    A model of Keras is not loaded for this: its configuration names what is imported, and may have code in it.
    """
    file = place.found.stored.file
    if place.found.framework != "pytorch" or file is None:
        return None
    names = {name: tensor.name for name, tensor in place.found.stored.tensors.items()}
    run = partial(run_within, file.kind, names=names, lstm=place.lstm, data=side.data, inputs=side.inputs)
    try:
        return run(written)
    except ProgramError as error:
        try:
            run(path)
        except ProgramError:  # whatever it does not take was there before
            what = "PyTorch does not read the file that it was put into either"
            raise UnsupportedError(what, found=error.found) from None
        raise
