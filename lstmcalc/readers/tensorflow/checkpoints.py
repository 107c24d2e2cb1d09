"""Checkpoints of TensorFlow 1 and 2 as weight files: variables under their names, and the cells of Keras among them.

TensorFlow 1 stores variables by name, which tell the cell (`recognise`). TensorFlow 2 stores them by a path of objects;
the graph of objects in the data file tells their names and which of them one cell has. If the data file is missing,
names are these paths.

Tested on files of TensorFlow 2.21.0, with tf.compat.v1 and tf_keras 2.21.0 and with Keras 3.15.1.

Not here: the index (`bundles`), and SavedModels (`saved_models`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lstmcalc.errors import printable, shown_name
from lstmcalc.readers.files.beside import is_beside
from lstmcalc.readers.files.tensorflow_kinds import index_of
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.keras.cells import OPTIMIZERS, ROLES, Cell, cell_of, grouped_cells
from lstmcalc.readers.keras.described import described_model, stated_modules
from lstmcalc.readers.tensorflow.bundles import Bundle, Entry, read_bundle, read_string, stored_tensor
from lstmcalc.readers.tensorflow.metadata import Said
from lstmcalc.readers.tensorflow.objects import GRAPH_KEY, MAX_GRAPH, VALUE, Node, Step, checkpoint_graph, walk
from lstmcalc.spec.words import counted, unique_names, with_rest

_COPIES: Final = "_all_variables/"  # where Keras' export keeps each variable a second time
_SLOT: Final = "/.OPTIMIZER_SLOT/"
# Children of an object that one generation of Keras gives it: tf_keras 2.21.0, keras 3.15.1.
_KERAS2: Final = frozenset(("keras_api", "layer-0", "layer_with_weights-0", "_endpoint_names"))
_KERAS3: Final = frozenset(("_operations", "_losses_override", "_functional", "_inbound_nodes", "_misc_assets"))
_KERAS_CELLS: Final = (
    *("LSTMCell", "LSTM", "CuDNNLSTM", "GRUCell", "GRU", "CuDNNGRU", "SimpleRNNCell", "SimpleRNN"),
    *("ConvLSTM1DCell", "ConvLSTM2DCell", "ConvLSTM3DCell", "ConvLSTM2D"),
)
_DATA_LISTED: Final = 3


class Variables(NamedTuple):
    """The variables of a checkpoint."""

    tensors: tuple[Stored, ...]
    by_key: Mapping[str, Stored]  # the same by their keys
    others: frozenset[str]  # the names of those that are no parameters: of optimizers, metrics and counters
    notes: tuple[str, ...]


def read_checkpoint(path: str) -> WeightFile:
    """A checkpoint, by its index, or by a data file that has its index beside it."""
    bundle = read_bundle(index_of(path))
    nodes = checkpoint_nodes(bundle)
    variables = variables_of(bundle, nodes)
    stated = keras_modules(variables, nodes, {}, shown_name(path))
    kind = "TensorFlow 2" if nodes or GRAPH_KEY in bundle.entries else "TensorFlow"
    notes = (*variables.notes, *missing_data(bundle))
    form = f"{kind} checkpoint"
    return WeightFile(form, variables.tensors, named_modules(stated), notes, buffers=variables.others)


def checkpoint_nodes(bundle: Bundle) -> list[Node]:
    """The graph of objects of a checkpoint; empty if it has none, or the file with it is missing."""
    data = read_string(bundle, GRAPH_KEY, MAX_GRAPH)
    return checkpoint_graph(data) if data is not None else []


def named_modules(stated: Sequence[Found]) -> tuple[Found, ...]:
    """The modules under unique names."""
    names = unique_names(item.name for item in stated)
    return tuple(item._replace(name=name) for item, name in zip(stated, names, strict=True))


def missing_data(bundle: Bundle) -> list[str]:
    """A note on the data files that are missing."""
    shards = sorted({entry.shard for entry in bundle.entries.values() if not entry.slices})
    names = [bundle.data_name(shard) for shard in shards]
    missing = [name for name in names if not is_beside(bundle.file, name)]
    if not missing:
        return []
    return [
        f"numbers are in {with_rest([printable(name) for name in missing], _DATA_LISTED)}, missing beside the index"
    ]


def variables_of(bundle: Bundle, nodes: Sequence[Node]) -> Variables:
    """The variables under their own names, where they have one that no other has, else under their keys."""
    own = {node.key: node.name for node in nodes if node.key and node.name}
    keys = {key: key.decode("utf-8", "backslashreplace") for key in bundle.entries if key[:1] != b"\0" != key}
    keys.pop(GRAPH_KEY, None)
    copies = _copies(bundle, keys, own)
    kept = {key: text for key, text in keys.items() if key not in copies}
    counts = Counter(own.get(text, text.removesuffix(VALUE)) for text in kept.values())
    order = {node.key: index for index, node in enumerate(nodes) if node.key}
    by_key = {}
    for key, text in sorted(kept.items(), key=lambda item: order.get(item[1], len(order))):
        plain = text.removesuffix(VALUE)
        name = own.get(text, plain)
        by_key[text] = stored_tensor(bundle, key, name if counts[name] == 1 else plain)
    notes = [f"{counted(len(copies), 'variable')} of Keras' export stored twice: shown once"] if copies else []
    return variables_in(by_key, nodes)._replace(notes=tuple(notes))


def variables_in(by_key: Mapping[str, Stored], nodes: Sequence[Node]) -> Variables:
    """The variables by their keys, with those that are no parameters told apart."""
    others = frozenset(tensor.name for tensor in _others(by_key, nodes))
    return Variables(tuple(by_key.values()), by_key, others, ())


# Slots of the optimizers of TensorFlow 1, in the shape of the variable in whose name theirs begins; and their counters
# (tensorflow/python/training of TensorFlow 1.15, from general knowledge).
_SLOTS: Final = re.compile(
    r"(.+)/(?:Adam|RMSProp|Momentum|Adagrad|Adadelta|Ftrl|AdaMax|LAMB|LARS|ExponentialMovingAverage|adam_[mv])(?:_\d+)?"
)
_COUNTERS: Final = re.compile(r"(.*/)?(beta[12]_power(_\d+)?|global_step|save_counter)")
_OPTIMIZER: Final = re.compile(r"(^|/)_?optimizer/|(^|/)keras_api/metrics/")


def _others(by_key: Mapping[str, Stored], nodes: Sequence[Node]) -> Iterator[Stored]:
    """The variables that are no parameters of a model."""
    reached = {nodes[step.number].key for step in walk(nodes)}
    names = {tensor.name: tensor.shape for tensor in by_key.values()}
    for key, tensor in by_key.items():
        slot = _SLOTS.fullmatch(tensor.name)
        if (
            not tensor.dtype.startswith(("float", "bfloat"))
            or _SLOT in key
            or (_OPTIMIZER.search(key) and key not in reached)
            or _COUNTERS.fullmatch(tensor.name)
            or (slot and names.get(slot[1]) == tensor.shape)
        ):
            yield tensor


def _copies(bundle: Bundle, keys: Mapping[bytes, str], own: Mapping[str, str]) -> set[bytes]:
    """The keys of an export's copies of variables: of the same name, shape and checksum as others, if there is one."""
    first, found = set[tuple[str, Entry]](), set[bytes]()
    for key, text in sorted(keys.items(), key=lambda item: item[1].startswith(_COPIES)):
        entry = bundle.entries[key]._replace(offset=0, shard=0)
        variable = own.get(text, ""), entry
        if text.startswith(_COPIES) and variable[0] and variable in first:
            found.add(key)
        first.add(variable)
    return found


