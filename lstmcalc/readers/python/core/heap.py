"""The heap: every change of a program's state goes through one `put`, and can be undone.

A path is one way through the code. Where a test is not known, each side is run from the same state, what it changed
is kept and undone, and the results are joined slot by slot (`fork`). A path that leaves (by `return`, `break`,
`continue` or an exception) is put aside with what it changed, until the boundary that it leaves to (`collect`,
`settle`). A loop whose number of rounds is not known is run until nothing new changes (`repeat`).

Why that is sound: all state is in slots, so undoing and joining forgets none of it; a boundary goes on with every
path that ends at it, and hands on all others.

Not here: what statements and expressions do (`statements`, `expressions`).
"""

from collections.abc import Callable, Sequence
from time import process_time
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.readers.python.core.joins import covers, joined, widened
from lstmcalc.readers.python.core.spans import Spans, common_spans, joined_spans
from lstmcalc.readers.python.core.values import MISSING, Missing, Obj, Unknown, Value, merged_names

Key: TypeAlias = tuple[Obj, str]
Delta: TypeAlias = dict[Key, Value]

MAX_STEPS: Final = 250_000  # expressions, changes and joins of a whole file
MAX_SECONDS: Final = 1.6  # of this processor, on which a step may take longer than elsewhere
_LOOK: Final = 5_000  # steps, after which the time is looked at
MAX_PATHS: Final = 60  # put aside at one boundary
ORDER: Final = "@@order"  # on the trail: the order that the slots of a thing had
REORDERED: Final = "@reordered"  # the slot that says that the order of the attributes of a thing is not known


class Leave(Exception):  # noqa: N818  # no error: the way that code leaves
    """The path leaves: kind is `return`, `break`, `continue` or `raise`."""

    def __init__(self, kind: str, value: Value) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Dead(Exception):  # noqa: N818  # as above
    """No path goes on here; those that left are put aside."""


class Stop(Exception):  # noqa: N818  # as above
    """The budget is spent."""


class Path(NamedTuple):
    """One way in which code ends."""

    kind: str  # `normal`, or as in `Leave`
    value: Value
    delta: Delta | None  # what it changed; None if the heap is as this path leaves it
    births: int = 0  # the number of things that there were where it began: those that it made stay as they are
    end: int = 0  # and where it left
    others: Spans = ()  # the numbers in between of what other alternatives made

    def has(self, thing: Obj) -> bool:
        """True if this path may have made a thing, if it did not find it."""
        return thing.birth <= self.end and not any(low < thing.birth <= high for low, high in self.others)


