"""The functions of a C header: templates, in which a few words stand for the names of the module.

Not here: the numbers and the sizes (`c`).
"""

import re
from typing import NamedTuple

import numpy as np

from lstmcalc.spec.activations import HARD
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.writers.target import Portable


class Names(NamedTuple):
    """The names that a header gives its things."""

    own: str  # before functions, types and arrays: `encoder_rnn`
    macro: str  # before macros: `ENCODER_RNN`
    real: str  # `float` or `double`
    f: str  # behind constants and functions of that type: `f`, or nothing


def number_text(text: str, f: str) -> str:
    """A constant from digits: with a point or an exponent, and the letter of its type."""
    return f"{text}{f}" if "." in text or "e" in text else f"{text}.0{f}"


def _lines(template: str, names: Names, **more: str) -> list[str]:
    """The lines of a template: OWN, MACRO, REAL and FF stand for the names."""
    words = {"OWN": names.own, "MACRO": names.macro, "REAL": names.real, "FF": names.f, **more}
    pattern = re.compile("|".join(sorted(words, key=len, reverse=True)))
    return pattern.sub(lambda found: words[found[0]], template).split("\n")


def state_code(names: Names) -> list[str]:
    """The type of the state, and the function that sets it to zeros."""
    return _lines(
        """\
/* h and c of each layer, of each direction in it. */
typedef struct {
    REAL h[MACRO_NUM_CELLS][MACRO_H_SIZE];
    REAL c[MACRO_NUM_CELLS][MACRO_HIDDEN_SIZE];
} OWN_state;

/* Set h and c to zeros, with which a sequence begins. */
static inline void OWN_reset(OWN_state *state)
{
    long n, k;

    for (n = 0; n < MACRO_NUM_CELLS; n++) {
        for (k = 0; k < MACRO_H_SIZE; k++) {
            state->h[n][k] = 0.0FF;
        }
        for (k = 0; k < MACRO_HIDDEN_SIZE; k++) {
            state->c[n][k] = 0.0FF;
        }
    }
}
""",
        names,
    )


def function_code(lstm: Portable, names: Names) -> list[str]:
    """The functions of the gates and of the cell, their clips, and the product of a row of weights with numbers."""
    functions = lstm.activations
    slope = HARD.get(functions.gates or "")
    gates = "return 1.0FF / (1.0FF + expFF(-a));"
    if slope is not None:
        line = number_text(f"{slope:.17g}" if names.real == "double" else f"{np.float32(slope):.9g}", names.f)
        gates = f"a = {line} * a + 0.5FF;\n    return a < 0.0FF ? 0.0FF : a > 1.0FF ? 1.0FF : a;"
    cell = "return a > 0.0FF ? a : 0.0FF;" if functions.cell == "relu" else "return tanhFF(a);"
    lines = _lines(
        f"""\
/* The function of the gates i, f and o. */
static inline REAL OWN_gate(REAL a)
{{
    {gates}
}}

/* The function of g, and of c before it becomes h. */
static inline REAL OWN_squash(REAL a)
{{
    {cell}
}}
""",
        names,
    )
    if functions.cell_clip or functions.proj_clip or functions.gate_clip:
        lines += _lines(
            """\
static inline REAL OWN_clip(REAL a, REAL bound)
{
    return a < -bound ? -bound : a > bound ? bound : a;
}
""",
            names,
        )
    return lines + _lines(
        """\
/* Four sums at a time round less than one, and take less time. */
static inline REAL OWN_dot(const REAL *w, const REAL *x, long size)
{
    REAL a = 0.0FF, b = 0.0FF, c = 0.0FF, d = 0.0FF;
    long k;

    for (k = 0; k + 3 < size; k += 4) {
        a += w[k] * x[k];
        b += w[k + 1] * x[k + 1];
        c += w[k + 2] * x[k + 2];
        d += w[k + 3] * x[k + 3];
    }
    for (; k < size; k++) {
        a += w[k] * x[k];
    }
    return (a + b) + (c + d);
}
""",
        names,
    )


