"""The repair of a state dict whose keys are not those of a model: the prefix to strip, the modules to rename.

A repair is code that is carried out here on the keys, so that what is shown is what was tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from lstmcalc.commands.diff.loading import COUNTER, Model, Shape, State, unknown_keys

# Parts that wrappers put into keys, with what adds them and its word in code: torch 2.13.0 (`DataParallel`,
# torch/_dynamo/eval_frame.py, torch/distributed/fsdp/_common_utils.py,
# torch/distributed/algorithms/_checkpoint/checkpoint_wrapper.py).
WRAPPERS: Final = {
    "module.": ("DataParallel and DistributedDataParallel add", "DataParallel"),
    "_orig_mod.": ("torch.compile adds", "compile("),
    "_fsdp_wrapped_module.": ("FullyShardedDataParallel adds", "FullyShardedDataParallel"),
    "_checkpoint_wrapped_module.": ("checkpoint_wrapper adds", "checkpoint_wrapper"),
}
_AVERAGED: Final = "module."  # what AveragedModel puts before keys: torch 2.13.0, torch/optim/swa_utils.py
_ANCHORS: Final = 16  # keys of the model that are searched at the end of other keys
_PREFIXES: Final = 12
# Modules that are renamed, those that may be renamed to one of them, and those of its sizes that are tried. More of
# them are another model, and take long.
_RENAMED: Final = 100
_SPARE: Final = 1000
_FITTING: Final = 20
_ITEMS: Final = "for k, v in state.items()"


class Repair(NamedTuple):
    """A change of the keys of a state dict."""

    names: Mapping[str, str]  # the keys that are kept, to what becomes of them
    steps: tuple[str, ...] = ()  # the code
    causes: tuple[str, ...] = ()  # in sentences
    prefix: str = ""  # what was stripped, if that is no wrapper's

    def applied(self, state: State) -> dict[str, Shape | str]:
        """The state dict after the repair."""
        return {new: state[old] for old, new in self.names.items()}


class Tried(NamedTuple):
    """A repair and how far it leads."""

    repair: Repair
    state: Mapping[str, Shape | str]
    score: tuple[int, ...]  # more is better

    @property
    def full(self) -> bool:
        """True if every tensor of the model has its size in the state dict."""
        return bool(self.score[0])


def best_repair(model: Model, state: State) -> Tried:
    """The repair after which most tensors of the model are there, and of these the simplest; it may change nothing."""
    wanted = model.tensors()
    tried = [_tried(repair, wanted, state, model) for repair in _by_prefixes(list(state), wanted)]
    best = max(tried, key=lambda item: item.score)
    if best.full or not wanted:
        return best
    tried.sort(key=lambda item: item.score, reverse=True)
    renamed = [_tried(new, wanted, state, model) for item in tried[:4] for new in _renamed(item, wanted)]
    return max([best, *renamed], key=lambda item: item.score)


def _tried(repair: Repair, wanted: Mapping[str, Shape], state: State, model: Model) -> Tried:
    after = repair.applied(state)
    equal = sum(after.get(key) == shape for key, shape in wanted.items())
    there = sum(key in after for key in wanted)
    odd = sum(key not in wanted for key in after) - len(unknown_keys(model, after))
    dropped = len(state) - len(after)
    score = (equal == len(wanted) > 0 and not odd, equal, there, -odd, -dropped, -len(repair.steps))
    return Tried(repair, after, tuple(map(int, score)))


# --- prefixes --------------------------------------------------------------------------------------------------------


def _by_prefixes(keys: Sequence[str], wanted: Mapping[str, Shape]) -> Iterator[Repair]:
    """The repairs that strip or add a prefix, or take wrappers' parts out of the middle; the first changes nothing."""
    for repair in _without_inner_wrappers(keys):
        yield repair
        now = list(repair.names.values())
        for prefix in islice(_ahead(now, wanted), _PREFIXES):
            yield _stripped(repair, prefix)
        for prefix in islice(_ahead(list(wanted), dict.fromkeys(now)), _PREFIXES):
            yield _added(repair, prefix)


