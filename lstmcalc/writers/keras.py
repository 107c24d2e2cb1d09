"""Models of Keras 3: `.keras`, which `load_model` takes, and `.weights.h5` for `load_weights` of the same model.

The model is a Sequential of an Input and of LSTM layers, in Bidirectional where there are both directions, that return
every step. Its configuration has only what differs from Keras' defaults, so that every version of Keras 3 takes it.

Sources: keras 3.15.1 (keras/src/saving/saving_lib.py: the members of the archive, the groups of the weights;
keras/src/layers/rnn/lstm.py, bidirectional.py), run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from lstmcalc.errors import MissingExtraError, UnsupportedError, printable
from lstmcalc.frameworks.storage import Storage, check_expressible
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import pack
from lstmcalc.proof.failures import failures
from lstmcalc.proof.judges import Verdict, check_judge
from lstmcalc.spec.activations import PYTORCH
from lstmcalc.spec.config import DataSpec
from lstmcalc.spec.words import quoted_text
from lstmcalc.writers.loading import keras_call, needs_initializer
from lstmcalc.writers.target import Asked, Portable, Target

_WHERE: Final = "--to keras"
_WEIGHTS: Final = "model.weights.h5"
_GATES: Final = {"sigmoid": "sigmoid", "hard_sigmoid:1/6": "hard_sigmoid"}
# The version whose files these are; no date, so that equal numbers give equal files.
_METADATA: Final = {"keras_version": "3.0.0"}


def _check(lstms: Sequence[Portable], _asked: Asked) -> None:
    """Refuse what Keras has not, and h5py that is missing."""
    for lstm in lstms:
        try:
            check_expressible(lstm.config, "keras")
        except UnsupportedError as error:
            raise error.at(_WHERE) from None
        found = lstm.activations
        if found.gates not in _GATES or found._replace(gates="sigmoid", cell="tanh") != PYTORCH:
            expected = "sigmoid, or hard_sigmoid as Keras 3 has it, clip(x/6 + 0.5), and tanh or relu"
            raise UnsupportedError(
                f"Keras 3 cannot compute {found}", expected, f"{found} in {printable(lstm.name)}", where=_WHERE
            )
    if find_spec("h5py") is None:
        raise MissingExtraError("h5py is not installed", hint="pip install h5py", where=_WHERE)


def _write(stream: IO[bytes], lstms: Sequence[Portable], _asked: Asked) -> None:
    """Write a `.keras` archive."""
    (lstm,) = lstms
    members = {
        "metadata.json": json.dumps(_METADATA).encode(),
        "config.json": json.dumps(_model(lstm)).encode(),
        _WEIGHTS: _weights(lstm),
    }
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        for name, data in members.items():
            with archive.open(ZipInfo(name), "w", force_zip64=len(data) > 1 << 31) as member:
                member.write(data)


def _write_weights(stream: IO[bytes], lstms: Sequence[Portable], _asked: Asked) -> None:
    """Write the weights alone."""
    stream.write(_weights(lstms[0]))


def _model(lstm: Portable) -> dict[str, Any]:
    """The configuration of the model."""
    dtype, config = lstm.dtype, lstm.config
    layers = [_object("InputLayer", batch_shape=[None, None, config.input_size], dtype=dtype, name="input_layer")]
    for name, layer in _named_layers(lstm):
        made = _object("LSTM", **_layer(lstm), name=layer)
        layers.append(
            _object("Bidirectional", layer=made, merge_mode="concat", name=name, dtype=dtype)
            if config.bidirectional
            else made
        )
    model = _object("Sequential", name="lstm_model", layers=layers)
    return {**model, "module": "keras"}


def _object(kind: str, **config: Any) -> dict[str, Any]:  # noqa: ANN401  # what JSON has
    """A layer as Keras 3 describes it."""
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def _named_layers(lstm: Portable) -> Iterator[tuple[str, str]]:
    """The name of each layer, and of the LSTM in it, by which Keras calls the groups of its weights too."""
    for layer in range(lstm.config.num_layers):
        number = f"_{layer}" if layer else ""
        yield f"{'bidirectional' if lstm.config.bidirectional else 'lstm'}{number}", f"lstm{number}"


def _layer(lstm: Portable) -> dict[str, Any]:
    """The settings of a layer."""
    return {
        "units": lstm.config.hidden_size,
        "activation": lstm.activations.cell,
        "recurrent_activation": _GATES[lstm.activations.gates or ""],
        "use_bias": lstm.config.bias,
        "return_sequences": True,
        "dtype": lstm.dtype,
        **({"recurrent_initializer": "zeros"} if needs_initializer(lstm) else {}),
    }


def _weights(lstm: Portable) -> bytes:
    """The HDF5 file of the weights: a group for each layer, with the arrays of its cell as 0, 1 and 2."""
    import h5py

    arrays, storage = pack(lstm.weights, lstm.config, "keras"), Storage(lstm.config, "keras")
    whole = BytesIO()
    with h5py.File(whole, "w") as file:
        for layer, (name, _) in enumerate(_named_layers(lstm)):
            places = storage.placements(layer)
            inner = ("forward_layer/", "backward_layer/") if lstm.config.bidirectional else ("",)
            each = len(places) // len(inner)
            for number, place in enumerate(places):
                group = f"layers/{name}/{inner[number // each]}cell/vars"
                file.create_dataset(f"{group}/{number % each}", data=arrays[place.parameter.name], track_times=False)
    return whole.getvalue()


def _load(_lstms: Sequence[Portable], asked: Asked) -> list[str]:
    return ["import keras", "", f"model = keras.saving.load_model({quoted_text(asked.path)})"]


def _load_weights(lstms: Sequence[Portable], asked: Asked) -> list[str]:
    """The lines that make the same model, and load its weights."""
    (lstm,) = lstms
    layers = [f"    {keras_call(lstm, 'keras')}," for _ in range(lstm.config.num_layers)]
    shape = f"(None, {lstm.config.input_size})"
    return [
        "import keras",
        "",
        f"model = keras.Sequential([keras.Input({shape}),",
        *layers,
        "])",
        f"model.load_weights({quoted_text(asked.path)})",
    ]


def _notes(lstms: Sequence[Portable]) -> list[str]:
    from lstmcalc.writers.tables import bias_notes

    notes = [*bias_notes("keras", lstms)]
    if any(lstm.stored == "bfloat16" for lstm in lstms):
        notes.append("bfloat16 is kept in float32, which holds all of its numbers")
    return [*notes, "the model takes (N, L, H_in) and returns every step, (N, L, D*H_out)"]


def _run(path: str, lstm: Portable, data: DataSpec, inputs: Mapping[str, Array]) -> Verdict | None:
    """The results that Keras computes of the model in the file; None if it, or a backend, is not installed."""
    if find_spec("keras") is None:
        return None
    check_judge("keras", lstm.config, data, lstm.activations)
    import keras

    if keras.__version__.startswith(("1.", "2.")):
        raise UnsupportedError("such a file is read by Keras 3", found=f"Keras {keras.__version__} is installed")
    with failures("keras"), TemporaryDirectory() as folder:
        named = Path(folder) / "model.keras"  # the suffix tells Keras what it is
        named.symlink_to(Path(path).resolve())
        model = keras.saving.load_model(named, compile=False)
        results = _computed(model, lstm, inputs)
    return Verdict(f"Keras {keras.__version__} on {keras.backend.backend()}", results)


def _computed(model: Any, lstm: Portable, inputs: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401  # of Keras
    """The output and the last states of the model's layers, each with its initial states."""
    import keras

    tensor, numpy = keras.ops.convert_to_tensor, keras.ops.convert_to_numpy
    first, each = lstm.config.batch_first, 2 * lstm.config.num_directions
    x = tensor(np.ascontiguousarray(inputs["input"] if first else inputs["input"].swapaxes(0, 1)))
    pairs = zip(inputs["h_0"], inputs["c_0"], strict=True)
    states = [tensor(np.ascontiguousarray(state)) for pair in pairs for state in pair]
    ends: list[Any] = []
    for number, layer in enumerate(model.layers):
        for part in (layer, getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)):
            part.return_state = True
        x, *own = layer(x, initial_state=states[number * each : (number + 1) * each])
        ends += own
    output, *arrays = (np.asarray(numpy(item)) for item in (x, *ends))
    output = output if first else output.swapaxes(0, 1)
    return {"output": output, "h_n": np.stack(arrays[::2]), "c_n": np.stack(arrays[1::2])}


TARGET: Final = Target(
    "keras",
    "Keras 3",
    (".keras",),
    several=False,
    check=_check,
    write=_write,
    load=_load,
    run=_run,
    notes=_notes,
)
WEIGHTS: Final = TARGET._replace(
    title="weights of Keras 3", suffixes=(".weights.h5",), write=_write_weights, load=_load_weights, run=None
)
