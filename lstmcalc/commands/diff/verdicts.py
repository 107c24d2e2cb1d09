"""The verdict of a comparison: whether a file loads into a whole model, what repairs it, and what was not compared.

Not here: the LSTMs one by one (`report`), the words of PyTorch (`loading`), the search for a repair (`repairs`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple, TypeAlias

from lstmcalc.commands.diff.loading import (
    ASSUMED,
    Loaded,
    Model,
    State,
    load,
    model_of_code,
    model_of_memory,
    model_of_printed,
    model_of_state,
    unknown_keys,
)
from lstmcalc.commands.diff.records import IN_WEIGHTS, STATE_DICTS, ReadSide, Side, Sides
from lstmcalc.commands.diff.repairs import WRAPPERS, Tried, best_repair
from lstmcalc.commands.diff.sides import is_run
from lstmcalc.errors import printable
from lstmcalc.readers.files.tensors import StateDict, WeightFile
from lstmcalc.readers.text.modules import printed_models
from lstmcalc.readers.text_kinds import text_kind
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.words import counted, with_rest

Verdict: TypeAlias = Literal["loads", "lstm-matches", "loads-after-repair", "does-not-load"]
GOOD: Final = ("loads", "lstm-matches")
_LISTED: Final = 3  # names in a sentence


class Judged(NamedTuple):
    """The verdict on a comparison, with its reasons."""

    verdict: Verdict
    root: str | None  # the class of the model that the file is loaded into; None if unknown
    repair: Sequence[str] = ()  # lines of code
    not_compared: Sequence[str] = ()  # names of tensors, as the state dict has them
    messages: Sequence[str] = ()  # PyTorch's, line by line
    causes: Sequence[str] = ()  # in sentences, but for what the LSTMs' settings explain
    notes: Sequence[str] = ()
    whole: bool = False  # True if whole models were compared, and not LSTMs alone


def judged(sides: Sides, *, fits: bool, lstm_lines: Sequence[str]) -> Judged:
    """The verdict on two sources.

    Args:
        sides: Both sources, and their LSTMs in pairs.
        fits: True if the LSTMs of all pairs agree.
        lstm_lines: PyTorch's messages on the LSTMs, each taken alone.
    """
    file, model = sides.read
    held = file.file
    if held is None or not all(side.framework in STATE_DICTS for read in sides.read for side in read.sides):
        return _alone(sides, fits=fits, lines=lstm_lines)
    models = _models(model) if sides.entire else []
    if not models:
        return _alone(sides, fits=fits, lines=lstm_lines)
    states = _state_dicts(held)
    whole = not held.state_dicts and held.kind == "torch"
    choices = [(best_repair(item, entries_of(state)), state, item) for item in models for state in states]
    best = max(choices, key=lambda choice: choice[0].score)
    notes = [_choice_note(best[2], models)] if len(models) > 1 else []
    if any(module.kind == "MultiheadAttention" for module in best[2].modules):
        notes.append(ASSUMED)
    return _of_whole(file, states[0], best, sides, whole=whole or best[1].is_module)._replace(notes=notes, whole=True)


def entries_of(state: StateDict) -> State:
    """The shapes of a state dict, and the classes of what is not a tensor."""
    return {name: item if isinstance(item, str) else item.shape for name, item in state.entries.items()}


def _state_dicts(file: WeightFile) -> Sequence[StateDict]:
    """The state dicts of a file, of which the first is the file itself."""
    if file.state_dicts:
        return [*file.state_dicts, *_modules_in(file)]
    own = file.owners if is_run(file) else {tensor.name for tensor in file.tensors}
    return (StateDict((), {tensor.name: tensor for tensor in file.tensors if tensor.name in own}),)


def _modules_in(file: WeightFile) -> Iterator[StateDict]:
    """The state dicts of whole modules in the dictionary that a file is."""
    for name, item in file.state_dicts[0].entries.items():
        if isinstance(item, str) and "." in item and item != _PACKED and not file.state_dicts[0].keys:
            start = f"{name}."
            held = {tensor.name.removeprefix(start): tensor for tensor in file.tensors if tensor.name.startswith(start)}
            if held:
                yield StateDict((name,), held, is_module=True)


def _models(read: ReadSide) -> list[Model]:
    """The models that a source may describe; none if it describes LSTMs alone."""
    if read.file is not None:
        names = [tensor.name for side in read.sides for tensor in side.found.stored.tensors.values()]
        states = _state_dicts(read.file)
        holding = [state for state in states if names and all(_path_in(state, name) is not None for name in names)]
        chosen = max(holding or states[:1], key=lambda state: len(state.keys))
        if read.file.described and not chosen.keys:
            return [model_of_memory(read.file.described, entries_of(chosen))]
        return [model_of_state(entries_of(chosen))]
    if read.text is None:
        return []
    kind = text_kind(read.text)
    if kind == "printed":
        lstms = ({name: item.shape for name, item in side.items.items()} for side in read.sides)
        models = [model_of_printed(printed, lstms) for printed in printed_models(read.text)]
        return [item for item in models if any("LSTM" in module.kind for module in item.modules[1:])]
    own = {side.name: {name: item.shape for name, item in side.items.items()} for side in read.sides}
    made = [item for item in read.models if not item.modules[0].lstm and any(part.lstm for part in item.modules)]
    return [model_of_code(item, own) for item in made]


def has_paths(read: ReadSide) -> bool:
    """True if a source describes whole models, in which its LSTMs have paths."""
    return bool(_models(read))


def _path_in(state: StateDict, name: str) -> str | None:
    """The key in a state dict of a tensor of the file; None if it is elsewhere."""
    start = "".join(f"{key}." for key in state.keys)
    return name[len(start) :] if name.startswith(start) else None


def _choice_note(model: Model, models: Sequence[Model]) -> str:
    others = with_rest([item.kind or "?" for item in models if item is not model], _LISTED)
    return f"the text has several models: compared with {model.kind or '?'}, whose keys agree most, not with {others}"


# --- whole models ----------------------------------------------------------------------------------------------------


def _of_whole(
    file: ReadSide, raw: StateDict, best: tuple[Tried, StateDict, Model], sides: Sides, *, whole: bool
) -> Judged:
    """The verdict on a state dict and a model."""
    tried, chosen, model = best
    repair, steps = tried.repair, [*tried.repair.steps]
    unknown = unknown_keys(model, tried.state)
    after = load(model, tried.state, None if steps else chosen.versions, unknown)
    nested = bool(chosen.keys)
    apart = set(unknown_keys(model, entries_of(raw))) if not nested else set()
    ignored = [old for old, new in repair.names.items() if old in apart and new in set(unknown)]
    first = load(model, entries_of(raw), raw.versions, ignored)
    needed = bool(steps or nested or whole)
    if sides.read[1].models and after.fine and _code_may_do_it(tried, chosen, sides.read[1]):
        needed = False
    lines = _load_code(file, chosen, whole=whole)
    constructors = list(_constructors(sides))
    verdict: Verdict = "does-not-load"
    if after.fine:
        verdict = "loads-after-repair" if needed else "lstm-matches" if model.partial else "loads"
    code = [lines, *steps] if needed else []
    return Judged(
        verdict,
        model.kind or None,
        [] if verdict in GOOD else [*code, *([] if after.fine else constructors)],
        unknown,
        [] if verdict in GOOD else first.lines(model.kind),
        [*_nested_causes(chosen, whole=whole), *repair.causes, *_causes(after, tried.state, model, sides)],
    )


def _code_may_do_it(tried: Tried, chosen: StateDict, code: ReadSide) -> bool:
    """True if code, which is not read for what it does with keys, may repair them, or have its class in another.

    It may if it names each key that is opened, and each part that is stripped or the wrapper that adds it.
    """
    text = code.text.text if code.text else ""
    parts = [part for part in WRAPPERS if any(part in step for step in tried.repair.steps)]
    wraps = bool(parts) and all(_quotes(text, part) or WRAPPERS[part][1] in text for part in parts)
    opens = all(_quotes(text, key) for key in chosen.keys)
    inside = bool(tried.repair.prefix) and len(tried.repair.steps) == 1
    return opens and (not tried.repair.steps or wraps or inside)


_PACKED: Final = "torch.ScriptObject"


def _quotes(code: str, word: str) -> bool:
    """True if code has a word as a string."""
    return f'"{word}"' in code or f"'{word}'" in code


def _load_code(file: ReadSide, state: StateDict, *, whole: bool) -> str:
    """The line that loads the state dict of a file."""
    kind, path = file.file.kind if file.file else "", ascii(file.path)
    keys = "".join(f"[{key!r}]" for key in state.keys).replace("'", '"')
    path = f'"{path[1:-1]}"' if '"' not in path else path
    if file.file and file.file.code:
        return file.file.state_code(keys)[-1]
    if file.file and not file.file.has_numbers:
        return "state = torch.load(FILE)  # the file whose names were listed"
    if kind == "safetensors":
        return f"state = safetensors.torch.load_file({path})"
    if whole and file.file and file.file.format == "TorchScript":
        return f"state = torch.jit.load({path}).state_dict()"
    if whole:
        return f"state = torch.load({path}, weights_only=False){keys}.state_dict()"
    return f"state = torch.load({path}){keys}"


def _nested_causes(state: StateDict, *, whole: bool) -> Iterator[str]:
    if state.keys and not state.is_module:
        keys = "".join(f'["{key}"]' for key in state.keys)
        yield f"the state dict is in {keys} of the file"
    if whole:
        yield "the file has a whole module, not its state dict"
    packed = [name for name, item in state.entries.items() if item == _PACKED]
    if packed:
        yield (
            f"the file has packed weights of quantize_dynamic, e.g. {printable(packed[0])}: it loads only into a model "
            "that is quantized the same way"
        )


def _causes(after: Loaded, state: State, model: Model, sides: Sides) -> Iterator[str]:
    """The faults that are left after the repair, in sentences, without those that settings of an LSTM explain."""
    explained = {side.name for side in _differing(sides)}
    shapes = model.tensors()
    file, target = sides.words
    odd = [key for key in after.mismatched if key.rpartition(".")[0] not in explained]
    for key in odd[:_LISTED]:
        found = state[key]
        what = f"{list(found)}" if not isinstance(found, str) else f"no tensor, but {found},"
        yield f"size mismatch: {key} is {what} in {file}, {list(shapes[key])} in {target}"
    if len(odd) > _LISTED:
        yield f"{counted(len(odd) - _LISTED, 'more tensor')} of other sizes"
    for names, text in ((after.missing, f"{file} lacks"), (after.unexpected, f"{target} has no place for")):
        plain = [key for key in names if key.rpartition(".")[0] not in explained]
        if plain:
            yield f"{text} {with_rest(plain, _LISTED)}"


def _differing(sides: Sides) -> Iterator[Side]:
    """The LSTMs of the model whose settings are not those of the file."""
    for file, model in sides.pairs:
        if file and model and any(getattr(file.config, field) != getattr(model.config, field) for field in IN_WEIGHTS):
            yield model


def _constructors(sides: Sides) -> Iterator[str]:
    """The calls that construct the model's LSTMs as the file has them, where they differ."""
    differing = {id(side) for side in _differing(sides)}
    for file, model in sides.pairs:
        if file and model and id(model) in differing and not model.is_file and model.framework in STATE_DICTS:
            fields = {field: getattr(file.config, field) for field in IN_WEIGHTS if field in file.known}
            text = _call(
                replace(model.config, **fields), file.framework if file.framework in STATE_DICTS else model.framework
            )
            named = [model.name] if sides.entire else []
            place = ", ".join([*named, *([model.found.where] if model.found.where else [])])
            yield f"nn.{text}  # {place}" if place else f"nn.{text}"


