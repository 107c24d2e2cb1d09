"""The layers beside the LSTMs of a printed summary, as far as its rows count them."""

import re
from typing import TYPE_CHECKING, Final

from lstmcalc.commands.summary.inventory import Inventory, Layer, named
from lstmcalc.spec.words import with_rest

if TYPE_CHECKING:
    from lstmcalc.readers.text.source_text import SourceText

_LISTED: Final = 3
_TOTAL: Final = r"Total params: ?([\d,]+)"


def inventory_of_pasted(text: "SourceText", kind: str) -> Inventory:
    """The layers that a summary counts; of an error's text there are none, as it names only what differs."""
    if kind == "errors":
        doubt = "keys of equal sizes, which are not in the text"
        return Inventory("PyTorch's error, of a checkpoint and a model", doubts=[doubt], least=True, apart=True)
    if kind == "graph":
        return Inventory("ONNX graph as text", doubts=["its LSTM nodes alone"], least=True)
    from lstmcalc.readers.pasted.summary_rows import rows_of

    rows = rows_of(text.text)
    others, open_ = list[Layer](), list[str]()
    own = 0
    for index, row in enumerate(rows):
        if "LSTM" in row.kind or row.full_kind == "Bidirectional":
            own += row.parameters or 0
        elif not any(below.above > row.above for below in rows[index + 1 : index + 2]):
            if row.parameters is None and row.text not in ("", "--", "0"):
                open_.append(row.name or row.kind)
            if row.parameters:
                others.append(Layer(row.name, row.kind, named(row.name, row.kind), row.parameters))
    doubts = [f"{with_rest(open_, _LISTED)} (rounded)"] if open_ else []
    stated = re.search(_TOTAL, text.text)
    total = own + sum(layer.parameters or 0 for layer in others)
    if stated is None:
        doubts.append("as many as the rows have")
    elif int(stated[1].replace(",", "") or 0) != total:
        doubts.append(f"the summary's own total is {stated[1]}")
    return Inventory("printed summary", others, doubts=doubts)