class Heap:
    """The state of a program, and the paths through it."""

    def __init__(self) -> None:
        self.trail: list[tuple[Obj, str, Value]] = []
        self.base = 0  # where the trail was at the innermost boundary
        self.pending: list[Path] = []  # what left from within it
        self.births = 0
        self.base_births = 0  # how many there were at the innermost boundary
        self.others: Spans = ()  # the numbers of what alternatives to this path made
        self.way = Obj(
            "world", None, 0
        )  # `doubted`: True on a path that is taken only if something raises that may not
        self.way.slots["doubted"] = False
        self.steps = 0
        self._began_at, self._next_look = process_time(), 0
        self.forks = 0  # alternatives within alternatives that are being run
        self.guards = 0  # boundaries around that stop exceptions
        self._raised: tuple[object, int, object] = (None, -1, None)

    def spend(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            Stop: There are too many.
        """
        self.steps += steps
        if self.steps > self._next_look:
            self._next_look += _LOOK
            if self.steps > MAX_STEPS or process_time() - self._began_at > MAX_SECONDS:
                raise Stop

    def rest(self) -> None:
        """Count no more: the program has been run."""
        self._next_look = 10**18

    def born(self) -> int:
        """The number of a new thing."""
        self.births += 1
        return self.births

    def put(self, thing: Obj, slot: str, value: Value) -> None:
        """Change a slot; MISSING takes it away."""
        slots = thing.slots
        if isinstance(value, Missing) and slot in slots and not slot.startswith("@"):  # it may come back, as the last
            self.trail.append((thing, ORDER, tuple(slots)))
            self.put(thing, REORDERED, True)
        self.trail.append((thing, slot, slots.get(slot, MISSING)))
        if isinstance(value, Missing):
            slots.pop(slot, None)
        else:
            slots[slot] = value

    def undo(self, mark: int) -> None:
        """Take back every change since a mark."""
        trail = self.trail
        while len(trail) > mark:
            thing, slot, old = trail.pop()
            if slot == ORDER and isinstance(old, tuple):
                kept = {name: thing.slots[name] for name in old}
                thing.slots.clear()
                thing.slots.update(kept)
            elif isinstance(old, Missing):
                thing.slots.pop(slot, None)
            else:
                thing.slots[slot] = old

    def delta(self, mark: int) -> Delta:
        """The changes since a mark."""
        changed = {(thing, slot): None for thing, slot, _ in self.trail[mark:] if slot != ORDER}
        self.spend(len(changed) // 4)
        return {key: key[0].slots.get(key[1], MISSING) for key in changed}

    def apply(self, delta: Delta | None) -> None:
        """Make the changes of a path."""
        for (thing, slot), value in (delta or {}).items():
            self.put(thing, slot, value)

    # Paths.

    def path(self, kind: str, value: Value, mark: int, births: int) -> Path:
        """The path that is run, as it is now, with what it changed since a mark."""
        return Path(kind, value, self.delta(mark), births, self.births, self.others)

    def resume(self, path: Path) -> None:
        """Go on with a path that was put aside."""
        self.apply(path.delta)
        self.others = joined_spans(*path.others, (path.end, self.births))

    def fork(
        self, runs: Sequence[Callable[[], Value]], names: tuple[str, ...] = (), after: Sequence[Path] = ()
    ) -> Value:
        """Run alternatives, each from this state, and go on with all that do not leave, joined.

        Args:
            runs: The alternatives.
            names: What decides between them.
            after: The paths that they go on with, if they do.

        Raises:
            Dead: All leave.
        """
        mark, births = len(self.trail), min([self.births, *(path.births for path in after)])
        began, others = self.births, self.others
        alive: list[Path] = []
        self.forks += 1
        for run in runs:
            self.others = joined_spans(*others, (began, self.births))
            try:
                value = run()
                alive.append(self.path("normal", value, mark, births))
            except Leave as leave:
                self.pending.append(self.path(leave.kind, leave.value, self.base, self.base_births))
            except Dead:
                pass
            except Stop:
                self.undo(mark)
                raise
            self.undo(mark)
        self.forks -= 1
        self.others = others
        return self.join(alive, names)

    def join(self, paths: Sequence[Path], names: tuple[str, ...] = ()) -> Value:
        """Go on with paths that end in one place; they changed this state.

        Raises:
            Dead: There is none.
        """
        if not paths:
            raise Dead
        first, *others = paths
        value = first.value
        for path in others:
            value = joined(value, path.value, names)
        self.others = common_spans([joined_spans(*path.others, (path.end, self.births)) for path in paths])
        if not others:
            self.apply(first.delta)
            return value
        keys = {key: None for path in paths for key in path.delta or ()}
        self.spend(len(keys))
        births = min(path.births for path in paths)
        for thing in _reordered([path.delta or {} for path in paths], births):
            self.put(thing, REORDERED, True)
        for thing, slot in sorted(keys, key=lambda key: key[0].birth <= births):  # what is new, then what leads to it
            key, now = (thing, slot), thing.slots.get(slot, MISSING)
            if thing.birth > births:
                self.put(thing, slot, _of_new(key, paths, now, names))
                continue
            made = (first.delta or {}).get(key, now)
            for path in others:
                made = joined(made, (path.delta or {}).get(key, now), names)
            if made is not now:
                self.put(thing, slot, made)
        return value

    def collect(self, run: Callable[[], Value]) -> list[Path]:
        """Every way in which code ends. The heap is as before, or, if there is one way only, as that leaves it."""
        outer, pending, before = self.base, self.pending, self.base_births
        mark, births, others = len(self.trail), self.births, self.others
        self.base, self.base_births = mark, births
        paths = self.pending = []
        last: Path | None = None
        try:
            last = Path("normal", run(), None, births, self.births, self.others)
        except Leave as leave:
            last = Path(leave.kind, leave.value, None, births, self.births, self.others)
        except Dead:
            pass
        finally:
            self.base, self.pending, self.base_births = outer, pending, before
        if not paths:
            return [last] if last else []
        if last:
            paths.append(last._replace(delta=self.delta(mark)))
        self.undo(mark)
        self.others = others
        return paths

    def settle(self, paths: list[Path], takes: Callable[[Path], bool], names: tuple[str, ...] = ()) -> Value:
        """Go on with the paths that end here; the others leave further.

        Raises:
            Dead: None ends here.
            Leave: The only one leaves further.
        """
        if len(paths) == 1 and paths[0].delta is None:
            (path,) = paths
            if takes(path):
                return path.value
            raise Leave(path.kind, path.value)
        self.put_aside([path for path in paths if not takes(path)])
        return self.join([path for path in paths if takes(path)], names or _path_names(paths))

    def put_aside(self, paths: Sequence[Path]) -> None:
        """Hand on paths that changed this state, to the boundary that they leave to."""
        if not paths:
            return
        before = self.delta(self.base)
        for path in paths:
            self.spend(len(before) // 8)
            self.pending.append(path._replace(delta={**before, **(path.delta or {})}, births=self.base_births))

    def may_raise(self, error: Unknown | None = None) -> None:
        """Put a path aside that ends here with an exception, if anything around stops exceptions."""
        if not self.guards:
            return
        at = (self.pending, len(self.trail), self.trail[-1] if self.trail else None)
        if at[0] is self._raised[0] and at[1] == self._raised[1] and at[2] is self._raised[2]:
            return  # nothing changed since that was noted
        self._raised = at
        here = self.path("raise", error or Unknown(foreign=True), self.base, self.base_births)
        if here.delta is not None:
            here.delta[self.way, "doubted"] = True
        for number, path in enumerate(self.pending):
            if path.kind == "raise" and isinstance(path.value, Unknown):
                self.pending[number] = self._either(path, here)
                return
        self.pending.append(here)

    def _either(self, path: Path, here: Path) -> Path:
        """A path that is one of two: one that was put aside, and one that leaves here."""
        began = self._began()
        there, now = path.delta or {}, here.delta or {}
        made: Delta = {}
        for key in {**there, **now}:
            first = began.get(key, _now(key))
            if key[0].birth <= self.base_births or (key in now or here.has(key[0])) == (
                key in there or path.has(key[0])
            ):
                made[key] = joined(there.get(key, first), now.get(key, first))
            else:
                made[key] = now.get(key, there.get(key))
        return one_of([here, path], joined(path.value, here.value), made)

    def _began(self) -> Delta:
        """The values at the innermost boundary of what changed since."""
        began: Delta = {}
        for thing, slot, old in self.trail[self.base :]:
            began.setdefault((thing, slot), old)
        return began

    def repeat(self, once: Callable[[], Value], names: tuple[str, ...] = ()) -> None:
        """Make the state one that holds before each of any number of rounds."""
        before, tried = self.births, set[Key]()
        while True:
            mark = len(self.trail)
            try:
                paths = self.collect(once)
            except Stop:
                self.undo(mark)
                raise
            paths = [path._replace(delta=self.delta(mark)) if path.delta is None else path for path in paths]
            self.undo(mark)
            new: Delta = {}
            born: dict[Key, None] = {}
            for path in paths:
                for key, value in (path.delta or {}).items():
                    if key[0].birth > before:  # what a round makes stays as it is
                        born[key] = None
                        continue
                    now = new.get(key, _now(key))
                    if not covers(now, value, before):
                        new[key] = widened(now, value, names, again=key in tried)
            for key in born:
                self.put(*key, _of_new(key, paths, _now(key), names))
            if not new:
                return
            for key, value in new.items():
                self.put(*key, value)
            tried |= new.keys()


def _reordered(deltas: Sequence[Delta], births: int) -> list[Obj]:
    """The things that get the same new attributes on several paths, in another order on each."""
    orders: dict[Obj, list[list[str]]] = {}
    for delta in deltas:
        added: dict[Obj, list[str]] = {}
        for (thing, slot), value in delta.items():
            if thing.birth <= births and slot not in thing.slots and not slot.startswith("@") and value is not MISSING:
                added.setdefault(thing, []).append(slot)
        for thing, names in added.items():
            orders.setdefault(thing, []).append(names)
    return [
        thing
        for thing, (first, *others) in orders.items()
        if any(
            [name for name in first if name in names] != [name for name in names if name in first] for names in others
        )
    ]


def _now(key: Key) -> Value:
    return key[0].slots.get(key[1], MISSING)


def _of_new(key: Key, paths: Sequence[Path], first: Value, names: tuple[str, ...]) -> Value:
    """The value of a slot of a thing that some of these paths made, `first` where it was not changed since.

    Where the thing was not made, nothing leads to it.
    """
    values = [path.delta[key] for path in paths if path.delta and key in path.delta]
    if any(path.has(key[0]) for path in paths if not path.delta or key not in path.delta):
        values.append(first)
    made, *others = values
    for value in others:
        made = joined(made, value, names)
    return made


def one_of(paths: Sequence[Path], value: Value, delta: Delta) -> Path:
    """A path for several that leave in one way, with what they are together."""
    end = max(path.end for path in paths)
    others = common_spans([joined_spans(*path.others, (path.end, end)) for path in paths])
    return Path(paths[0].kind, value, delta, paths[0].births, end, others)


def _path_names(paths: Sequence[Path]) -> tuple[str, ...]:
    return merged_names(*(path.value.names for path in paths if isinstance(path.value, Unknown)))