# --- Keras' cells


class _Placed(NamedTuple):
    """A cell with the objects that lead to it."""

    cell: Cell
    way: tuple[int, ...]  # their numbers


def keras_modules(variables: Variables, nodes: Sequence[Node], said: Mapping[int, Said], name: str) -> list[Found]:
    """The recurrent modules of Keras: of the models and layers that say what they are, then those of other cells."""
    placed = _object_cells(variables, nodes, said)
    version = _version(nodes, said)
    found: list[Found] = []
    taken: set[str] = set()
    for number, object_said in said.items():
        if object_said.config is None:
            continue
        mine = [
            item
            for item in placed
            if number in item.way and item.cell.path not in taken and not _other_class(item, said)
        ]
        described = described_model(object_said.text(), version, name).found if mine else ()
        if described:
            cells = [item.cell._replace(top=_top(item, number, said)) for item in mine]
            known, _ = stated_modules(cells, described, version)
            found += known
            taken |= {cell.path for cell in cells}
    rest = [item for item in placed if item.cell.path not in taken]
    left = [item.cell for item in rest if not _other_class(item, said)]
    for item in rest:
        if kind := _other_class(item, said):
            made, _ = stated_modules([item.cell], (), version)
            found += [each._replace(unmodelled=(*each.unmodelled, f"class {kind}")) for each in made]
    used = {name for item in placed for name in item.cell.arrays.values()}
    named = _named_cells((tensor for tensor in variables.tensors if tensor.name not in variables.others), used)
    return [*found, *stated_modules([*left, *named], (), version)[0]]


