"""What ``gradcheck functions`` prints is true: VJPs that are formulas give what the rules give, sizes too."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from formula_checks import compiled, value_of

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES

# Texts in words, or with names such as singular vectors that formulas do not have.
PROSE = {
    "gelu", "glu", "sum", "mean", "max", "min", "median", "cumprod", "prod", "diff", "sort",
    "linalg.norm", "dot", "inner", "tensordot", "kron", "einsum", "diagonal", "trace", "linalg.det",
    "linalg.slogdet", "linalg.matrix_power", "linalg.cholesky", "linalg.eigh", "linalg.eigvalsh",
    "linalg.svdvals", "linalg.svd", "linalg.qr", "broadcast_to", "concatenate", "stack", "hstack",
    "vstack", "split", "array_split", "tile", "repeat", "pad", "getitem", "take_along_axis", "conv1d",
    "conv2d", "conv_transpose1d", "conv_transpose2d", "unfold", "fold", "max_pool1d", "max_pool2d",
    "avg_pool1d", "avg_pool2d", "group_norm", "embedding", "cosine_similarity", "imag", "angle",
}  # fmt: skip
# What may stand beside formulas: cases that the defaults, and points without ties, are not.
REMARKS = {
    "half each at a tie",
    "of a complex x, g * x / abs(x)",
    "all to max where min >= max",
    "0 at the origin",
    "dL/dweight = sum of g * y over the leading axes",
    "dL/dbias = sum of g over them",
    "0 where std(x) is",
    "of a matrix, zeros with g on the k-th diagonal",
    "with axes, transpose(g, inverse) where inverse[axes[k]] = k",
    "with axis=None that of ravel(x), reshaped as x",
    "in training as for layer_norm, with means over all axes but 1",
}
# Arguments that have no default, and others that show more than it does.
STATIC = {
    "reshape": {"shape": (3, 2)},
    "swapaxes": {"axis1": 0, "axis2": 1},
    "moveaxis": {"source": 0, "destination": 1},
    "expand_dims": {"axis": 1},
    "roll": {"shift": 1},
    "take": {"axis": 0},
    "layer_norm": {"normalized_shape": 3},
    "rms_norm": {"normalized_shape": 3, "eps": 0.01},
}
# Shapes of operands, where not all are (2, 3); more lines that a text takes as said.
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "matmul": {"x": (2, 3), "y": (3, 4)},
    "outer": {"x": (2,), "y": (3,)},
    "diag": {"x": (3,)},
    "cumsum": {"x": (3,)},
    "squeeze": {"x": (2, 1, 3)},
    "linalg.inv": {"a": (3, 3)},
    "linalg.solve": {"a": (3, 3), "b": (3, 2)},
    "layer_norm": {"x": (3,), "weight": (3,), "bias": (3,)},
    "rms_norm": {"x": (3,), "weight": (3,)},
    "batch_norm": {"running_mean": (3,), "running_var": (3,), "weight": (3,), "bias": (3,)},
    "take": {"x": (3,)},
    "scatter_add": {"x": (3, 2), "values": (4, 2)},
}
LINES = {
    "var": "n = x.size",
    "std": "n = x.size",
    "where": "condition = m",
    "take": "indices = k",
    "scatter_add": "indices = k",
    "linalg.pinv": "M = a.shape[1]",  # N is a size of every check
}
GIVEN = {"condition": "m", "indices": "k"}  # the mask and the integers that every check has
PIECE = re.compile(r"(dL/d)?(\w+) = (.*)")


@dataclass
class Told:
    """A VJP text taken apart."""

    gradients: dict[str, str] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)


def told(text: str) -> Told:
    found = Told()
    for piece in re.split(r"[,;]  +", text):
        match = PIECE.fullmatch(piece)
        if match is None or not is_formula(match[3]):
            found.remarks.add(piece)
        elif match[1]:
            found.gradients[match[2]] = match[3]
        else:
            found.definitions.append(piece)
    return found


def is_formula(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return "…" not in text


def operands_of(row: Primitive, low: float, high: float) -> dict[str, Array]:
    """Short decimals without ties between ``low`` and ``high``; a mask and integers where they are due."""
    rng = np.random.default_rng(len(row.name))
    given = {"m": np.arange(6).reshape(2, 3) % 2 == 0, "k": np.array([2, 0, 2, 1])}
    shapes = SHAPES.get(row.name, {})
    found = {
        name: given[GIVEN[name]]
        if name in GIVEN
        else np.round(rng.uniform(low, high, shapes.get(name, (2, 3))), 3)
        for name in row.operand_names
    }
    if row.name == "clip":
        found |= {
            "min": np.minimum(found["min"], found["max"]),
            "max": np.maximum(found["min"], found["max"]),
        }
    return found


def static_of(row: Primitive) -> dict[str, Any]:
    named = row.parameters.parameters.values()
    defaults = {one.name: one.default for one in named if one.name not in row.operand_names}
    return {**defaults, **STATIC.get(row.name, {})}


def evaluated(text: str, operands: dict[str, Array], row: Primitive, definitions: list[str]) -> Array:
    """Value of a formula over the operands and g, after the lines that say what else it names."""
    arguments = [f"{name} = {value!r}" for name, value in static_of(row).items()]
    lines = [*arguments, *LINES.get(row.name, "").splitlines(), *definitions, f"gradient = {text}"]
    arrays = {GIVEN.get(name, name): one for name, one in operands.items()}
    arrays = {"k": np.array([2, 0, 2, 1]), "m": np.zeros((2, 3), bool), **arrays}
    shapes = {name: one.shape for name, one in arrays.items() if name not in "km"}
    return value_of(compiled("\n".join(lines), shapes=shapes), arrays, "gradient")


def check_text(row: Primitive, low: float, high: float) -> None:
    operands, static, text = operands_of(row, low, high), static_of(row), told(row.formula)
    assert text.gradients, "a text without a formula"
    with np.errstate(all="ignore"):
        out = np.asarray(row.forward(*operands.values(), **static))
        g = np.round(np.cos(np.arange(out.size)), 3).reshape(out.shape)
        for name, formula in text.gradients.items():
            rule = row.vjps[row.operand_names.index(name)]
            wanted = rule(g, out, *operands.values(), **static)
            written = f"zeros_like({name})" if formula == "0" else formula
            found = evaluated(written, {**operands, "g": g}, row, text.definitions)
            inside = np.isfinite(wanted)  # of the function's domain
            assert inside.any() or not inside.size or low != HOME.get(row.name, 0.2), "a point outside"
            np.testing.assert_allclose(
                found[inside], wanted[inside], rtol=1e-9, atol=1e-12, err_msg=f"dL/d{name} = {formula}"
            )


DIFFERENTIABLE = [name for name, row in PRIMITIVES.items() if row.differentiable]
FORMULAS = [name for name in DIFFERENTIABLE if name not in PROSE]
# Within the domain of arcsin; across the kinks of activations; within that of arccosh.
HOME = {"arccosh": 1.2}
RANGES = ((0.2, 0.9), (-8, 14), (1.2, 3))


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("name", FORMULAS)
def test_the_printed_vjp_is_the_rule(name, low, high):
    check_text(PRIMITIVES[name], low, high)


@pytest.mark.parametrize("name", FORMULAS)
def test_all_else_in_a_text_is_a_remark_that_is_known(name):
    assert told(PRIMITIVES[name].formula).remarks <= REMARKS


def test_what_is_listed_is_there():
    assert set(DIFFERENTIABLE) >= PROSE
    assert set().union(*(told(PRIMITIVES[name].formula).remarks for name in FORMULAS)) == REMARKS
    assert {*STATIC, *SHAPES, *LINES} <= set(FORMULAS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tanh", "dL/dx = g * (1 - tanh(x))"),
        ("matmul", "dL/dx = g @ y.mT,  dL/dy = x.mT @ g * 2"),
        ("sigmoid", "dL/dx = g * s * (1 - s),  s = tanh(x)"),
        ("relu6", "dL/dx = g * (0 < x)"),
    ],
)
def test_a_wrong_text_is_caught(name, text):
    with pytest.raises(AssertionError, match="dL/d"):
        check_text(replace(PRIMITIVES[name], formula=text), -8, 14)


SWEEPS = [name for name in PRIMITIVES if re.match("conv|.*_pool|unfold", name)]
SIZE = re.compile(r"[LH]' = ([^=;]*?)(?:[,;]  |$)")


def check_sizes(row: Primitive, **windows: int) -> None:
    """The formula for L' or H' gives the size that the shape rule does, here for squares."""
    rank = 1 if row.name.endswith("1d") else 2
    operands = [(2, 4, *(9,) * rank)]
    if "conv" in row.name:
        operands += [(4, 4, *(3,) * rank), ()]
    named = {**static_of(row), "kernel_size": 3, **windows}
    shape = row.shape(*operands, **{name: one for name, one in named.items() if name in row.signature})
    found = SIZE.search(row.shapes)
    assert found is not None
    size = eval(found[1], {}, {"L": 9, "H": 9, "K": 3, "KH": 3, **named})
    assert shape[2:] == ((size**2,) if row.name == "unfold" else (size,) * rank)


WINDOWS = [{"stride": 3}, {"stride": 2, "padding": 1}, {"stride": 1, "dilation": 2}]


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("windows", WINDOWS)
def test_the_printed_size_is_that_of_the_shape_rule(name, windows):
    check_sizes(PRIMITIVES[name], **windows)


def test_a_wrong_size_is_caught():
    row = PRIMITIVES["conv2d"]
    with pytest.raises(AssertionError):
        check_sizes(replace(row, shapes=row.shapes.replace("KH - 1", "KH")), stride=1)
