"""The recurrent cells of an HDF5 file of Keras, told by the names of their arrays.

Three generations: Keras 1 has an array for each gate (`lstm_1_W_i`), Keras 2 and the `.h5` files of Keras 3 have
`lstm/lstm_cell/kernel:0`, listed in the attributes `layer_names` and `weight_names`; `.weights.h5` and `.keras` have
groups by class (`layers/lstm/cell/vars/0`), where 0 is kernel, 1 is recurrent_kernel and 2 is bias. Keras 2.12 calls
the groups of two LSTMs `lstm` and `lstm_2`, because it counts every layer that has weights twice, and under Windows it
joins their names with backslashes.

The kind of a cell follows from recurrent_kernel: `(H, 4*H)` for LSTM, `(H, 3*H)` for GRU, `(H, H)` for SimpleRNN.

Sources: keras 1.2.2 (keras/engine/topology.py, save_weights_to_hdf5_group; keras/layers/recurrent.py, LSTM.build);
tf_keras 2.21.0 and keras 3.15.1 (legacy/saving/legacy_h5_format.py, saving/saving_lib.py), both run; files that keras
2.12 wrote.

Not here: configurations (`models`), and how both are joined (`files`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.keras.hdf5 import Hdf5

KINDS: Final = {4: "LSTM", 3: "GRU", 1: "SimpleRNN"}
ROLES: Final = ("kernel", "recurrent_kernel", "bias")
_KERAS1_ROLES: Final = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
_KERAS1: Final = re.compile(r"(?P<stem>.+)_(?P<role>[WUb])(?:_(?P<gate>[icfozrh]))?")
_LSTM_GATES: Final = frozenset("icfo")
# The names of groups that hold a cell's variables.
_CELL_GROUP: Final = re.compile(r"(cell|(conv_)?(lstm|gru|simple_rnn)\w*_cell|cu_dnn(lstm|gru))(_\d+)?")
_WRAPPED: Final = (
    "layer",
    "forward_layer",
    "backward_layer",
)  # variables in these are CuDNNLSTM's, which has no cell group


class Cell(NamedTuple):
    """One cell: the arrays of one direction of one layer."""

    path: str  # prefix of its arrays' names
    top: str  # the layer under which the file lists it; empty if the file has no such list
    names: tuple[str, ...]  # the names of the layers and wrappers around it, the outermost first, and its own
    kind: str  # `LSTM`, `GRU`, `SimpleRNN` or `ConvLSTM`
    # From roles to names in the file: `kernel`, `recurrent_kernel`, `bias`; if each gate has an array of its own,
    # `kernel_i` and so on, in the letters of Keras.
    arrays: Mapping[str, str]
    width: int  # input_size
    units: int  # hidden_size
    biases: int  # size of its bias; 0 without one
    form: str  # how arrays are named: `keras1`, `named` or `numbered`
    folder: str = ""  # if they are numbered, their group as Keras 3 counts: `layers/lstm_1/cell`

    @property
    def is_cudnn(self) -> bool:
        """True if its bias is that of CuDNNLSTM, two in one."""
        return self.kind == "LSTM" and self.biases == 8 * self.units


def read_cells(index: Hdf5) -> list[Cell]:
    """The cells of a file, in the order in which it lists them."""
    index = _with_slashes(index)
    return [
        cell._replace(arrays={role: index.datasets[path].name for role, path in cell.arrays.items()})
        for cell in _cells(index)
    ]


def _with_slashes(index: Hdf5) -> Hdf5:
    """The index of a file with slashes between the names of its groups, if it was written under Windows.

    Datasets keep their own names.
    """
    if not any("\\" in group for group in index.groups):
        return index
    groups = {path.replace("\\", "/"): held for path, held in index.groups.items()}
    datasets = {path.replace("\\", "/"): held for path, held in index.datasets.items()}
    whole = len(groups) == len(index.groups) and len(datasets) == len(index.datasets)
    return index._replace(groups=groups, datasets=datasets) if whole else index


def _cells(index: Hdf5) -> list[Cell]:
    root = next((path for path in ("", "model_weights") if "layer_names" in index.groups.get(path, {})), None)
    if root is not None:
        return list(_listed_cells(index, root))
    return [*_numbered_cells(index), *grouped_cells("", (), _loose_datasets(index), index.datasets)]


# The paths of an optimizer's moments, which are named like the variables that they belong to.
OPTIMIZERS: Final = re.compile(r"(^|/)(optimizer(_weights)?|training)/")


def _loose_datasets(index: Hdf5) -> list[str]:
    """The datasets that have names of their own and do not belong to an optimizer."""
    return [path for path in index.datasets if "/vars/" not in f"/{path}" and not OPTIMIZERS.search(path)]


# --- By name


def _listed_cells(index: Hdf5, root: str) -> Iterator[Cell]:
    """The cells of a file that lists its layers, and the arrays of each."""
    base = f"{root}/" if root else ""
    layers = index.groups[root].get("layer_names", [])
    for layer in dict.fromkeys(layers):
        group = f"{base}{layer}"
        listed = index.groups.get(group, {}).get("weight_names", [])
        paths = [f"{group}/{name}" for name in listed]
        yield from grouped_cells(
            f"{group}/", (layer,), [path for path in paths if path in index.datasets], index.datasets
        )


def grouped_cells(
    base: str, top: tuple[str, ...], paths: Sequence[str], datasets: Mapping[str, Stored]
) -> Iterator[Cell]:
    """The cells whose arrays are among `paths`, in their order."""
    groups: dict[str, dict[str, str]] = {}
    for path in paths:
        stem, role = _split(path)
        if role:
            groups.setdefault(stem, {}).setdefault(role, path)
    for stem, arrays in groups.items():
        shapes = {role: datasets[path].shape for role, path in arrays.items()}
        names = tuple(stem.removeprefix(base).split("/"))
        form = "keras1" if re.search(r"_[WUb]$|_[WUb]_[a-z]$", _bare_name(next(iter(arrays.values())))) else "named"
        cell = cell_of(stem, "".join(top), names, arrays, shapes, form)
        if cell:
            yield cell


def _bare_name(path: str) -> str:
    """A name without the `:0` of TensorFlow."""
    return re.sub(r":\d+$", "", path)


def _split(path: str) -> tuple[str, str]:
    """The path of the cell that an array belongs to, and the array's role; both empty if it belongs to none."""
    home, _, name = _bare_name(path).rpartition("/")
    if name in ROLES:
        return home, name
    found = _KERAS1.fullmatch(name)
    if not found:
        return "", ""
    role = _KERAS1_ROLES[found["role"]]
    stem = f"{home}/{found['stem']}" if home else found["stem"]
    return stem, f"{role}_{found['gate']}" if found["gate"] else role