def _other_class(placed: _Placed, said: Mapping[int, Said]) -> str:
    """The class of a cell, if that is none of Keras: what it computes is not known; empty if it is, or is not said."""
    kind = said[placed.way[-1]].kind if placed.way[-1] in said else ""
    return "" if kind in _KERAS_CELLS else kind


def _version(nodes: Sequence[Node], said: Mapping[int, Said]) -> str:
    """The version of Keras that made a model; its first number alone, where nothing says more."""
    stated = next((item.version for item in said.values() if item.version), "")
    children = {name for node in nodes for name, _ in node.children}
    return stated or ("3" if children & _KERAS3 and not children & _KERAS2 else "2")


def _object_cells(variables: Variables, nodes: Sequence[Node], said: Mapping[int, Said]) -> list[_Placed]:
    """The cells that are objects with a kernel and a recurrent kernel, in the order of their layers."""
    found = []
    for step in walk(nodes):
        children = dict(nodes[step.number].children)
        if "recurrent_kernel" not in children:
            continue
        arrays, shapes = {}, {}
        for role in ROLES:
            number = children.get(role, len(nodes))
            tensor = variables.by_key.get(nodes[number].key) if number < len(nodes) else None
            if tensor is not None:
                arrays[role], shapes[role] = tensor.name, tensor.shape
        cell = (
            cell_of(step.path, "", _names(step, arrays, said), arrays, shapes, "named") if "kernel" in arrays else None
        )
        if cell:
            found.append((step.way, _Placed(cell, (0, *(number for _, number in step.way)))))
    return [placed for _, placed in sorted(found, key=lambda item: item[0])]


def _names(step: Step, arrays: Mapping[str, str], said: Mapping[int, Said]) -> tuple[str, ...]:
    """The names of the layers around a cell and its own, by what Keras says of them, else by its variables' names."""
    stated = [said[number].name for _, number in step.way if number in said and said[number].name]
    return tuple(stated or next(iter(arrays.values())).split("/")[:-1])


def _top(placed: _Placed, number: int, said: Mapping[int, Said]) -> str:
    """The name of a model's layer that a cell is in, or of the layer itself, if that is no model."""
    config = said[number].config
    is_model = isinstance(config, list) or (isinstance(config, Mapping) and "layers" in config)
    way = placed.way[placed.way.index(number) + is_model :]
    return next((said[item].name for item in way if item in said), "")


def _named_cells(tensors: Iterable[Stored], used: set[str]) -> list[Cell]:
    """The cells that the names of variables alone tell: `lstm/lstm_cell/recurrent_kernel`."""
    names = {
        tensor.name: tensor
        for tensor in tensors
        if tensor.name.rpartition("/")[2] in ROLES and tensor.name not in used and not OPTIMIZERS.search(tensor.name)
    }
    return list(grouped_cells("", (), [name for name in names if _SLOT not in name], names))
