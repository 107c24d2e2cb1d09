"""LSTMs cut into layers, and put together of layers, or of single directions, without a number being changed.

PyTorch has a stack in one module; others have a module for each layer, or for each layer and direction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.numerics.arrays import Array
from lstmcalc.spec.config import LSTMConfig

Weights: TypeAlias = Mapping[str, Array]
_BIASES = ("bias_ih", "bias_hh")


class Part(NamedTuple):
    """An LSTM with its numbers, under PyTorch's names."""

    config: LSTMConfig
    weights: Weights


def layers_of(part: Part) -> list[Part]:
    """An LSTM as one LSTM for each of its layers, from the first."""
    config = part.config
    each = len(weight_shapes(replace(config, num_layers=1)))
    names = list(weight_shapes(config))
    return [
        Part(
            replace(config, input_size=config.layer_input_size(layer), num_layers=1),
            {name.replace(f"_l{layer}", "_l0", 1): part.weights[name] for name in names[layer * each :][:each]},
        )
        for layer in range(config.num_layers)
    ]


def stacked_config(configs: Sequence[LSTMConfig]) -> LSTMConfig | None:
    """The one LSTM that several are, each reading the output of the one before; None if their sizes are not so."""
    first = configs[0]
    whole = replace(first, num_layers=sum(config.num_layers for config in configs))
    for number, config in enumerate(configs):
        reads = first.input_size if number == 0 else first.num_directions * first.output_size
        same = replace(first, input_size=reads, num_layers=config.num_layers, dropout=config.dropout)
        if config != same:
            return None
    return whole


def stacked(parts: Sequence[Part]) -> Part | None:
    """Several LSTMs as one of all their layers; None if their sizes do not fit."""
    config = stacked_config([part.config for part in parts])
    return None if config is None else assembled(config, parts)


def assembled(config: LSTMConfig, parts: Sequence[Part]) -> Part | None:
    """An LSTM put together of others: whole ones, layers, or one direction of a layer each, in PyTorch's order.

    Biases that are all 0 in effect are left out of an LSTM that has none. None if sizes, or numbers of cells, differ.
    """
    shapes = weight_shapes(config)
    wanted = [(layer, direction) for layer in range(config.num_layers) for direction in range(config.num_directions)]
    cells = [cell for part in parts for cell in _cells(part)]
    if len(cells) != len(wanted):
        return None
    made: dict[str, Array] = {}
    for (layer, direction), cell in zip(wanted, cells, strict=True):
        own = cell if config.bias else _without_biases(cell)
        made |= {_name(held, layer, direction): array for held, array in own.items()}
    if made.keys() != shapes.keys() or any(made[name].shape != shape for name, shape in shapes.items()):
        return None
    return Part(config, {name: made[name] for name in shapes})


def _cells(part: Part) -> Iterator[dict[str, Array]]:
    """The arrays of each layer and direction by what they hold, as `weight_ih`."""
    held = ("weight_ih", "weight_hh", *(_BIASES if part.config.bias else ()))
    held = (*held, "weight_hr") if part.config.proj_size else held
    for layer in range(part.config.num_layers):
        for direction in range(part.config.num_directions):
            yield {name: part.weights[_name(name, layer, direction)] for name in held}


def _without_biases(cell: dict[str, Array]) -> dict[str, Array]:
    """A cell without its biases, if they are 0 in effect."""
    biases = [cell[name] for name in _BIASES if name in cell]
    if biases and sum(biases).any():  # type: ignore[union-attr]  # arrays
        return cell
    return {name: array for name, array in cell.items() if name not in _BIASES}


def _name(held: str, layer: int, direction: int) -> str:
    return f"{held}_l{layer}{'_reverse' * direction}"
