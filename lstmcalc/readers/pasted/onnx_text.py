"""LSTM nodes in the texts that the package onnx 1.23.2, and an export of PyTorch with verbose=True, print of a graph.

    %y, %h, %c = LSTM[direction = 'bidirectional', hidden_size = 20](%x, %W, %R, %B)      helper.printable_graph
    y, h, c = LSTM <direction: string = "bidirectional", hidden_size: int = 20> (x, W, R, B)      printer.to_text
    %y : Float(7, 1, 4, 20), %h : ... = onnx::LSTM[hidden_size=20](%x, %W, %R, %B)        torch 1.8 to 1.13
    op_type: "LSTM"      str(node), with its inputs before and its attributes after

The input's size is that of W, where the text has its shape. Each node is one layer, whatever exported it.

Not here: ONNX files (`readers.onnx`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from lstmcalc.errors import NoLstmError, TooLargeError, printable
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.lines import without_ahead, without_escapes
from lstmcalc.readers.text.source_text import Pointers, SourceText, Span
from lstmcalc.spec.provenance import Gap, Origin, Setting

_NODE: Final = re.compile(r"= ?(?:onnx::)?LSTM ?(?:\[([^\]\n]{0,600}+)\]|<([^>\n]{0,600}+)>) ?\(([^()\n]{0,900}+)\)")
_OUTPUT: Final = re.compile(r"%([^\s,%]++)|(?:^|\s)\"?([\w./:]++)\"?(?=,| ?$)")
_INITIALIZER: Final = re.compile(r"%([^\s\[\]%,]{1,300}+)\[FLOAT(?:16)?, (\d{1,200}+(?:x\d{1,200}+){1,4}+)\]")
_TYPED: Final = re.compile(
    r"\bfloat(?:16)?\[(\d{1,200}+(?:, ?\d{1,200}+){1,4}+)\] ?(\"[^\"\n]{1,300}+\"|[\w.:/]{1,300}+)"
)
_OF_TORCH: Final = re.compile(
    r"%([^\s,%()]{1,300}+) : (?:Float|Half|Double)\((\d{1,200}+(?:, ?\d{1,200}+){1,4}+)(?=[,)])"
)
_DUMPED: Final = re.compile(r"op_type: \"LSTM\"")
_ATTRIBUTE: Final = re.compile(r"(?<!\w)(\w{1,200}+) ?(?:: ?\w{1,200}+ ?)?= ?[\"']?([\w.+-]{1,200}+)")
_FIELD: Final = re.compile(r"name: \"(\w{1,200}+)\"\s{1,200}+(?:i: (\d{1,200}+)|s: \"(\w{1,200}+)\")")
_MAX_NODES: Final = 10_000
_AROUND: Final = 3000  # characters of a dumped node before and after its type
_WEIGHTS, _BIAS = 1, 3  # the places of W and B among the inputs
_AXES: Final = 3  # of W: directions, rows, features


class _Node(NamedTuple):
    line: int
    output: str
    attributes: Mapping[str, str]
    inputs: tuple[str, ...]


def looks_like_onnx(text: str) -> bool:
    """True if a text has an LSTM node of a graph."""
    return bool(_DUMPED.search(text)) or ("LSTM" in text and any(map(_node_in, text.split("\n"))))


def _node_in(line: str) -> re.Match[str] | None:
    """The first node LSTM in a line: what follows its equals sign."""
    at = next((place for mark in ("= LSTM", "=LSTM", "= onnx::LSTM") if (place := line.find(mark)) >= 0), -1)
    return _NODE.match(line, at) if at >= 0 else None


def read_onnx_text(source: SourceText) -> list[Found]:
    """The LSTM nodes of a graph that is printed."""
    source = source.of([without_ahead(without_escapes(line)) for line in source.lines])
    shapes = {name: _sizes(text) for name, text in _INITIALIZER.findall(source.text)}
    shapes |= {name.strip('"'): _sizes(text) for text, name in _TYPED.findall(source.text)}
    shapes |= {name: _sizes(text) for name, text in _OF_TORCH.findall(source.text)}
    nodes = [*_printed(source), *_dumped(source)]
    if len(nodes) > _MAX_NODES:
        raise TooLargeError("too many LSTM nodes", f"at most {_MAX_NODES:,}", f"{len(nodes):,}")
    found = [_found(node, shapes, source) for node in nodes if node.attributes.get("hidden_size", "").isdecimal()]
    if not found:
        raise NoLstmError(
            f"no LSTM is recognised in {source.name or 'the graph'}",
            "a node LSTM with its attribute hidden_size",
            f"{len(nodes)} nodes of that type without it",
        )
    return found


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))


def _printed(source: SourceText) -> Iterator[_Node]:
    for number, line in enumerate(source.lines, 1):
        node = _node_in(line)
        if node:
            output = _OUTPUT.search(line[: node.start()])
            inputs = tuple(part.strip().lstrip("%").strip('"') for part in node[3].split(","))
            attributes = dict(_ATTRIBUTE.findall(node[1] or node[2] or ""))
            yield _Node(number, (output[1] or output[2]) if output else "", attributes, inputs)


def _dumped(source: SourceText) -> Iterator[_Node]:
    """The nodes as a protobuf prints them: inputs before the type, attributes after it."""
    line, counted = 1, 0
    for match in _DUMPED.finditer(source.text):
        line += source.text.count("\n", counted, match.start())
        counted = match.start()
        before = source.text[max(0, match.start() - _AROUND) : match.start()]
        before = before[max(before.rfind("node {"), before.rfind("op_type:"), 0) :]
        after = source.text[match.end() : match.end() + _AROUND]
        end = min([place for mark in ("node {", "op_type:") if (place := after.find(mark)) >= 0], default=len(after))
        attributes = {name: number or word for name, number, word in _FIELD.findall(after[:end])}
        inputs = tuple(re.findall(r"input: \"([^\"\n]*+)\"", before))
        named = re.findall(r"(?<!\w)name: \"([^\"\n]++)\"", before) or re.findall(r"output: \"([^\"\n]++)\"", before)
        yield _Node(line, named[0] if named else "", attributes, inputs)


def _found(node: _Node, shapes: Mapping[str, tuple[int, ...]], source: SourceText) -> Found:
    place = source.place(node.line) or None
    weights = shapes.get(node.inputs[_WEIGHTS], ()) if len(node.inputs) > _WEIGHTS else ()
    direction = node.attributes.get("direction", "forward")
    values: dict[str, tuple[int | bool, str]] = {
        "hidden_size": (int(node.attributes["hidden_size"]), "stated"),
        "bidirectional": (direction == "bidirectional", "stated"),
        "bias": (len(node.inputs) > _BIAS and bool(node.inputs[_BIAS]), "stated"),
    }
    if len(weights) == _AXES and weights[1] == 4 * values["hidden_size"][0]:
        values["input_size"] = (weights[2], "inferred")
    if node.attributes.get("layout") == "1":
        values["batch_first"] = (True, "stated")
    gaps = {} if "input_size" in values else {"input_size": Gap("the text has no shape of W")}
    name = re.sub(r"_output_\d+$", "", node.output).strip("/").replace("/", ".")
    return Found(
        printable(name) or "lstm",
        "onnx",
        " ".join(source.lines[node.line - 1].split())[:200],
        place,
        {field: Setting(value, Origin("source", place, certainty)) for field, (value, certainty) in values.items()},
        Pointers(source, {"": Span(node.line, 0, 100), "input_size": Span(node.line, 0, 100)}),
        gaps,
        unmodelled=("direction = 'reverse'",) if direction == "reverse" else (),
    )
