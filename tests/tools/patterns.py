"""Regular expressions that take more than linear time: two loops of one automaton that can read the same text.

A pattern becomes an automaton; a loop in front of it stands for `search`, which begins anew at every place. Python's
matcher goes through all ways to read a text before it gives up, and they grow with the text if there are two places p
and q and a text that leads from p to p, from p to q, and from q to q (A. Weber, H. Seidl, "On the degree of ambiguity
of finite automata", 1991). Where q ends the pattern, nothing is given up; what a possessive repeat or an atomic group
has read is not tried again.
"""

import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from itertools import product
from re import _constants as c  # type: ignore[attr-defined]  # the parse tree has no public door
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

_SAMPLE = [chr(code) for code in range(128)] + list("\x85\xa0é٣\u2028日")
_LARGE = 100  # a repeat of more is no better than one without an end
_COPIES = 3
_LONGEST = 12  # characters in a loop
_SINGLE = (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN)

ALL_READ = "ahead not, as all is read"
Condition = tuple[str, frozenset[str]] | None  # on the characters before and after a place: see `_allowed`


class _Edge(NamedTuple):
    chars: frozenset[str] | None  # None for a step that reads nothing
    target: int
    condition: Condition = None


class _Automaton:
    """The automaton of a pattern.

    Args:
        pattern: The regular expression.
        search: True if a match may begin anywhere.
        whole: True if a match must reach the end of the text.
    """

    def __init__(self, pattern: str | bytes, flags: int, *, search: bool, whole: bool) -> None:
        tree = _parser.parse(pattern, flags)
        self.flags = tree.state.flags
        self.edges: list[list[_Edge]] = []
        self.atoms: list[tuple[int, ...]] = []  # for each place, the atomic groups that it is in
        self._inside: tuple[int, ...] = ()
        self._groups = 0
        self._whole = whole
        begin = self._place()
        if search:
            self._edge(begin, frozenset(_SAMPLE), begin)
        start = self._place()
        self._edge(begin, None, start)
        self.end = self._sequence(tree, start)
        self.classes = self._classes()
        self.after = self._after()
        self._ways: dict[tuple[int, str], list[tuple[frozenset[str], int]]] = {}

    def _place(self) -> int:
        self.edges.append([])
        self.atoms.append(self._inside)
        return len(self.edges) - 1

    def _edge(self, source: int, chars: frozenset[str] | None, target: int, condition: Condition = None) -> None:
        self.edges[source].append(_Edge(chars, target, condition))

    def _classes(self) -> list[str]:
        """A character for each set of those that all edges and conditions treat alike."""
        sets = [chars for edges in self.edges for edge in edges for chars in (edge.chars,) if chars is not None]
        sets += [edge.condition[1] for edges in self.edges for edge in edges if edge.condition]
        sets += [_category(r"\w"), frozenset("\n")]
        kinds = {tuple(char in held for held in sets): char for char in _SAMPLE}
        return list(kinds.values())

    def _after(self) -> dict[str, str]:
        """For each class, one that all conditions treat alike when it was read last."""
        behind = [_category(r"\w"), frozenset("\n")]
        behind += [edge.condition[1] for edges in self.edges for edge in edges if edge.condition]
        kinds = {tuple(char in held for held in behind): char for char in self.classes}
        return {char: kinds[tuple(char in held for held in behind)] for char in self.classes}

    # --- from the parse tree

    def _sequence(self, items: Any, start: int) -> int:
        for item in items:
            start = self._item(item, start)
        return start

    def _item(self, item: tuple[Any, Any], start: int) -> int:
        code, value = item
        if code is c.SUBPATTERN:
            return self._sequence(value[3], start)
        if code in (c.MAX_REPEAT, c.MIN_REPEAT):
            return self._repeat(value, start)
        if code in (c.POSSESSIVE_REPEAT, c.ATOMIC_GROUP):
            return self._atomic((1, 1, value) if code is c.ATOMIC_GROUP else value, start)
        if code in (c.ASSERT, c.ASSERT_NOT):
            return self._assertion(code, value, start)
        assert code in (*_SINGLE, c.BRANCH, c.AT)
        ends = [self._sequence(branch, start) for branch in value[1]] if code is c.BRANCH else [start]
        chars = self._chars(item) if code in _SINGLE else None
        end = self._place()
        for each in ends:
            self._edge(each, chars, end, (str(value), frozenset()) if code is c.AT else None)
        return end

    def _repeat(self, value: tuple[int, int, Any], start: int, *, possessive: bool = False) -> int:
        least, most, body = value
        endless = most is c.MAXREPEAT or most > _LARGE
        for _ in range(min(least, _COPIES)):
            start = self._sequence(body, start)
        end = self._place()
        if endless:
            loop = self._place()
            self._edge(start, None, loop)
            self._edge(self._sequence(body, loop), None, loop)
            single = len(body) == 1 and body[0][0] in _SINGLE
            # What has read less than a large number of characters may still fail; a possessive repeat reads all it can.
            condition: Condition = ("behind not", frozenset()) if least > _LARGE else None
            if possessive and single and not condition:
                condition = (ALL_READ, self._chars(body[0]))
            self._edge(loop, None, end, condition)
            return end
        for _ in range(most - min(least, _COPIES)):
            self._edge(start, None, end)
            start = self._sequence(body, start)
        self._edge(start, None, end)
        return end

    def _atomic(self, value: tuple[int, int, Any], start: int) -> int:
        outside, self._groups = self._inside, self._groups + 1
        self._inside = (*outside, self._groups)
        first = self._place()
        self._edge(start, None, first)
        last = self._repeat(value, first, possessive=True)
        self._inside = outside
        end = self._place()
        self._edge(last, None, end)
        return end

    def _assertion(self, code: Any, value: tuple[int, Any], start: int) -> int:
        direction, body = value
        end = self._place()
        single = len(body) == 1 and body[0][0] in _SINGLE
        condition: Condition = None
        if single:
            side = "behind" if direction < 0 else "ahead"
            condition = (f"{side}{' not' * (code is c.ASSERT_NOT)}", self._chars(body[0]))
        elif direction > 0:
            self._sequence(body, start)  # read from here, and then nothing more of it
        self._edge(start, None, end, condition)
        return end

    def _chars(self, item: tuple[Any, Any]) -> frozenset[str]:
        found = _chars_of(item, self.flags)
        if self.flags & re.IGNORECASE:
            return found | {char for char in _SAMPLE if {char.lower(), char.upper()} & found}
        return found

    # --- steps

    def ways(self, place: int, last: str) -> list[tuple[frozenset[str], int]]:
        """Each way to read one more character, where there are no circles: the characters, the place after it."""
        found = self._ways.get((place, last))
        if found is None:
            found = self._ways[place, last] = []
            for edge in self.edges[place]:
                if edge.chars is not None:
                    found.append((edge.chars, edge.target))
                else:
                    allowed = _allowed(edge.condition, last, self.flags)
                    ways = ((chars & allowed, target) for chars, target in self.ways(edge.target, last))
                    found += (way for way in ways if way[0])
        return found

    def circles(self) -> bool:
        """True if some place is reached from itself without reading anything."""
        for place in range(len(self.edges)):
            seen: set[int] = set()
            waiting = [place]
            while waiting:
                more = {edge.target for edge in self.edges[waiting.pop()] if edge.chars is None} - seen
                seen |= more
                waiting += more
            if place in seen:
                return True
        return False

    def is_end(self, place: int) -> bool:
        """True if the pattern ends at a place, whatever follows: at once, or when all of the text is read."""
        every = any(chars >= set(self.classes) and target == place for chars, target in self.ways(place, "a"))
        passed = {"AT_END", "AT_END_STRING"} if every else set[str]()
        if self._whole and not every:
            return False
        seen, waiting = {place}, [place]
        while waiting:
            at = waiting.pop()
            if at == self.end:
                return True
            more = {
                edge.target
                for edge in self.edges[at]
                if edge.chars is None and (not edge.condition or edge.condition[0] in {ALL_READ, *passed})
            } - seen
            seen |= more
            waiting += more
        return False


