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
from lstmcalc.report.rows import Module
from lstmcalc.spec.config import HYPERPARAMETERS

# The label of each (from, certainty), in reading order.
_LABELS: Final = {
    ("flag", "stated"): "from flags",
    ("flag", "inferred"): "follows from flags",
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


def origin_facts(
    module: Module,
    values: Mapping[str, object],
    *,
    title: str = "",
    idle: Collection[str] = (),
    swept: Mapping[str, Sequence[object]] | None = None,
    defaults: bool = True,
) -> Facts:
    """The origin of each setting; an assumed one names the flag that sets it.

    Args:
        module: The LSTM.
        values: The settings that are not of its config: of the data, of the layers around it, its dtype.
        title: The framework's, if the report is in the terms of another one than PyTorch.
        idle: The settings that have no effect here.
        swept: The values of the settings that are swept.
        defaults: False to leave out settings that are the framework's defaults, which the heading does not name either.
    """
    values = {**vars(module.config), **values}
    lines: dict[tuple[int, str], list[str]] = {}
    owner, unsayable = _owner_of(module)
    for field, origin in module.provenance.items():
        key = origin.from_, origin.certainty
        unsaid = values[field] is None and origin.certainty != "unknown"
        unsaid = unsaid or (not defaults and key == ("default", "stated"))
        unsaid = unsaid or (origin.from_ == "default" and (field in unsayable or field in idle))
        if unsaid or (field, values[field]) == ("unbatched", False):
            continue
        where = re.split(r"[/\\\\]", origin.where or "the source")[-1]
        label = _LABELS[key].format(where=where, owner=owner)
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
