"""Instances that one place of the code makes: each is told apart from the others."""

from pathlib import Path

import pytest

from lstmcalc.readers.found import Found
from lstmcalc.readers.sources import read_source

LOOP = """import torch
from torch import nn
def make(width=7):
    return nn.LSTM(width, 7)
first = make(8)
while torch.cuda.is_available():
    more = make()
"""
TWICE = """import keras
from keras import layers
def build(n):
    parts = [layers.Input((12, 9)), layers.LSTM(n, return_sequences=True), layers.LSTM(4)]
    model = keras.Sequential(parts)
models = [build(n) for n in (3, 2)]
"""


def found_in(code: str, folder: Path) -> list[Found]:
    path = folder / "code.py"
    path.write_text(code)
    return read_source(str(path), {})


def test_a_certain_one_does_not_stand_for_those_of_a_loop(tmp_path: Path) -> None:
    found = found_in(LOOP, tmp_path)
    assert [(item.layer["input_size"].value, not item.uncertain) for item in found] == [(8, True), (7, False)]


def test_the_second_of_two_stacks_reads_its_own_first_layer(tmp_path: Path) -> None:
    found = found_in(TWICE, tmp_path)
    assert [item.layer["input_size"].value for item in found] == [9, 3, 9, 2]
    assert (found[1].reads, found[3].reads) == (found[0].name, found[2].name)
    assert found[0].name != found[2].name


def test_what_a_generator_writes_again_is_not_taken_for_what_was_there(tmp_path: Path) -> None:
    code = (
        "from torch import nn\na = b = 4\ndef steps():\n    yield 5\n    globals()['b'] = a\n    yield 7\n"
        "for step in steps():\n    a = 2\nnn.LSTM(1, b)\n"
    )
    assert "hidden_size" in found_in(code, tmp_path)[0].gaps


def test_an_attribute_is_set_on_whichever_function_it_is(tmp_path: Path) -> None:
    head = "from torch import nn\nfrom outside import flag\ndef g(): pass\ndef h(): pass\ng.n = h.n = 6\n"
    for body in (
        "f = g if flag else h\nf.n = 8\n",
        "f = g if flag else h\nsetattr(f, 'n', 8)\n",
        "(g if flag else h).n += 2\n",
    ):
        assert "input_size" in found_in(f"{head}{body}nn.LSTM(g.n, 2)\n", tmp_path)[0].gaps
    code = "from torch import nn\nfrom outside import flag\nif flag:\n    def f():\n        f.n += 2\n        return f.n\n    f.n = 6\nnn.LSTM(f(), 2)\n"
    assert "input_size" in found_in(code, tmp_path)[0].gaps


@pytest.mark.parametrize(
    "items",
    [
        "(6 // x for x in [2, 0])",
        "map(lambda x: 6 // x, [2, 0])",
        "filter(None, (6 // x for x in [2, 0]))",
        "made()",
        "zip(made(), [1])",
    ],
)
@pytest.mark.parametrize(
    "take", ["h = next(iter({}))", "for h in {}:\n    break", "h, *_ = [item for item, _ in zip({}, [1])]"]
)
def test_what_an_iterator_raises_later_does_not_keep_its_first_item(items: str, take: str, tmp_path: Path) -> None:
    made = "def made():\n    yield 3\n    raise ValueError\n"
    code = f"from torch import nn\nh = 7\n{made}{take.format(items)}\nnn.LSTM(h, 2)\n"
    (found,) = found_in(code, tmp_path)
    assert "input_size" in found.gaps or found.layer["input_size"].value in (3, (3, 1))


def test_an_iterator_that_raises_at_once_raises_when_it_is_asked(tmp_path: Path) -> None:
    code = (
        "from torch import nn\ndef made():\n    raise ValueError\n    yield 3\n"
        "h = 5\ntry:\n    h = next(made())\nexcept ValueError:\n    h = 7\nnn.LSTM(h, 2)\n"
    )
    assert found_in(code, tmp_path)[0].layer["input_size"].value == 7