def cell_of(
    path: str,
    top: str,
    names: tuple[str, ...],
    arrays: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    form: str,
) -> Cell | None:
    """The cell that has these arrays; None if their shapes do not fit each other."""
    if "recurrent_kernel" not in arrays:
        return _keras1_cell(path, top, names, arrays, shapes)
    kernel, recurrent, bias = (shapes.get(role, ()) for role in ROLES)
    if len(kernel) == len(recurrent) > 2:  # noqa: PLR2004
        return Cell(path, top, names, "ConvLSTM", arrays, kernel[-2], recurrent[-2], sum(bias), form)
    if len(kernel) != 2 or len(recurrent) != 2 or not all((*kernel, *recurrent)):  # noqa: PLR2004
        return None
    units, size = recurrent
    gates = size // units
    if size % units or kernel[1] != size or gates not in KINDS:
        return None
    biases = 1
    for length in bias:
        biases *= length
    biases = biases if bias else 0
    if biases not in (0, size, 2 * size):
        return None
    return Cell(path, top, names, KINDS[gates], arrays, kernel[0], units, biases, form)


def _keras1_cell(
    path: str,
    top: str,
    names: tuple[str, ...],
    arrays: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
) -> Cell | None:
    """The cell that has an array for each gate; None if their shapes do not fit each other."""
    gates = frozenset(role.rpartition("_")[2] for role in arrays)
    first = min(gates, default="")
    kernel, recurrent = shapes.get(f"kernel_{first}", ()), shapes.get(f"recurrent_kernel_{first}", ())
    if len(kernel) != 2 or len(recurrent) != 2 or not all((*kernel, *recurrent)):  # noqa: PLR2004
        return None
    wanted = {"kernel": kernel, "recurrent_kernel": (kernel[1], kernel[1]), "bias": (kernel[1],)}
    expected = {f"{role}_{gate}": shape for role, shape in wanted.items() for gate in gates}
    kind = {_LSTM_GATES: "LSTM", frozenset("zrh"): "GRU"}.get(gates)
    if kind is None or expected != dict(shapes):
        return None
    return Cell(path, top, names, kind, arrays, kernel[0], kernel[1], len(gates) * kernel[1], "keras1")


