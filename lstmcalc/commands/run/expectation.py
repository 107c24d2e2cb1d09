"""`lstmcalc.expect`: a port's numbers held against an LSTM, for a script or a test.

Not here: what is compared and searched (`proof.mistakes`).
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lstmcalc.commands.run.expected import Expected, held_against
from lstmcalc.errors import ArrayError, UsageError, shorten
from lstmcalc.intake.choosing import asked_modules, chosen_lstms, lstms_of, with_unique_names
from lstmcalc.intake.computable import check_computable, settled_activations
from lstmcalc.intake.flags import read_choice, read_flags, read_framework
from lstmcalc.intake.resolve import subjects_of
from lstmcalc.intake.subject import Subject
from lstmcalc.readers.data import DataFile
from lstmcalc.readers.files.budget import one_command
from lstmcalc.report.record import plain
from lstmcalc.spec.words import with_dots

if TYPE_CHECKING:
    from lstmcalc.commands.run.report import RunModule
    from lstmcalc.report.document import Report

_KINDS: Final = ("output", "last", "h_n")


class Expectation(NamedTuple):
    """A port's numbers held against an LSTM: the report of `lstmcalc run --expect`."""

    report: "Report[RunModule]"

    @property
    def agrees(self) -> bool:
        """True if the port's numbers are those of the LSTM."""
        expect = self.report.modules[0].expect
        return expect is not None and expect.agrees

    def raise_if_different(self) -> None:
        """Raise an AssertionError that says where the numbers differ, and what explains it."""
        if not self.agrees:
            raise AssertionError(str(self))

    def to_dict(self) -> dict[str, Any]:
        """The document, as `--json` has it."""
        made: dict[str, Any] = plain(self.report)
        return made

    def __str__(self) -> str:
        from lstmcalc.commands.run.view import expect_text

        module = self.report.modules[0]
        assert module.expect is not None  # noqa: S101  # this report has it
        return f"{module.name}: {module.text}\n{expect_text(module.expect)}"


@one_command()
def expect(
    model: Any,  # noqa: ANN401  # a path, a dictionary of arrays, or a live module
    x: Any,  # noqa: ANN401  # an array of any library
    y: Any = None,  # noqa: ANN401  # as above
    *,
    h_n: Any = None,  # noqa: ANN401  # as above
    c_n: Any = None,  # noqa: ANN401  # as above
    state: tuple[Any, Any] | None = None,
    lengths: Sequence[int] | None = None,
    batch_first: bool | None = None,
    expect_is: str | None = None,
    module: str | None = None,
    framework: str = "pytorch",
    search_all: bool = False,
) -> Expectation:
    """Compare a port's numbers with those of an LSTM, and name the mistake that explains a difference.

    Args:
        model: The LSTM as it should be: a weight file's name, a dictionary of arrays (a `state_dict`), or a module that
            has one.
        x: What the port read.
        y: What the port computed: the output, its last step, or the last h_n, told by its shape.
        h_n: The port's h_n.
        c_n: The port's c_n.
        state: `(h_0, c_0)`; None for zeros.
        lengths: The length of each sequence; None if all are as long as x.
        batch_first: True if x is `(N, L, H_in)`; None for what the module says, else False.
        expect_is: What y is: `output`, `last` or `h_n`; None to tell it by the shape.
        module: The name of the LSTM, if there are several.
        framework: The framework of the port, in which a repair is said.
        search_all: True to try every pair of mistakes, however long it takes.

    Raises:
        LstmcalcError: The model cannot be read, or an array does not fit.
    """
    given = {
        name: _array(name, value) for name, value in (("output", y), ("h_n", h_n), ("c_n", c_n)) if value is not None
    }
    if not given:
        raise UsageError("nothing is expected", "y, h_n or c_n", where="expect")
    kinds = _KINDS if expect_is is None else (read_choice("expect_is", expect_is, _KINDS),)
    subject, data = _subject(model, x, state, lengths, batch_first, module)
    expected = Expected(given, kinds, search_all, read_framework("framework", framework), None)
    return Expectation(expectation_report(subject, data, expected))


