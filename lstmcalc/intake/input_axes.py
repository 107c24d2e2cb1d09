"""The axes of an LSTM's input: those of its framework, and the settings that an array in the source gives."""

from lstmcalc.errors import SourceError
from lstmcalc.intake.setting_errors import at_setting
from lstmcalc.readers.found import Found
from lstmcalc.spec.provenance import Layer, Origin, Setting


def given_input(said: Layer, found: Found) -> dict[str, Setting]:
    """The settings that follow from the shape of an array that the source passes to the LSTM."""
    if not found.input_shape:
        return {}
    cell = found.framework == "pytorch-cell"
    first = is_batch_first(found, said)
    axes = ["batch", "seq_len"] if first else ["seq_len", "batch"]
    names = {True: {2: ["batch"], 1: []}, False: {3: axes, 2: ["seq_len"]}}[cell].get(len(found.input_shape))
    if names is None:
        what = "1-D or 2-D" if cell else "2-D or 3-D"
        raise at_setting(
            found, "input", SourceError("the input does not fit", f"an array that is {what}", _shape(found))
        )
    origin = Origin("source", found.where, "inferred")
    sizes = dict(zip([*names, "input_size"], found.input_shape, strict=True))
    width = sizes.pop("input_size")
    given = {field: Setting(size, origin) for field, size in sizes.items() if size is not None}
    if "batch" not in names:
        given["unbatched"] = Setting(True, origin)
    stated = said.get("input_size")
    if stated is None and width is not None:
        given["input_size"] = Setting(width, origin)
    elif stated is not None and width not in (None, stated.value) and stated.origin.source == "source":
        error = SourceError("the input does not fit", f"input_size = {stated.value} in its last axis", _shape(found))
        raise at_setting(found, "input", error)
    return given


def _shape(found: Found) -> str:
    sizes = ["?" if size is None else str(size) for size in found.input_shape]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def reported_batch_first(said: Layer, found: Found) -> bool:
    """True if the nn.LSTM that is reported has batch_first, by the setting or by the source's framework."""
    if "batch_first" in said or found.framework in ("pytorch", "pytorch-cell"):
        return bool("batch_first" in said and said["batch_first"].value)
    return is_batch_first(found, {})


def is_batch_first(found: Found, said: Layer) -> bool:
    """True if the source's own LSTM has the batch as the first axis of its input."""
    if found.framework == "pytorch":
        return bool("batch_first" in said and said["batch_first"].value)
    from lstmcalc.frameworks.storage import find_layout

    axes = next(port.axes for port in find_layout(found.framework).ports if "H_in" in port.axes)
    return axes.startswith("N L") and not found.options.get("time_major")