# --- By number


def _numbered_cells(index: Hdf5) -> Iterator[Cell]:
    """The cells of a file with numbered variables, in which newer versions of Keras 3 also store the layers' names."""
    folders = _folders(index.groups)
    for group in sorted(index.groups, key=_in_number):
        home, _, last = group.rpartition("/")
        called = home.rpartition("/")[2]
        if last != "vars" or not (_CELL_GROUP.fullmatch(called) or called in _WRAPPED) or OPTIMIZERS.search(group):
            continue
        arrays = {
            role: f"{group}/{number}" for number, role in enumerate(ROLES) if f"{group}/{number}" in index.datasets
        }
        shapes = {role: index.datasets[path].shape for role, path in arrays.items()}
        cell = cell_of(home, "", _numbered_names(index, home), arrays, shapes, "numbered")
        if cell is None or (called in _WRAPPED and not cell.is_cudnn):
            continue
        if "kernel" in arrays and len(arrays) == sum(path.startswith(f"{group}/") for path in index.datasets):
            yield cell._replace(folder=folders[home])


# Groups that only hold others.
_OLD_LAYERS: Final = "_layer_checkpoint_dependencies"  # of Keras 2.12
_CONTAINERS: Final = ("layers", _OLD_LAYERS, "cells")
_NUMBERED: Final = re.compile(r"(.*?)(?:_(\d{1,9}))?", re.DOTALL)


def _numbered(name: str) -> tuple[str, int]:
    """A group's name without its number, and that number: 0 for the first."""
    base, number = _NUMBERED.fullmatch(name).groups()  # type: ignore[union-attr]  # it matches any text
    return base, int(number or 0)


def _in_number(path: str) -> list[tuple[str, int]]:
    """A key that sorts `lstm_10` after `lstm_9`."""
    return [_numbered(name) for name in path.split("/")]


def _folders(groups: Iterable[str]) -> dict[str, str]:
    """Each group, with the names that Keras 3 gives to it and to those around it: layers of a class are counted."""
    inside: dict[str, set[str]] = {}  # the names in a group
    for group in groups:
        parts = group.split("/")
        for count in range(len(parts)):
            inside.setdefault("/".join(parts[:count]), set()).add(parts[count])
    folders = {"": ""}
    for home in sorted(inside, key=lambda path: path.count("/") + bool(path)):
        ranks: dict[str, int] = {}
        for name in sorted(inside[home], key=_numbered):
            base, own = _numbered(name)[0], "layers" if name == _OLD_LAYERS else name
            if home.rpartition("/")[2] == _OLD_LAYERS:
                ranks[base] = ranks.get(base, -1) + 1
                own = f"{base}_{ranks[base]}" if ranks[base] else base
            folders[f"{home}/{name}".lstrip("/")] = f"{folders[home]}/{own}".lstrip("/")
    return folders


def _numbered_names(index: Hdf5, home: str) -> tuple[str, ...]:
    """The names of the layers, the outermost first: their own if the file has them, else those of their groups."""
    parts = home.split("/")
    names = []
    for count, part in enumerate(parts, 1):
        if part in _CONTAINERS:
            continue
        own = index.groups.get(f"{'/'.join(parts[:count])}/vars", {}).get("name")
        # Keras 3 calls each cell lstm_cell: in a stack of cells the groups alone tell them apart.
        counted = count == len(parts) and parts[-2:-1] == ["cells"] and own == "lstm_cell"
        names.append(part if counted or not isinstance(own, str) or not own else own)
    return tuple(names)
