"""The stack of a pickle's machine, the marks on it and the memo, with the work that they cost."""

from typing import Any, Final, NoReturn

from lstmcalc.errors import SourceError
from lstmcalc.readers.pickles.records import Call, Table, damage_error, kind_of

_SLACK: Final = 1 << 16  # the memo's indices may be so far ahead of the work; picklers count them one by one
CONTAINER: Final = 8  # units of work, by the memory that something takes
_MEMO: Final = 2  # as above


class Stack:
    """The stack, the marks on it and the memo; all that is put there costs work.

    Args:
        work: The work that is allowed.
    """

    def __init__(self, work: int) -> None:
        self._left = work
        self._allowed = work
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks below each mark
        self._memo: list[Any] = []

    @property
    def work(self) -> int:
        """The work that was done, at most what was allowed."""
        return min(self._allowed, self._allowed - self._left)

    def refuse_work(self) -> NoReturn:
        """Refuse a pickle that takes more work than is allowed."""
        raise SourceError(
            "this pickle is too large to be looked through",
            expected=f"at most about {self._allowed:,} steps",
            hint="save the weights alone: torch.save(model.state_dict(), ...), or as safetensors",
        )

    # --- the stack ---------------------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:  # noqa: ANN401  # anything that a pickle can hold
        """Push a value that takes no memory of its own."""
        self._stack.append(value)

    def push_container(self, value: Any) -> None:  # noqa: ANN401  # as above
        """Push a value that takes memory."""
        self._left -= CONTAINER
        self._stack.append(value)

    def mark(self) -> None:
        """Put a mark on the stack."""
        self._left -= CONTAINER
        self._below.append(self._stack)
        self._stack = []

    def since_mark(self) -> list[Any]:
        """Everything above the last mark, which is dropped with it."""
        found, self._stack = self._stack, self._below.pop()
        return found

    def pop(self) -> None:
        """Drop the last value, or the mark if there is none above it."""
        if self._stack:
            self._stack.pop()
        else:
            self.since_mark()

    def pop_mark(self) -> None:
        """Drop everything down to the mark."""
        self.since_mark()

    def duplicate(self) -> None:
        """Push the last value again."""
        self._stack.append(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        """Replace the last values by a tuple of them."""
        if len(self._stack) < count:
            raise IndexError
        found = tuple(self._stack[-count:])
        del self._stack[-count:]
        self.push_container(found)

    # --- the memo ----------------------------------------------------------------------------------------------------

    def remember(self, index: int) -> None:
        """Remember the last value at an index."""
        self._left -= _MEMO
        if not 0 <= index <= self._allowed - self._left + _SLACK:
            raise damage_error(f"the memo's index {index}")
        if index >= len(self._memo):
            self._memo.extend([_NOTHING] * (index + 1 - len(self._memo)))
        self._memo[index] = self._stack[-1]

    def memoize(self) -> None:
        """Remember at the next index."""
        self._left -= _MEMO
        self._memo.append(self._stack[-1])

    def recall(self, index: int) -> None:
        """Push what is remembered at an index."""
        value = self._memo[index] if 0 <= index < len(self._memo) else _NOTHING
        if value is _NOTHING:
            raise damage_error(f"the memo's index {index}, where nothing is")
        self._stack.append(value)

    # --- containers --------------------------------------------------------------------------------------------------

    def append(self, items: list[Any]) -> None:
        """Append items to the list, or the object, on the stack."""
        holder = self._stack[-1]
        if isinstance(holder, Call):
            holder = holder.items
        if not isinstance(holder, list):
            raise damage_error(f"something appended to a {kind_of(holder)}")
        holder.extend(items)

    def set_items(self, flat: list[Any]) -> None:
        """Set keys, each followed by its value, in the dictionary, or the object, on the stack."""
        holder = self._stack[-1]
        if not isinstance(holder, Table | Call) or len(flat) % 2:
            raise damage_error(f"an item set in a {kind_of(holder)}")
        self._left -= len(flat)
        holder.pairs.extend(zip(flat[::2], flat[1::2], strict=True))

    def append_one(self) -> None:
        """Append the last value to the list below it."""
        value = self._stack.pop()
        self.append([value])

    def set_one(self) -> None:
        """Set the last value, at the key below it."""
        value, key = self._stack.pop(), self._stack.pop()
        self.set_items([key, value])


class _Nothing:
    """An empty place in the memo."""


_NOTHING: Final = _Nothing()