def _ahead(longer: Sequence[str], shorter: Mapping[str, object]) -> Iterator[str]:
    """The prefixes that some keys have before the keys of the other side, and wrappers' prefixes."""
    found: dict[str, None] = {}
    for anchor in islice(shorter, 0, None, max(1, len(shorter) // _ANCHORS)):
        found |= {key[: -len(anchor)]: None for key in longer if key.endswith(f".{anchor}")}
    for start in WRAPPERS:
        prefix = ""
        while any(key.startswith(prefix + start) for key in longer) and len(prefix) < 3 * len(start):
            prefix += start
            found[prefix] = None
    yield from found


def _without_inner_wrappers(keys: Sequence[str]) -> Iterator[Repair]:
    """The keys as they are, and without the parts that wrappers of inner modules add."""
    yield Repair({key: key for key in keys})
    inner = [word for word in WRAPPERS if any(f".{word}" in key for key in keys)]
    if not inner:
        return
    names = {}
    for key in keys:
        new = key
        for word in inner:
            new = new.replace(word, "")
        names[key] = new
    if len(set(names.values())) == len(names):
        calls = "".join(f'.replace("{word}", "")' for word in inner)
        causes = tuple(f"keys have `{word}` in them, which {WRAPPERS[word][0]}" for word in inner)
        yield Repair(names, (f"state = {{k{calls}: v {_ITEMS}}}",), causes)


def _stripped(repair: Repair, prefix: str) -> Repair:
    """The repair that strips a prefix, and leaves out the keys that do not have it."""
    new = f"k{_removals(prefix)}"
    others = [old for old, name in repair.names.items() if not name.startswith(prefix)]
    plain = {old: name.removeprefix(prefix) for old, name in repair.names.items()}
    counter = others == [COUNTER]
    cause = _prefix_cause(prefix)
    if counter and prefix == _AVERAGED:  # DataParallel's prefix is the same, but it counts nothing
        cause = f"keys begin with `{prefix}`, which AveragedModel adds"
    own = "" if _is_wrapper(prefix) else prefix
    made = Repair({}, repair.steps, (*repair.causes, cause), own)
    if not others:
        return made._replace(names=plain, steps=(*made.steps, f"state = {{{new}: v {_ITEMS}}}"))
    kept = {old: name for old, name in plain.items() if old not in set(others)}
    test = f'k != "{COUNTER}"' if counter else f"k.startswith({_quoted(prefix)})"
    left = f"`{COUNTER}`, which AveragedModel adds, is left out" if counter else _left_out(others)
    step = f"state = {{{new}: v {_ITEMS} if {test}}}"
    return made._replace(names=kept, steps=(*made.steps, step), causes=(*made.causes, left))


def _left_out(keys: Sequence[str]) -> str:
    named = ", ".join(keys[:3]) + (f" and {len(keys) - 3:,} more" if len(keys) > 3 else "")  # noqa: PLR2004
    return f"left out, as the model has no part that they belong to: {named}"


def _removals(prefix: str) -> str:
    """The calls that strip a prefix: one for each wrapper."""
    parts = _wrapper_parts(prefix) or [prefix]
    return "".join(f".removeprefix({_quoted(part)})" for part in parts)


def _wrapper_parts(prefix: str) -> list[str]:
    """The wrappers' parts that a prefix is made of; empty if it has others."""
    parts = [f"{part}." for part in prefix.split(".")[:-1]]
    return parts if parts and all(part in WRAPPERS for part in parts) else []


def _is_wrapper(prefix: str) -> bool:
    return bool(_wrapper_parts(prefix))


def _prefix_cause(prefix: str) -> str:
    parts = _wrapper_parts(prefix)
    if parts:
        return " and ".join(f"keys begin with `{part}`, which {WRAPPERS[part][0]}" for part in parts)
    return f"keys begin with `{prefix}`, those of the model do not"


def _added(repair: Repair, prefix: str) -> Repair:
    names = {old: f"{prefix}{name}" for old, name in repair.names.items()}
    quoted = prefix.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    step = f'state = {{f"{quoted}{{k}}": v {_ITEMS}}}'
    which = " and ".join(f"which {WRAPPERS[part][0]}" for part in _wrapper_parts(prefix))
    cause = f"keys of the model begin with `{prefix}`, {which or 'those of the file do not'}"
    return Repair(names, (*repair.steps, step), (*repair.causes, cause), "" if _is_wrapper(prefix) else prefix)


def _quoted(text: str) -> str:
    """Text as Python writes it, between double quotes."""
    from json import dumps

    return dumps(text) if text.isascii() else repr(text)


# --- renamed modules -------------------------------------------------------------------------------------------------


def _renamed(tried: Tried, wanted: Mapping[str, Shape]) -> Iterator[Repair]:
    """The repair with modules renamed whose tensors have the names and sizes of missing ones; nothing if none has."""
    state = dict(tried.state)
    rules: dict[str, str] = {}
    guessed = False
    for _ in range(_RENAMED):
        rule = _next_rule(state, wanted)
        if rule is None:
            break
        old, new, alone = rule
        guessed = guessed or not alone
        rules[old] = new
        state = {_moved(key, old, new, wanted): shape for key, shape in state.items()}
    if not rules or len(state) != len(tried.state):
        return
    repair, names = tried.repair, {}
    for old, name in tried.repair.names.items():
        start = next((rule for rule in rules if name.startswith(rule)), "")
        names[old] = rules[start] + name.removeprefix(start) if start else name
    if len(set(names.values())) != len(names):
        return
    causes = [f"`{old}` in the file is `{new}` in the model" for old, new in rules.items()]
    causes += ["several modules have these sizes: which is which is not known, they are taken in order"] * guessed
    yield Repair(names, (*repair.steps, *_rename_code(rules)), (*repair.causes, *causes), repair.prefix)


def _rename_code(rules: Mapping[str, str]) -> Iterator[str]:
    if len(rules) == 1:
        ((old, new),) = rules.items()
        moved = f"{_quoted(new)} + k.removeprefix({_quoted(old)}) if k.startswith({_quoted(old)}) else k"
        yield f"state = {{{moved}: v {_ITEMS}}}"
        return
    yield f"names = {{{', '.join(f'{_quoted(old)}: {_quoted(new)}' for old, new in rules.items())}}}"
    found = "next((names[n] + k.removeprefix(n) for n in names if k.startswith(n)), k)"
    yield f"state = {{{found}: v {_ITEMS}}}"


def _moved(key: str, old: str, new: str, wanted: Mapping[str, Shape]) -> str:
    return new + key.removeprefix(old) if key.startswith(old) and key not in wanted else key


def _next_rule(state: Mapping[str, Shape | str], wanted: Mapping[str, Shape]) -> tuple[str, str, bool] | None:
    """The prefix of a module that is renamed, its new one, and False if another would do as well; None if none is."""
    missing = _by_module({key: shape for key, shape in wanted.items() if key not in state})
    spare = _by_module({key: shape for key, shape in state.items() if key not in wanted})
    if len(missing) > _RENAMED or len(spare) > _SPARE:
        return None
    for path, tensors in missing.items():
        fitting = [other for other, held in spare.items() if held == tensors][:_FITTING]
        rules = dict.fromkeys(_rule(other, path) for other in fitting)
        good = [(rule, gain) for rule in rules if (gain := _gain(rule, state, wanted))]
        if good:
            most = max(gain for _, gain in good)
            best = [rule for rule, gain in good if gain == most]
            return (*best[0], len(best) == 1 and _only_one(path, tensors, missing))
    return None


def _only_one(path: str, tensors: Mapping[str, object], missing: Mapping[str, Mapping[str, object]]) -> bool:
    return all(other == path or held != tensors for other, held in missing.items())


def _by_module(state: Mapping[str, Shape | str]) -> dict[str, dict[str, Shape | str]]:
    found: dict[str, dict[str, Shape | str]] = {}
    for key, shape in state.items():
        path, dot, name = key.rpartition(".")
        if dot:
            found.setdefault(path, {})[name] = shape
    return found


def _rule(old: str, new: str) -> tuple[str, str]:
    """The prefixes of two modules up to where their paths end alike: `a.rnn`, `b.rnn` give `a.`, `b.`."""
    olds, news = old.split("."), new.split(".")
    while min(len(olds), len(news)) > 1 and olds[-1] == news[-1]:
        olds, news = olds[:-1], news[:-1]
    return f"{'.'.join(olds)}.", f"{'.'.join(news)}."


def _gain(rule: tuple[str, str], state: Mapping[str, Shape | str], wanted: Mapping[str, Shape]) -> int:
    """The number of tensors that a rule brings to their places; 0 if one of them would not fit there."""
    old, new = rule
    moved = {key: new + key.removeprefix(old) for key in state if key.startswith(old)}
    if any(key in wanted for key in moved) or any(wanted.get(target) != state[key] for key, target in moved.items()):
        return 0
    return len(moved)
