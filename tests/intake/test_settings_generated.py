"""Random code and configurations, run by Python and read by lstmcalc: the same sizes."""

from types import SimpleNamespace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcalc.readers.configurations.documents import read_tree
from lstmcalc.readers.configurations.names import NameValues
from lstmcalc.readers.configurations.values import TreePlaces
from lstmcalc.readers.python.configured import read_configured
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Known

KEYS = st.sampled_from(["hidden", "width", "layers", "net", "model", "enc", "size", "n"])
TREES = st.recursive(
    st.integers(1, 99), lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=4), max_leaves=9
)


class Config(dict[str, Any]):
    """A configuration as programs have it, by attribute and by item."""

    def __getattr__(self, name: str) -> Any:  # of any type
        return self[name]


def made(tree: Any) -> Any:  # of any type
    return Config({key: made(value) for key, value in tree.items()}) if isinstance(tree, dict) else tree


def paths_of(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:  # of any type
    if not isinstance(tree, dict):
        return [path]
    return [found for key, value in tree.items() for found in paths_of(value, (*path, key))]


@st.composite
def programs(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A configuration, and code that reads sizes from it in some of the ways that there are."""
    tree = draw(st.dictionaries(KEYS, TREES, min_size=1, max_size=4))
    paths = paths_of(tree)

    def expression() -> str:
        text = draw(st.sampled_from(["cfg", "self.cfg"]))
        for key in draw(st.sampled_from(paths)):
            text += draw(st.sampled_from([f".{key}", f"[{key!r}]", f".get({key!r})"]))
        return draw(st.sampled_from(["{}", "2 * {}", "{} + 1", "int({})"])).format(text)

    sizes = [expression() for _ in range(3)]
    lines = [f"        width = {sizes[0]}", f"        self.rnn = nn.LSTM(width, {sizes[1]}, num_layers={sizes[2]})"]
    start = [
        "import torch.nn as nn",
        "class Net(nn.Module):",
        "    def __init__(self, cfg):",
        "        super().__init__()",
    ]
    return tree, "\n".join([*start, "        self.cfg = cfg", *lines, "net = Net(cfg)", ""])


@settings(max_examples=40)
@given(programs())
def test_the_sizes_are_those_of_a_run(program: tuple[dict[str, Any], str]) -> None:
    tree, code = program
    calls: list[tuple[Any, ...]] = []
    torch = SimpleNamespace(
        Module=type("Module", (), {}), LSTM=lambda *args, num_layers: calls.append((*args, num_layers))
    )
    exec(code.replace("import torch.nn as nn\n", ""), {"nn": torch, "cfg": made(tree)})  # our own
    text = SourceText(yaml.safe_dump(tree), "c.yaml")
    values = read_tree(text, "yaml")
    (found,) = read_configured(SourceText(code, "m.py"), Known({}, NameValues(values, TreePlaces(values), "c.yaml")))
    said = tuple(found.layer[field].value for field in ("input_size", "hidden_size", "num_layers"))
    assert [said] == calls
    assert {found.layer[field].origin.source for field in ("input_size", "hidden_size")} == {"settings"}
