"""The names of arrays in a file of several modules, and names of variables for them."""

from collections.abc import Mapping
from keyword import iskeyword
from re import ASCII, sub
from typing import Final

from lstmcalc.numerics.arrays import Array


def named(arrays: Mapping[str, Array], module: str) -> dict[str, Array]:
    """Arrays of a module under their names in a model; as they are, of a module without a name."""
    return {in_module(name, module): array for name, array in arrays.items()}


def in_module(name: str, module: str) -> str:
    """The name of an array of a module in a model: `encoder.weight_ih_l0`, `params/encoder/cell/ii/kernel`."""
    if not module:
        return name
    if "/" not in name:
        return f"{module}.{name}"
    path, outer = module.replace(".", "/"), "params/"
    return f"{outer}{path}/{name.removeprefix(outer)}" if name.startswith(outer) else f"{path}/{name}"


def variable(name: str) -> str:
    """A name for an LSTM's variable: `encoder_rnn` for `encoder.rnn`."""
    made = sub(r"\W", "_", name, flags=ASCII).strip("_") or "lstm"
    return f"lstm_{made}" if made[0].isdigit() or iskeyword(made) else made


def identifier(name: str) -> str:
    """A C identifier from a module's name, of ASCII, which no keyword is: `encoder_rnn`; `lstm` if nothing is left."""
    plain = sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST].rstrip("_")
    return f"lstm_{plain}"[:_LONGEST].rstrip("_") if plain[:1].isdigit() else plain or "lstm"


_LONGEST: Final = 38  # characters, so that no identifier that begins with one has more than the 63 that tell