def expectation_report(subject: Subject, data: DataFile, expected: Expected) -> "Report[RunModule]":
    """The report of a run, with a port's numbers held against it."""
    from lstmcalc.commands.run.report import run_report
    from lstmcalc.proof import run as verify
    from lstmcalc.proof.given import read_given

    check_computable(subject)
    activations = settled_activations(subject, "")
    part = read_given(subject, data)
    own = part.subject
    result = verify.run(
        own.config,
        own.data,
        around=own.around,
        weights=part.weights,
        inputs=part.inputs,
        activations=activations,
    )
    row, checks, notes = held_against(own, result, expected, None)
    result.checks.extend(checks)
    report = run_report([own], [result], 0, given=[part.given])
    report.modules[0].expect = row
    report.modules[0].notes.extend((*part.notes, *notes))
    return report


def _subject(
    model: Any,  # noqa: ANN401  # as for `expect`
    x: Any,  # noqa: ANN401  # as for `expect`
    state: tuple[Any, Any] | None,
    lengths: Sequence[int] | None,
    batch_first: bool | None,
    module: str | None,
) -> tuple[Subject, DataFile]:
    """The LSTM of a model, and its data."""
    arrays = {"input": _array("x", x)}
    if state is not None:
        try:
            h_0, c_0 = state
        except (TypeError, ValueError):
            raise ArrayError("not a pair", "(h_0, c_0)", type(state).__name__, where="state") from None
        arrays |= {"h_0": _array("h_0", h_0), "c_0": _array("c_0", c_0)}
    data = DataFile("x.npz", "npz", {name: _stored(name, array) for name, array in arrays.items()})
    typed: dict[str, Any] = {}
    if batch_first is None:
        batch_first = getattr(model, "batch_first", None)
    if isinstance(batch_first, bool):
        typed["batch_first"] = batch_first
    if lengths is not None:
        typed["lengths"] = ",".join(str(int(length)) for length in lengths)
    found = lstms_of(os.fspath(model), {}) if isinstance(model, str | os.PathLike) else _found(model)
    chosen = chosen_lstms(found, asked_modules(module, (item.name for item in found)))
    if len(chosen) != 1:
        names = ", ".join(item.name for item in chosen[:4])
        raise UsageError("the numbers are those of one LSTM", "module=NAME", names, where="expect")
    flags = read_flags(typed)
    return subjects_of(found, chosen, flags, "pytorch", data=data, whole=True)[0], data


def _found(model: Any) -> list[Any]:  # noqa: ANN401  # as for `expect`
    """The LSTMs in a dictionary of arrays, or in a module that has one."""
    from lstmcalc.readers.files.tensors import WeightFile
    from lstmcalc.readers.recognise.recognition import recognise

    arrays = model if isinstance(model, Mapping) else getattr(model, "state_dict", dict)()
    if not isinstance(arrays, Mapping) or not arrays:
        expected = "a weight file's name, a dictionary of arrays, or a module with a state_dict"
        raise UsageError("no weights", expected, shorten(type(model).__name__), where="expect")
    stored = [_stored(str(name), _array(str(name), value)) for name, value in arrays.items()]
    found = recognise(WeightFile("a dictionary of arrays", tuple(stored), kind="npz", dictionaries=((),))).lstms
    if not found:
        listed = with_dots([shorten(name) for name in arrays], 4)
        raise UsageError("there is no LSTM in it", "names such as weight_ih_l0", listed, where="expect")
    return with_unique_names(found)


def _array(name: str, value: Any) -> Any:  # noqa: ANN401  # an array of any library
    """An array of NumPy, of one of any library: PyTorch's are taken from their graph and device."""
    from lstmcalc.numerics.arrays import as_array

    for step in ("detach", "cpu"):
        value = getattr(value, step)() if hasattr(value, step) else value
    array = as_array(name, value)
    if array.dtype.kind not in "fiu":
        raise ArrayError("no real numbers", "float32, or another float or integer", str(array.dtype), where=name)
    return array if array.dtype.kind == "f" else array.astype("float64")


def _stored(name: str, array: Any) -> Any:  # noqa: ANN401  # an array
    from lstmcalc.readers.files.tensors import Stored

    return Stored(name, array.dtype.name, array.shape, array.nbytes, lambda: array)