def cell_code(lstm: Portable, names: Names) -> list[str]:
    """The function that computes a step of one layer in one direction."""
    functions, config = lstm.activations, lstm.config

    def clipped(text: str, bound: float | None) -> str:
        number = number_text(f"{bound:.17g}" if names.real == "double" else f"{bound:.9g}", names.f) if bound else ""
        return f"OWN_clip({text}, {number})" if bound else text

    bias = " + b[row]" if config.bias else ""
    projected = "OWN_dot(w_hr + n * MACRO_HIDDEN_SIZE, m, MACRO_HIDDEN_SIZE)" if config.proj_size else "m[n]"
    parameters = ["const REAL *w_ih", "const REAL *w_hh", *["const REAL *b"] * config.bias]
    parameters += ["const REAL *w_hr"] * bool(config.proj_size)
    return _lines(
        f"""\
/* One step of a layer: h and c become the next ones. The rows of w_ih, w_hh and b are the gates i, f, g, o. */
static inline void OWN_cell({", ".join(parameters)},
    long inputs, const REAL *x, REAL *h, REAL *c)
{{
    REAL m[MACRO_HIDDEN_SIZE], a[4];
    long n, gate;

    for (n = 0; n < MACRO_HIDDEN_SIZE; n++) {{
        for (gate = 0; gate < 4; gate++) {{
            const long row = gate * MACRO_HIDDEN_SIZE + n;
            const REAL from_x = OWN_dot(w_ih + row * inputs, x, inputs);
            const REAL from_h = OWN_dot(w_hh + row * MACRO_H_SIZE, h, MACRO_H_SIZE);
            a[gate] = {clipped(f"from_x + from_h{bias}", functions.gate_clip)};
        }}
        c[n] = {clipped("OWN_gate(a[1]) * c[n] + OWN_gate(a[0]) * OWN_squash(a[2])", functions.cell_clip)};
        m[n] = OWN_gate(a[3]) * OWN_squash(c[n]);
    }}
    for (n = 0; n < MACRO_H_SIZE; n++) {{
        h[n] = {clipped(projected, functions.proj_clip)};
    }}
}}
""",
        names,
    )


def _cell_call(config: LSTMConfig, layer: int, suffix: str, inputs: str) -> str:
    """The arguments of a call of the cell that name its weights."""
    own = f"l{layer}{suffix}"
    arrays = ["weight_ih", "weight_hh", *["bias"] * config.bias, *["weight_hr"] * bool(config.proj_size)]
    return ", ".join([*(f"OWN_{array}_{own}" for array in arrays), inputs])


def step_code(config: LSTMConfig, names: Names) -> list[str]:
    """The function that computes a step of a stack in one direction."""
    calls, reads = [], "x"
    for layer in range(config.num_layers):
        inputs = "MACRO_H_SIZE" if layer else "MACRO_INPUT_SIZE"
        calls.append(
            f"    OWN_cell({_cell_call(config, layer, '', inputs)}, {reads}, state->h[{layer}], state->c[{layer}]);"
        )
        reads = f"state->h[{layer}]"
    body = "\n".join(calls)
    return _lines(
        f"""\
/* One step: x has MACRO_INPUT_SIZE numbers, y MACRO_OUTPUT_SIZE; the state becomes the next one. */
static inline void OWN_step(OWN_state *state, const REAL *x, REAL *y)
{{
    long n;

{body}
    for (n = 0; n < MACRO_H_SIZE; n++) {{
        y[n] = {reads}[n];
    }}
}}
""",
        names,
    )


def run_code(config: LSTMConfig, names: Names) -> list[str]:
    """The function that computes a sequence of a stack in both directions."""
    many, calls = config.num_layers > 1, []
    for layer in range(config.num_layers):
        above = config.num_layers - 1 - layer
        writes, reads = ("work" if above % 2 else "y"), ("x" if not layer else "y" if above % 2 else "work")
        inputs = "MACRO_OUTPUT_SIZE" if layer else "MACRO_INPUT_SIZE"
        for direction, suffix in enumerate(("", "_reverse")):
            cell, at = layer * 2 + direction, "at" if not direction else "last - at"
            place = f"{writes} + t * MACRO_OUTPUT_SIZE" + (" + MACRO_H_SIZE" if direction else "")
            calls.append(
                f"    for (at = 0; at <= last; at++) {{\n"
                f"        t = {at};\n"
                f"        OWN_cell({_cell_call(config, layer, suffix, inputs)}, {reads} + t * {inputs}, "
                f"state->h[{cell}], state->c[{cell}]);\n"
                f"        OWN_copy({place}, state->h[{cell}]);\n"
                f"    }}"
            )
    body = "\n".join(calls)
    more = ", REAL *work" if many else ""
    buffer = ";\n * work has MACRO_WORK_SIZE(steps)" if many else ""
    return _lines(
        f"""\
static inline void OWN_copy(REAL *to, const REAL *h)
{{
    long n;

    for (n = 0; n < MACRO_H_SIZE; n++) {{
        to[n] = h[n];
    }}
}}

/* A sequence: a step of x has MACRO_INPUT_SIZE numbers, one of y MACRO_OUTPUT_SIZE, forward before reverse{buffer}.
 * It begins with the state, which becomes the last one. */
static inline void OWN_run_from(OWN_state *state, const REAL *x, long steps, REAL *y{more})
{{
    const long last = steps - 1;
    long at, t;

{body}
}}

/* The same, from zeros. */
static inline void OWN_run(const REAL *x, long steps, REAL *y{more})
{{
    OWN_state state;

    OWN_reset(&state);
    OWN_run_from(&state, x, steps, y{", work" if many else ""});
}}
""",
        names,
    )