def _call(config: LSTMConfig, framework: str) -> str:
    """The call of nn.LSTM, or of nn.LSTMCell where that can be the LSTM."""
    cell = LSTMConfig(config.input_size, config.hidden_size, bias=config.bias)
    fits = all(getattr(cell, field) == getattr(config, field) for field in IN_WEIGHTS)
    return f"LSTMCell{str(cell).removeprefix('LSTM')}" if framework != "pytorch" and fits else str(config)


# --- LSTMs alone -----------------------------------------------------------------------------------------------------


def _alone(sides: Sides, *, fits: bool, lines: Sequence[str]) -> Judged:
    """The verdict where a side describes LSTMs alone, or where the sides are of two frameworks."""
    verdict: Verdict = "lstm-matches" if fits else "does-not-load"
    kinds = {side.framework: "LSTM" if side.framework == "pytorch" else "LSTMCell" for _, side in sides.pairs if side}
    model = sides.read[1]
    known = len(kinds) == 1 and model.file is None and kinds.keys() <= {*STATE_DICTS}
    kind = next(iter(kinds.values())) if known else ""
    head = [f"Error(s) in loading state_dict for {kind}:"] if kind and lines else []
    return Judged(
        verdict,
        kind or None,
        [] if fits else list(_constructors(sides)),
        list(_others(sides)),
        [] if fits else [*head, *lines],
    )


def _others(sides: Sides) -> Iterator[str]:
    """The names of the file's tensors that were not compared, as its state dict has them."""
    file = sides.read[0].file
    if file is None:
        return
    compared = {side.found.stored.module for side, _ in sides.pairs if side and side.is_file}
    states = _state_dicts(file)
    tensors = [tensor.name for side in sides.read[0].sides for tensor in side.found.stored.tensors.values()]
    holding = [state for state in states if tensors and _path_in(state, tensors[0]) is not None]
    chosen = max(holding or states[:1], key=lambda state: len(state.keys))
    start = "".join(f"{key}." for key in chosen.keys)
    for name, item in chosen.entries.items():
        if not isinstance(item, str) and file.owners.get(f"{start}{name}", file.owners.get(item.name)) not in compared:
            yield name