def _chars_of(item: tuple[Any, Any], flags: int) -> frozenset[str]:
    code, value = item
    if code is c.LITERAL:
        return frozenset(chr(value))
    if code is c.NOT_LITERAL:
        return frozenset(_SAMPLE) - {chr(value)}
    if code is c.ANY:
        return frozenset(_SAMPLE) - (frozenset() if flags & re.DOTALL else {"\n"})
    if code is c.RANGE:
        return frozenset(char for char in _SAMPLE if value[0] <= ord(char) <= value[1])
    if code is c.CATEGORY:
        name = str(value).rpartition("_")[2].lower()[0]
        return _category(rf"\{name.upper() if 'NOT' in str(value) else name}")
    parts = [part for part in value if part[0] is not c.NEGATE]
    found = frozenset[str]().union(*(_chars_of(part, flags) for part in parts))
    return frozenset(_SAMPLE) - found if len(parts) < len(value) else found


@cache
def _category(text: str) -> frozenset[str]:
    return frozenset(char for char in _SAMPLE if re.match(text, char))


@cache
def _allowed(condition: Condition, last: str, flags: int) -> frozenset[str]:
    """The characters that may come next where a condition holds; none if it cannot."""
    every, none, word = frozenset(_SAMPLE), frozenset[str](), _category(r"\w")
    if condition is None:
        return every
    kind, chars = condition
    other = every - word if last in word else word  # that makes a boundary
    held = {
        "AT_BEGINNING": every if last == "\n" and flags & re.MULTILINE else none,
        "AT_BEGINNING_STRING": none,
        "AT_END": frozenset("\n"),
        "AT_END_STRING": none,
        "AT_BOUNDARY": other,
        "AT_NON_BOUNDARY": every - other,
        "ahead": chars,
        "ahead not": every - chars,
        ALL_READ: every - chars,
        "behind": every if last in chars else none,
        "behind not": none if last in chars else every,
    }
    return held[kind]


