"""The origin of each setting of a report, in lines: flags, a place in a source, a default, or merely assumed."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from lstmcalc.intake.flags import flag_name
from lstmcalc.report.blocks import (
    Facts,
    Line,
    compact,
    short_list,
)
from lstmcalc.report.rows import Module, OriginRow
from lstmcalc.spec.config import HYPERPARAMETERS

# The label of each (from, certainty), in reading order.
_LABELS: Final = {
    ("flag", "stated"): "from flags",
    ("flag", "inferred"): "follows from flags",
    ("settings", "stated"): "from {where}",
    ("settings", "inferred"): "follows from {where}",
    ("source", "stated"): "from {where}",
    ("source", "inferred"): "follows from {where}",
    ("config", "stated"): "from {where}",
    ("config", "inferred"): "follows from {where}",
    ("source", "assumed"): "assumed in {where}",
    ("config", "assumed"): "assumed in {where}",
    ("default", "assumed"): "assumed",
    ("default", "stated"): "{owner}'s default",
    ("source", "unknown"): "not stored in {where}",
    ("config", "unknown"): "not stored in {where}",
    ("solved", "inferred"): "solved",
}


_CALL: Final = "the call above"  # the settings that the heading names, and those that it leaves out as defaults


def origin_facts(
    module: Module,
    values: Mapping[str, object],
    *,
    title: str = "",
    idle: Collection[str] = (),
    swept: Mapping[str, Sequence[object]] | None = None,
    brief: bool = False,
) -> Facts:
    """The origin of each setting; an assumed one names the flag that sets it.

    Args:
        module: The LSTM.
        values: The settings that are not of its config: of the data, of the layers around it, its dtype.
        title: The framework's, if the report is in the terms of another one than PyTorch.
        idle: The settings that have no effect here.
        swept: The values of the settings that are swept.
        brief: True to leave out the framework's defaults, which the heading does not name either, and to point to the
            heading for hyperparameters that are the source's.
    """
    values = {**vars(module.config), **values}
    lines: dict[tuple[int, str], list[str]] = {}
    above = _in_heading(module) if brief else frozenset()
    owner, unsayable = _owner_of(module)
    for field, origin in module.provenance.items():
        key = origin.from_, origin.certainty
        unsaid = values[field] is None and origin.certainty != "unknown"
        unsaid = unsaid or (brief and key == ("default", "stated"))
        unsaid = unsaid or (origin.from_ == "default" and (field in unsayable or field in idle))
        if unsaid or (field, values[field]) == ("unbatched", False):
            continue
        where = re.split(r"[/\\\\]", origin.where or "the source")[-1]
        of_source = above and _is_of_source(origin)
        if of_source:  # in one line with what the heading has
            key = "source", _weaker(module, above)
        label = _LABELS[key].format(where=where, owner=owner)
        if field in above:
            entries = lines.setdefault((list(_LABELS).index(key), label), [])
            if _CALL not in entries:
                entries.insert(0, _CALL)
            continue
        text = field if values[field] is None else f"{field} {compact(values[field])}"
        text += f" ({flag_name(field)})" if label == "assumed" else ""
        if origin.certainty == "unknown" and values[field] is not None:
            text = f"{field} (assumed {compact(values[field])})"
        lines.setdefault((list(_LABELS).index(key), label), []).append(text)
    framework: list[Line] = [("framework", (title,))] if title else []
    if module.source and module.source.framework != module.framework:
        framework.append(("source", (f"{module.source.text}, of {owner}",)))
    told = tuple(f"{field} {short_list(listed).strip('(,)')}" for field, listed in (swept or {}).items())
    framework += [("swept", told)] if told else []
    return Facts((*framework, *((label, tuple(lines[order, label])) for order, label in sorted(lines))))


def _in_heading(module: Module) -> frozenset[str]:
    """The hyperparameters that one place of a source gives, if its sizes are among them: the heading has them."""
    origins = {field: module.provenance[field] for field in HYPERPARAMETERS if field in module.provenance}
    own = {field: origin for field, origin in origins.items() if _is_of_source(origin)}
    sizes = {"input_size", "hidden_size"} <= own.keys()
    return frozenset(own) if sizes and len({origin.where for origin in own.values()}) == 1 else frozenset()


def _is_of_source(origin: OriginRow) -> bool:
    """True if a source says it, or its arrays do."""
    return origin.from_ == "source" and origin.certainty in ("stated", "inferred")


def _weaker(module: Module, fields: Collection[str]) -> str:
    """The certainty of several settings together."""
    return "inferred" if any(module.provenance[field].certainty == "inferred" for field in fields) else "stated"


def assumed_line(modules: Sequence[Module], fields: Collection[str]) -> list[Line]:
    """The line on settings that were merely assumed, of some fields, with the flags that set them; none if none was."""
    found = dict.fromkeys(
        f"{field} {compact(getattr(module.config, field))} ({flag_name(field)})"
        for module in modules
        for field, origin in module.provenance.items()
        if field in fields and origin.certainty == "assumed"
    )
    return [("assumed", tuple(found))] if found else []


def _owner_of(module: Module) -> tuple[str, frozenset[str]]:
    """The framework whose defaults apply, and the settings it lacks."""
    if not module.source or module.source.framework == "pytorch":
        return "PyTorch", frozenset()
    from lstmcalc.frameworks.constructors import settings_of
    from lstmcalc.frameworks.storage import find_layout

    framework = module.source.framework
    return find_layout(framework).title, frozenset(HYPERPARAMETERS) - settings_of(framework)


def settings_in(*rows: NamedTuple) -> dict[str, object]:
    """The fields of records, as `origin_facts` takes them: those of the data, and of the layers around."""
    return {field: value for row in rows for field, value in row._asdict().items()}
