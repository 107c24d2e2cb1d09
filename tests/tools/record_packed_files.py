"""Record models in other files, as the real libraries write them, with what their LSTMs compute, for the plain tests.

    KERAS_BACKEND=torch PYTHONPATH=tests:. python -m tools.record_packed_files

writes `tests/data/weights/packed.zip`: files of joblib in each of its compressions, models of Keras in pickles, a policy
of sb3-contrib, and sharded weights of Keras; and `expected.npz` with an input `x` and an output `y`, as `FILE|LSTM|x`. It
runs where torch 2.13.0, keras 3.15.1, joblib 1.6.0, scikit-learn 1.9.1, scikeras 0.13.0, stable_baselines3 2.9.2 and
sb3_contrib 2.9.2 are installed, as for the files that are kept.
"""

import os
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tools.record_weight_files import Expected, pack, rows

JOBLIB = {"": 0, ".z": 3, ".gz": ("gzip", 3), ".bz2": ("bz2", 3), ".xz": ("xz", 3), ".lzma": ("lzma", 3)}


def record_joblib(folder: Path) -> Expected:
    """A state dict as arrays, one in columns, beside arrays of objects, of text and of records."""
    import joblib
    import torch

    torch.manual_seed(1)
    lstm = torch.nn.LSTM(3, 4, bidirectional=True, batch_first=True)
    arrays: dict[str, Any] = {name: value.numpy() for name, value in lstm.state_dict().items()}
    arrays["weight_ih_l0"] = np.asfortranarray(arrays["weight_ih_l0"])
    held = {
        "words": np.array(["ab", "c"]),
        "rnn": arrays,
        "objects": np.array([np.arange(3.0), None], object),
        "records": np.zeros(2, [("a", "f4"), ("b", "O")]),
    }
    x = rows(3)
    y = lstm(torch.from_numpy(x))[0].detach().numpy()
    expected: Expected = {}
    for suffix, way in JOBLIB.items():
        joblib.dump(held, folder / f"state.joblib{suffix}", compress=way)
        expected |= {f"state.joblib{suffix}|rnn|x": x, f"state.joblib{suffix}|rnn|y": y}
    return expected


def record_keras(folder: Path) -> Expected:
    """A model as a pickle, in SciKeras' wrapper as joblib's, as HDF5 in a pickle, and as shards."""
    import joblib
    import keras
    from scikeras.wrappers import KerasRegressor

    keras.utils.set_random_seed(2)
    layers = [
        keras.layers.Input((5, 3)),
        keras.layers.LSTM(4, return_sequences=True, bias_initializer="uniform", name="enc"),
        keras.layers.LSTM(12, name="dec"),
    ]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    (folder / "keras.pkl").write_bytes(pickle.dumps(model))
    x = rows(3)
    y = keras.Model(model.inputs[0], model.layers[0].output)(x).detach().numpy()
    model.save(folder / "a.h5")
    (folder / "hdf5.pkl").write_bytes(pickle.dumps({"a": [(folder / "a.h5").read_bytes()], "scale": np.ones(3)}))
    (folder / "a.h5").unlink()
    model.save_weights(folder / "shards.weights.json", max_shard_size=2.5e-6)
    fitted = KerasRegressor(model, epochs=1, verbose=0).fit(x, np.zeros((3, 12)))  # which trains this model
    joblib.dump(fitted, folder / "scikeras.joblib", 3)
    return {f"{name}|enc|{what}": array for name in ("keras.pkl", "hdf5.pkl") for what, array in (("x", x), ("y", y))}


def record_policy(folder: Path) -> Expected:
    """A policy with an LSTM, as sb3-contrib saves it."""
    import torch
    from sb3_contrib import RecurrentPPO

    kwargs = {"lstm_hidden_size": 6, "n_lstm_layers": 2, "net_arch": [4]}
    model = RecurrentPPO("MlpLstmPolicy", "CartPole-v1", n_steps=8, batch_size=8, policy_kwargs=kwargs, seed=0)
    model.save(folder / "ppo.zip")
    x = rows(4)
    with torch.no_grad():
        y = model.policy.lstm_actor.cpu()(torch.from_numpy(x))[0].numpy()
    return {"ppo.zip|lstm_actor|x": x, "ppo.zip|lstm_actor|y": y}


def main() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with TemporaryDirectory() as name:
        folder = Path(name)
        pack("packed", folder, {**record_joblib(folder), **record_keras(folder), **record_policy(folder)})


if __name__ == "__main__":
    main()
