"""The explanation of computing an LSTM in chunks, as a stream is, and the loop for four programs.

Sources: `torch.nn.LSTM`, torch 2.13.0; `stateful` and `reset_state` of Keras 3.15.1 (keras/src/layers/rnn/rnn.py). The
tests execute every loop. `lstmcalc run --chunks` proves what is said, for the LSTM at hand.
"""

from collections.abc import Iterator

from lstmcalc.intake.subject import Subject


def streaming_facts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Sentences on chunks, each with its label."""
    config = subject.config
    if config.bidirectional:
        yield "here", "not with this LSTM: every output needs the last step"
        yield "why", "its reverse direction begins there"
        yield "instead", "an LSTM in one direction, or windows of steps, whose last steps lack what comes after them"
        return
    yield "how", "(h_n, c_n) of a chunk is (h_0, c_0) of the next"
    yield "why", "chunks of any steps then give what one pass gives; without it each begins with zeros"
    yield "proof", "lstmcalc run --chunks 1,7,3"
    if subject.data.lengths:
        yield "lengths", "a sequence that has ended keeps its state: the next chunk is of the others alone"
    yield "Keras", "stateful=True keeps the state in the layer until reset_state(), for a batch of one size"
    yield "training", "state = tuple(part.detach() for part in state) between chunks: gradients end there"
    if config.proj_size:
        yield "projection", "Keras and the LSTM of ONNX have none"
    for item in subject.found.unmodelled if subject.found else ():
        yield "note", f"the source has {item}: these loops are without it"


def streaming_code(subject: Subject) -> Iterator[tuple[str, str]]:
    """The loop for each program that can run the LSTM, and the program's name; none if it does not stream."""
    if subject.config.bidirectional:
        return
    yield _pytorch(subject), "pytorch"
    if not subject.config.proj_size:
        yield _keras(subject), "keras"
        yield _onnxruntime(subject), "onnxruntime"
    yield _numpy(subject), "numpy"


def _shape(subject: Subject, *, first: bool) -> str:
    """The shape of a chunk of l steps, in the layout of PyTorch or with the batch `first`."""
    data, width = subject.data, subject.config.input_size
    if data.unbatched and not first:
        return f"(l, {width})"
    return f"({data.num_sequences}, l, {width})" if first else f"(l, {data.num_sequences}, {width})"


def _states(subject: Subject) -> tuple[str, str]:
    """The shapes of h and c of a batch, those of unbatched data as a batch of one."""
    config = subject.config
    rest = config.num_layers, subject.data.num_sequences
    return str((*rest, config.output_size)), str((*rest, config.hidden_size))


def _pytorch(subject: Subject) -> str:
    shape = _shape(subject, first=subject.config.batch_first and not subject.data.unbatched)
    return (
        "# PyTorch\n"
        "state = None  # zeros\n"
        "with torch.no_grad():\n"
        f"    for chunk in chunks:  # {shape} each\n"
        "        output, state = lstm(chunk, state)\n"
    )


def _keras(subject: Subject) -> str:
    config = subject.config
    options = "return_sequences=True, stateful=True" if config.bias else "use_bias=False, return_sequences=True"
    more = "" if config.bias else ", stateful=True"
    layer = f"keras.layers.LSTM({config.hidden_size}, {options}{more})"
    return (
        "# Keras: lstmcalc convert SOURCE -o lstm.keras\n"
        f"model = keras.Sequential([keras.Input(batch_shape={_keras_shape(subject)})])\n"
        f"for _ in range({config.num_layers}):\n"
        f"    model.add({layer})\n"
        'model.set_weights(keras.saving.load_model("lstm.keras").get_weights())\n'
        f"for chunk in chunks:  # {_shape(subject, first=True)} each\n"
        "    output = model(chunk)\n"
        "for layer in model.layers:\n"
        "    layer.reset_state()  # before another stream\n"
    )


def _keras_shape(subject: Subject) -> str:
    return f"({subject.data.num_sequences}, None, {subject.config.input_size})"


def _onnxruntime(subject: Subject) -> str:
    h, c = _states(subject)
    dtype = "np.float16" if subject.data.dtype == "float16" else "np.float32"
    return (
        "# ONNX Runtime: lstmcalc convert SOURCE --stateful -o lstm.onnx\n"
        'session = onnxruntime.InferenceSession("lstm.onnx")\n'
        f"h, c = np.zeros({h}, {dtype}), np.zeros({c}, {dtype})\n"
        f"for chunk in chunks:  # {_shape(subject, first=subject.config.batch_first)} each\n"
        '    feeds = {"input": chunk, "h_0": h, "c_0": c}\n'
        '    output, h, c = session.run(["output", "h_n", "c_n"], feeds)\n'
    )


def _numpy(subject: Subject) -> str:
    config = subject.config
    h, c = _states(subject)
    bias = '        a += w[f"bias_ih_l{n}"] + w[f"bias_hh_l{n}"]\n' if config.bias else ""
    projected = ' @ w[f"weight_hr_l{n}"].T' if config.proj_size else ""
    steps, axis = ("chunk.swapaxes(0, 1)", ", axis=1") if config.batch_first else ("chunk", "")
    return (
        "# NumPy: lstmcalc run SOURCE --save run.npz\n"
        'w = dict(np.load("run.npz"))\n'
        "def sigmoid(a):\n"
        "    return 0.5 + 0.5 * np.tanh(0.5 * a)\n"
        "def step(x, h, c):  # h and c become those of the next step\n"
        f"    for n in range({config.num_layers}):\n"
        '        a = x @ w[f"weight_ih_l{n}"].T + h[n] @ w[f"weight_hh_l{n}"].T\n'
        f"{bias}"
        "        i, f, g, o = np.split(a, 4, axis=-1)\n"
        "        c[n] = sigmoid(f) * c[n] + sigmoid(i) * np.tanh(g)\n"
        f"        h[n] = x = sigmoid(o) * np.tanh(c[n]){projected}\n"
        "    return x\n"
        f"h, c = np.zeros({h}), np.zeros({c})\n"
        f"for chunk in chunks:  # {_shape(subject, first=config.batch_first)} each\n"
        f"    output = np.stack([step(x, h, c) for x in {steps}]{axis})\n"
    )
