"""One LSTM of Keras, from its configuration: its framework, its settings, the sizes of its input.

Not here: the meaning of its arguments (`frameworks.constructors`).
"""

from collections.abc import Mapping

from lstmcalc.errors import shorten
from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import CONSTRUCTORS, Given, read_arguments
from lstmcalc.readers.found import Found
from lstmcalc.readers.keras.array_places import Home, array_path
from lstmcalc.readers.keras.cores import Core, Wrapper
from lstmcalc.readers.keras.graphs import Flow
from lstmcalc.readers.keras.layers import SHAPE_KEYS, Document, Layer, plain_value, shape_path
from lstmcalc.spec.activations import default_gates
from lstmcalc.spec.provenance import Gap, Origin, Setting


class LSTMReader:
    """Reads each LSTM of one document.

    Args:
        document: The document.
        version: The version of Keras that it states; empty if it states none.
    """

    def __init__(self, document: Document, version: str) -> None:
        self._document = document
        self._version = version
        self._major = version[:1]

    def lstm(self, layer: Layer, core: Core, flow: Flow, home: Home, wrapper: Wrapper | None) -> Found:
        """One LSTM."""
        outer = wrapper.layer if wrapper else layer
        framework = self.framework(layer, core)
        where = self._document.line(outer.spot) or None
        reading = read_arguments(
            _constructor(framework, core.kind), self._given_arguments(layer, framework, core), where
        )
        if "hidden_size" not in reading.layer:
            raise self._document.error(layer, f"this {layer.kind} has no size", '"units", e.g. 20')
        gates, odd = self._gates_by_default(framework, core)
        name = ".".join(part for part in (*home.names, outer.name or "lstm", core.suffix) if part)
        path, _ = array_path(framework, outer, core, home, wrapper)
        found = Found(
            name=name,
            framework=framework,
            text=f"{wrapper.layer.kind}({core.text})" if wrapper else core.text,
            where=where,
            layer=reading.layer,
            pointers={"": self._document.pointer(outer.spot), **reading.pointers},
            gaps=reading.gaps,
            reads=flow.stream.reads,
            options={**reading.options, **gates, **({"merge_mode": wrapper.merge_mode} if wrapper else {})},
            notes=reading.notes,
            unmodelled=(*reading.unmodelled, *odd, *(wrapper.different if wrapper else ())),
            path=path,
            kind=core.source_kind if core.source_kind in ("CuDNNLSTM", "LSTMCell") else "LSTM",
        )
        return self._with_data(found, outer, flow, both=wrapper is not None)

    def _gates_by_default(self, framework: str, core: Core) -> tuple[dict[str, str | None], tuple[str, ...]]:
        """The gates' function as an option, and the objection to it, if the configuration states none; else nothing."""
        name = "inner_activation" if framework == "keras1" else "recurrent_activation"
        gates = default_gates(framework, self._version)
        if name in core.config or gates == "sigmoid":
            return {}, ()
        return {name: gates}, (f"{name} = {shorten(gates)}",) if gates else ()

    def _given_arguments(self, layer: Layer, framework: str, core: Core) -> dict[str, Given]:
        """The arguments that the constructor knows, each with its place."""
        constructor = _constructor(framework, core.kind)
        given = {}
        for key, value in core.config.items():
            if key not in constructor.arguments or key in SHAPE_KEYS:
                continue
            field = constructor.fields.get(key, "dtype")
            if (field != "dtype" and isinstance(value, Mapping | list)) or (field == "hidden_size" and value is None):
                what = f"{key} of this {layer.kind} is not a number"
                raise self._document.error_at(core.paths[key], what, found=shorten(value))
            given[key] = Given(plain_value(value), self._document.pointer(core.paths[key]))
        return given

    def _with_data(self, found: Found, layer: Layer, flow: Flow, *, both: bool) -> Found:
        """The LSTM with the sizes of its input: input_size, and those of the data that are fixed."""
        stream = flow.stream
        if found.options.get("time_major") is True:
            stream = stream._replace(seq_len=stream.batch, batch=stream.seq_len)
        origin = Origin("source", found.where, "stated" if flow.stated else "inferred")
        sizes = {"input_size": stream.features, "seq_len": stream.seq_len, "batch": stream.batch}
        read = {
            field: Setting(size, origin)
            for field, size in sizes.items()
            if size is not None and field not in found.layer
        }
        if both:
            read["bidirectional"] = Setting(True, origin._replace(certainty="stated"))
        spot = shape_path(layer) if flow.stated else layer.spot
        pointers = {field: self._document.pointer(spot) for field in read}
        settings = {**found.layer, **read}
        gaps = {} if "input_size" in settings else {"input_size": Gap("nothing: Keras takes it from the data")}
        return found._replace(layer=settings, pointers={**found.pointers, **pointers}, gaps={**found.gaps, **gaps})

    def framework(self, layer: Layer, core: Core) -> str:
        """The framework of a layer: by the document's version, else by keys that only one of them writes."""
        if core.kind == "CuDNNLSTM":
            return "keras-cudnn"
        if self._major == "1" or "output_dim" in core.config or "inner_activation" in core.config:
            return "keras1"
        if self._major:
            return "keras2" if self._major == "2" else "keras"
        if "implementation" in core.config or "time_major" in core.config:
            return "keras2"
        typed = isinstance(core.config.get("dtype"), Mapping) or "zero_output_for_mask" in core.config
        return "keras" if typed or "module" in layer.node or "registered_name" in layer.node else "keras2"


def _constructor(framework: str, kind: str) -> Constructor:
    """The constructor of a kind of layer in a framework."""
    return next(
        each
        for each in CONSTRUCTORS
        if each.framework == framework and any(name.rpartition(".")[2] == kind for name in each.names)
    )
