"""LSTMs as C headers: compiled strictly, run, and held against float64; hostile names; numbers kept to the bit."""

import io
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.errors import LstmcalcError, SourceError, TooLargeError, UnsupportedError
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.writers import c_runs
from lstmcalc.writers.c import TARGET
from lstmcalc.writers.names import identifier
from lstmcalc.writers.target import Asked, Portable
from tools.weight_writers import full_weights

COMPILER = c_runs.compiler()
compiled = pytest.mark.skipif(not COMPILER, reason="no C compiler (cc, gcc, clang) is installed")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow", "-Wdouble-promotion"]
NEAR = {"float32": 1e-6, "float64": 1e-12, "float16": 4e-3}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def portable(config: LSTMConfig, dtype: str = "float32", name: str = "encoder.rnn", **fields: Any) -> Portable:
    weights = {key: 0.5 * array.astype(dtype) for key, array in full_weights(config).items()}
    return Portable(name, config, weights, **fields)


def written(lstm: Portable, path: str = "lstm.h") -> str:
    TARGET.check([lstm], Asked(path))
    with Path(path).open("w+b") as file:
        TARGET.write(file, [lstm], Asked(path))
    return Path(path).read_text("ascii")


def compile_strictly(name: str = "main.c", *flags: str, program: str = COMPILER) -> None:
    done = subprocess.run(
        [program, *(flags or STRICT), name, "-o", "main", "-lm"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:2000]


def drawn(config: LSTMConfig, data: DataSpec) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    steps, cells = [data.seq_len, data.num_sequences], config.num_layers * config.num_directions
    order = steps[::-1] if config.batch_first else steps
    shapes = {
        "input": [*order, config.input_size],
        "h_0": [cells, steps[1], config.output_size],
        "c_0": [cells, steps[1], config.hidden_size],
    }
    return {name: rng.normal(size=shape).astype(data.dtype) for name, shape in shapes.items()}


def apart(lstm: Portable, inputs: dict[str, Any], data: DataSpec) -> float:
    """How far the compiled header is from float64."""
    assert TARGET.run is not None
    verdict = TARGET.run("lstm.h", lstm, data, inputs)
    assert verdict is not None
    exact = {name: array.astype(np.float64) for name, array in {**lstm.weights, **inputs}.items()}
    weights = {name: exact[name] for name in lstm.weights}
    state = exact["h_0"], exact["c_0"]
    output, (h_n, c_n) = forward(lstm.config, weights, exact["input"], state, activations=lstm.activations)
    wanted = {"output": output, "h_n": h_n, "c_n": c_n}
    assert {name: array.shape for name, array in verdict.outputs.items()} == {
        name: array.shape for name, array in wanted.items()
    }
    return max(float(np.abs(verdict.outputs[name] - wanted[name]).max()) for name in wanted)


CASES = [
    LSTMConfig(3, 4),
    LSTMConfig(1, 1, 2, bias=False),
    LSTMConfig(5, 4, 3, batch_first=True, proj_size=2),
    LSTMConfig(3, 4, bidirectional=True, batch_first=True),
    LSTMConfig(3, 4, 2, bidirectional=True, bias=False),
    LSTMConfig(3, 5, 3, bidirectional=True, proj_size=2),
]


@compiled
@pytest.mark.parametrize(
    ("config", "dtype"),
    [*((config, "float32") for config in CASES), (CASES[2], "float64"), (CASES[5], "float64"), (CASES[4], "float16")],
    ids=str,
)
def test_it_compiles_without_a_word_and_computes_the_same(config: LSTMConfig, dtype: str) -> None:
    lstm, data = portable(config, dtype), DataSpec(6, 3, dtype=dtype)
    written(lstm)
    Path("main.c").write_text("\n".join(TARGET.load([lstm], Asked("lstm.h"))) + "\n")
    compile_strictly()
    assert subprocess.run(["./main"], check=False).returncode == 0
    assert apart(lstm, drawn(config, data), data) < NEAR[dtype]


@compiled
@pytest.mark.parametrize(
    "functions",
    [
        Activations("hard_sigmoid:0.2", "relu"),
        Activations("hard_sigmoid:1/6", "tanh"),
        Activations(cell_clip=0.5, proj_clip=0.25, gate_clip=0.75),
    ],
)
def test_other_functions(functions: Activations) -> None:
    lstm, data = portable(LSTMConfig(3, 4, 2, proj_size=3), activations=functions), DataSpec(5, 2)
    written(lstm)
    inputs = drawn(lstm.config, data)
    assert apart(lstm, inputs, data) < 1e-6
    assert apart(lstm._replace(activations=PYTORCH), inputs, data) > 1e-3
    Path("main.c").write_text("\n".join(TARGET.load([lstm], Asked("lstm.h"))) + "\n")
    compile_strictly()


@compiled
@pytest.mark.parametrize("wrong", ["gates", "transposed", "no bias", "directions", "layers"])
def test_what_is_wrong_in_the_file_is_seen(wrong: str) -> None:
    config = LSTMConfig(4, 4, 2, bidirectional=True)
    lstm, data = portable(config), DataSpec(5, 2)
    weights = dict(lstm.weights)
    if wrong == "gates":
        weights["weight_hh_l0"] = np.concatenate(
            [np.split(weights["weight_hh_l0"], 4)[index] for index in (0, 1, 3, 2)]
        )
    elif wrong == "transposed":
        parts = [part.T for part in np.split(weights["weight_hh_l0"], 4)]
        weights["weight_hh_l0"] = np.concatenate(parts)
    elif wrong == "no bias":
        weights["bias_hh_l1"] = 0 * weights["bias_hh_l1"]
    elif wrong == "directions":
        one, two = "weight_ih_l0", "weight_ih_l0_reverse"
        weights[one], weights[two] = weights[two], weights[one]
    else:
        one, two = "weight_hh_l0", "weight_hh_l1"
        weights[one], weights[two] = weights[two], weights[one]
    written(lstm._replace(weights=weights))
    assert apart(lstm, drawn(config, data), data) > 1e-3


@compiled
def test_two_modules_in_one_program_and_in_cpp() -> None:
    one, two = (
        portable(LSTMConfig(3, 4), name="encoder"),
        portable(LSTMConfig(4, 2, 2, bidirectional=True), name="décodeur"),
    )
    written(one, "one.h")
    written(two, "two.h")
    main = [line for lstm, path in ((one, "one.h"), (two, "two.h")) for line in TARGET.load([lstm], Asked(path))]
    bodies = (
        "\n".join(main)
        .replace("int main(void)", "static int one(void)", 1)
        .replace("int main(void)", "static int two(void)", 1)
    )
    again = '#include "one.h"\n'  # the guard
    Path("main.c").write_text(f"{bodies}\n{again}int main(void) {{ return one() + two(); }}\n")
    compile_strictly()
    in_c = subprocess.run(["./main"], check=False).returncode
    Path("main.cpp").write_text(Path("main.c").read_text())
    compile_strictly("main.cpp", "-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic")
    in_cpp = subprocess.run(["./main"], check=False).returncode
    assert (in_c, in_cpp) == (0, 0)


HOSTILE = [
    *("*/ int evil; /*", "a??/", "back\\", "line\nbreak", 'quo"te', "\x1b[31m", "雪", "", "int", "3d", "_", "x" * 500),
    *("//", "#include <x>", "%s%n", "a.b/c-d", "NULL", "\ud800"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_gets_out_of_its_place(name: str) -> None:
    text = written(portable(LSTMConfig(2, 2), name=name))
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,37}", identifier(name))
    assert "evil;" not in text
    assert "??" not in text
    assert "\\" not in text
    assert text.count("*/") == text.count("/*")
    assert all(len(word) <= 63 for word in re.findall(r"\w+", text))


@compiled
def test_headers_of_any_name_compile_in_one_program() -> None:
    for number, name in enumerate(HOSTILE):  # those of one name have one guard
        written(portable(LSTMConfig(2, 2), name=name), f"{number}.h")
    included = "".join(f'#include "{number}.h"\n' for number in range(len(HOSTILE)))
    Path("main.c").write_text(f"{included}int main(void) {{ return 0; }}\n")
    compile_strictly()
    assert subprocess.run(["./main"], check=False).returncode == 0


def test_the_lines_name_the_file() -> None:
    lstm = portable(LSTMConfig(2, 2))
    for path, shown in (("a/b c.h", "b c.h"), ('x"y.h', "lstm.h"), ("a\\b.h", "lstm.h"), ("a\n.h", "lstm.h")):
        assert TARGET.load([lstm], Asked(path))[0] == f'#include "{shown}"'


@pytest.mark.parametrize("dtype", NEAR)
def test_numbers_are_read_back_to_the_bit(dtype: str) -> None:
    lstm = portable(LSTMConfig(3, 4, 2, bidirectional=True, proj_size=2), dtype)
    kind = np.finfo(dtype)
    odd: list[Any] = [
        kind.max,
        kind.min,
        kind.tiny,
        kind.smallest_subnormal,
        -kind.smallest_subnormal,
        0.0,
        -0.0,
        1.0,
        0.1,
        1e-3,
    ]
    lstm.weights["weight_ih_l0"].reshape(-1)[: len(odd)] = odd
    written(lstm)
    assert TARGET.read is not None
    (found,) = TARGET.read("lstm.h", [lstm])
    wide = np.promote_types(dtype, np.float32)
    for name, array in lstm.weights.items():
        wanted = array
        if name.startswith("bias_ih"):
            second = lstm.weights[name.replace("_ih", "_hh")]
            wanted = (array.astype(wide) + second.astype(wide)).astype(dtype)
        elif name.startswith("bias_hh"):
            wanted = np.zeros_like(array)
        assert found[name].tobytes() == wanted.tobytes(), name
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype)


@compiled
def test_the_compiler_reads_them_to_the_bit_too() -> None:
    lstm = portable(LSTMConfig(3, 4))
    values = np.random.default_rng(0).integers(0, 2**32, 48, np.uint32).view(np.float32)
    lstm.weights["weight_ih_l0"].reshape(-1)[:] = np.where(np.isfinite(values), values, np.float32(1e-45))
    written(lstm)
    Path("main.c").write_text(
        '#include <stdio.h>\n#include "lstm.h"\nint main(void)\n{\n'
        "    fwrite(encoder_rnn_weight_ih_l0, sizeof encoder_rnn_weight_ih_l0, 1, stdout);\n    return 0;\n}\n"
    )
    compile_strictly()
    done = subprocess.run(["./main"], capture_output=True, check=True)
    assert done.stdout == lstm.weights["weight_ih_l0"].tobytes()


def test_the_head_says_what_it_takes() -> None:
    head = written(portable(LSTMConfig(3, 4, 2))).partition("*/")[0]
    numbers = 16 * 3 + 16 * 4 + 16 + 2 * 16 * 4 + 16
    assert f"flash     {4 * numbers:,} bytes of weights, {numbers} numbers" in head
    assert "RAM       64 bytes, a encoder_rnn_state" in head
    assert "encoder_rnn_step(&state, x, y); // for each step" in head
    both = written(portable(LSTMConfig(3, 4, 2, bidirectional=True), "float64")).partition("*/")[0]
    assert "RAM       256 bytes" in both
    assert "work      64 bytes for each step" in both


@compiled
def test_the_sizes_of_the_head_are_those_of_the_compiler() -> None:
    for config in CASES[-1:]:
        for dtype in ("float32", "float64"):
            text = written(portable(config, dtype))
            arrays = " + ".join(f"sizeof {name}" for name in re.findall(r"static const \w+ (\w+)\[", text))
            Path("main.c").write_text(
                f'#include <stdio.h>\n#include "lstm.h"\nint main(void)\n{{\n'
                f'    printf("%lu %lu", (unsigned long) ({arrays}), (unsigned long) sizeof(encoder_rnn_state));\n'
                f"    return 0;\n}}\n"
            )
            compile_strictly("main.c", "-std=c99")
            flash, ram = subprocess.run(["./main"], capture_output=True, text=True, check=True).stdout.split()
            assert f"flash     {int(flash):,} bytes" in text
            assert f"RAM       {int(ram):,} bytes" in text


def test_what_c_cannot_have_is_refused() -> None:
    for value in (np.nan, np.inf):
        lstm = portable(LSTMConfig(3, 4))
        lstm.weights["weight_hh_l0"][1, 1] = value
        with pytest.raises(UnsupportedError, match=r"weight_hh_l0 of encoder\.rnn has NaN or Inf"):
            TARGET.check([lstm], Asked("a.h"))
    lstm = portable(LSTMConfig(3, 4))
    for name in ("bias_ih_l0", "bias_hh_l0"):
        lstm.weights[name][0] = np.finfo("float32").max
    with np.errstate(over="ignore"), pytest.raises(UnsupportedError, match="infinite"):
        TARGET.check([lstm], Asked("a.h"))
    with pytest.raises(TooLargeError) as caught:
        TARGET.check([lstm._replace(config=LSTMConfig(4096, 4096))], Asked("a.h"))
    assert caught.value.where == "--to c"


def test_a_header_of_someone_else_is_refused() -> None:
    lstm = portable(LSTMConfig(3, 4))
    text = written(lstm)
    assert TARGET.read is not None
    digits = re.search(r"-?0\.\d{5,}", text)
    assert digits
    for damaged in (text[: len(text) // 4], text.replace(digits[0], "x", 1), text.replace("f,", "f", 1), "", "é"):
        Path("lstm.h").write_text(damaged)
        with pytest.raises(SourceError):
            TARGET.read("lstm.h", [lstm])


def test_without_a_compiler_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    lstm, data = portable(LSTMConfig(3, 4)), DataSpec(3, 2)
    written(lstm)
    assert TARGET.run is not None
    inputs = drawn(lstm.config, data)
    assert TARGET.run("lstm.h", lstm, replace(data, lengths=(3, 1)), inputs) is None
    monkeypatch.setattr(c_runs, "COMPILERS", ("no-such-compiler",))
    assert TARGET.run("lstm.h", lstm, data, inputs) is None


@compiled
def test_a_compiler_that_fails_says_so() -> None:
    lstm, data = portable(LSTMConfig(3, 4)), DataSpec(3, 2)
    text = written(lstm)
    Path("lstm.h").write_text(text.replace("static inline", "static online", 1))
    assert TARGET.run is not None
    with pytest.raises(LstmcalcError, match="failed"):
        TARGET.run("lstm.h", lstm, data, drawn(lstm.config, data))


@compiled
@pytest.mark.parametrize("first", [True, False])
def test_one_sequence_without_a_batch(first: bool) -> None:
    lstm = portable(LSTMConfig(3, 4, 2, bidirectional=True, batch_first=first))
    written(lstm)
    batch = drawn(lstm.config, DataSpec(5, 1))
    alone = {name: array[0] if name == "input" and first else array[:, 0] for name, array in batch.items()}
    assert apart(lstm, alone, DataSpec(5, None)) < 1e-6


def test_the_notes() -> None:
    assert list(TARGET.notes([portable(LSTMConfig(3, 4, bias=False))])) == []
    assert list(TARGET.notes([portable(LSTMConfig(3, 4))])) == ["b_ih + b_hh is stored, as one sum"]
    assert "float16" in TARGET.notes([portable(LSTMConfig(3, 4), "float16")])[1]


def test_it_is_the_same_each_time() -> None:
    lstm, found = portable(LSTMConfig(3, 4)), set()
    for _ in range(2):
        with io.BytesIO() as stream:
            TARGET.write(stream, [lstm], Asked("a.h"))
            found.add(stream.getvalue())
    assert len(found) == 1