def slow_text(pattern: str | bytes, flags: int = 0, *, search: bool = True, whole: bool = False) -> str:
    """A text that a pattern can read in ever more ways the more often it is repeated; empty if there is none."""
    graph = _Automaton(pattern, flags, search=search, whole=whole)
    if graph.circles():
        return "a repeat that repeats one that may be empty"
    steps, doubled = _steps(graph)
    reach = _reachable(graph, steps)
    if any(place in reach[target] for place, target in doubled):
        return "a repeat of alternatives that begin alike"
    loops = [place for place in range(len(graph.edges)) if place in reach[place]]
    pairs = ((p, q) for p in loops for q in loops if q in reach[p] and not _is_forgotten(graph, p, q))
    return next(filter(None, (_common(p, q, steps, reach, graph.after) for p, q in pairs)), "")


# From a place and the character before it (see `_Automaton._after`) to the places after each character.
Steps = dict[tuple[int, str], dict[str, list[int]]]


def _steps(graph: _Automaton) -> tuple[Steps, set[tuple[int, int]]]:
    """All steps but those to an end, behind which nothing is given up; and those that can be made in two ways."""
    steps: Steps = {}
    doubled: set[tuple[int, int]] = set()
    ends = {place for place in range(len(graph.edges)) if graph.is_end(place)}
    for place in range(len(graph.edges)):
        for last in dict.fromkeys(graph.after.values()):
            read = steps[place, last] = {}
            ways = [way for way in graph.ways(place, last) if way[1] not in ends]
            for char in graph.classes:
                targets = [target for chars, target in ways if char in chars]
                read[char] = list(dict.fromkeys(targets))
                doubled |= {(place, target) for target in targets if targets.count(target) > 1}
    return steps, doubled


def _is_forgotten(graph: _Automaton, p: int, q: int) -> bool:
    """True if p is in an atomic group that q has left, so that nothing goes back to it."""
    return any(group not in graph.atoms[q] for group in graph.atoms[p])


def _reachable(graph: _Automaton, steps: Steps) -> list[set[int]]:
    """The places that can be reached from each by reading at least one character."""
    direct: list[set[int]] = [set() for _ in graph.edges]
    for (place, _), read in steps.items():
        direct[place].update(target for targets in read.values() for target in targets)
    found = []
    for near in direct:
        seen, waiting = set(near), list(near)
        while waiting:
            more = direct[waiting.pop()] - seen
            seen |= more
            waiting += more
        found.append(seen)
    return found


def _common(p: int, q: int, steps: Steps, reach: list[set[int]], after: dict[str, str]) -> str:
    """A text that leads from p to p, from p to q and from q to q, by different ways if p is q; empty if none does."""

    def moves(places: tuple[int, int, int], last: str, char: str) -> Iterator[tuple[int, int, int]]:
        ways = [
            [target for target in steps[place, last][char] if target == goal or goal in reach[target]]
            for place, goal in zip(places, (p, q, q), strict=True)
        ]
        for first, second, third in product(*ways):
            if p != q or first == third:  # which are the same way if p is q
                yield first, second, third

    for begin in dict.fromkeys(after.values()):
        start, goal = ((p, p, q), begin, p != q), ((p, q, q), begin, True)
        text = {start: ""}
        waiting = deque([start])
        while waiting:
            state = waiting.popleft()
            if state == goal and text[state]:
                return text[state]
            places, last, apart = state
            for char in after if len(text[state]) < _LONGEST else ():
                for following in moves(places, last, char):
                    arrived = (following, after[char], apart or following[0] != following[1])
                    if arrived not in text:
                        text[arrived] = text[state] + char
                        waiting.append(arrived)
    return ""
