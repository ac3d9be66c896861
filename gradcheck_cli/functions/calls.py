"""Calls and attributes: ``sum(x)``, ``x.sum()`` and ``x.T``, and what other libraries' names would mean."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gradcheck_cli.autodiff.primitives import ALIASES, FUNCTIONS, PRIMITIVES
from gradcheck_cli.errors import FormulaShapeError
from gradcheck_cli.functions.apply import apply
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.static import is_number
from gradcheck_cli.functions.values import Operand, Ref, Results
from gradcheck_cli.shapes import count

if TYPE_CHECKING:
    from gradcheck_cli.functions.elaborate import Scope

METHODS = (
    "all", "any", "argmax", "argmin", "argsort", "clip", "conj", "conjugate", "cumprod", "cumsum",
    "diagonal", "dot", "flatten", "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round",
    "squeeze", "std", "sum", "swapaxes", "take", "trace", "transpose", "var",
)  # fmt: skip
NAMES = tuple(name for name in FUNCTIONS if name not in ALIASES)
MODULES = ("np", "numpy", "scipy", "linalg", "torch", "F", "nn", "jnp", "jax", "math")
# Names of other libraries → what a formula writes.
ELSEWHERE: Mapping[str, str] = {
    "add_": "x + y",
    "bmm": "x @ y",
    "cat": "concatenate([x, y], axis)",
    "chunk": "split(x, sections, axis)",
    "cross_entropy": "logsumexp(x, axis=1) - x[arange(N), labels]",
    "expand": "broadcast_to(x, shape)",
    "gather": "take_along_axis(x, indices, axis)",
    "index_add": "scatter_add(x, indices, values)",
    "index_select": "take(x, indices, axis)",
    "linear": "x @ weight.T + bias",
    "logdet": "linalg.slogdet(a)[1]",
    "masked_fill": "where(mask, value, x)",
    "mm": "x @ y",
    "mse_loss": "mean((x - y)**2)",
    "mv": "x @ y",
    "permute": "transpose(x, axes)",
    "rsqrt": "1 / sqrt(x)",
    "unsqueeze": "expand_dims(x, axis)",
    "view": "reshape(x, shape)",
}


def attribute(scope: Scope, node: ast.Attribute) -> Any:
    """Read an attribute of an array, or one of several results by its name."""
    value = scope.value(node.value)
    if isinstance(value, Results) and node.attr in value.names:
        return value[value.names.index(node.attr)]
    if node.attr in METHODS:
        raise fault_at(node, f"{node.attr} is a method: call it, as in {ast.unparse(node)}(…)")
    if not isinstance(value, Ref) or node.attr not in _ATTRIBUTES:
        raise fault_at(
            node, f"no attribute {node.attr!r}; arrays have {', '.join(f'.{name}' for name in _ATTRIBUTES)}"
        )
    return _ATTRIBUTES[node.attr](scope, value, node)


def _transposed(scope: Scope, value: Ref, node: ast.Attribute) -> Ref:
    return apply(scope, PRIMITIVES["transpose"], [Operand(value, node.value)], {}, node)


def _swapped(scope: Scope, value: Ref, node: ast.Attribute) -> Ref:
    """Swap the last two axes: a stack of matrices with each transposed."""
    if len(value.shape) < 2:
        axes, owner = ("no axes", "1 axis")[len(value.shape)], ast.unparse(node.value)
        fact = f"{ast.unparse(node)}: {owner} has {axes}, and .{node.attr} swaps the last two"
        raise fault_at(node, fact, FormulaShapeError)
    operands = [Operand(one, node.value) for one in (value, -2, -1)]
    return apply(scope, PRIMITIVES["swapaxes"], operands, {}, node)


def _adjoint(scope: Scope, value: Ref, node: ast.Attribute) -> Ref:
    """Transpose the last two axes and conjugate."""
    swapped = Operand(_swapped(scope, value, node), node)
    return apply(scope, PRIMITIVES["conj"], [swapped], {}, node)


def _part(scope: Scope, value: Ref, node: ast.Attribute) -> Ref:
    """Take the real or the imaginary part."""
    return apply(scope, PRIMITIVES[node.attr], [Operand(value, node.value)], {}, node)


_ATTRIBUTES: Mapping[str, Callable[[Scope, Ref, ast.Attribute], Any]] = {
    "T": _transposed,
    "mT": _swapped,
    "mH": _adjoint,
    "real": _part,
    "imag": _part,
    "shape": lambda _scope, value, _node: value.shape,
    "ndim": lambda _scope, value, _node: len(value.shape),
    "size": lambda _scope, value, _node: count(value.shape),
}


def call(scope: Scope, node: ast.Call) -> Any:
    """Call a function, or a method that mirrors one."""
    arguments = [Operand(scope.value(one), one) for one in node.args]
    named = {str(one.arg): Operand(scope.value(one.value), one.value) for one in node.keywords}
    name = ast.unparse(node.func)
    if name in FUNCTIONS:
        return apply(scope, FUNCTIONS[name], arguments, named, node)
    if isinstance(node.func, ast.Attribute):
        module, _, rest = name.partition(".")
        if _is_dotted(node.func) and module in MODULES and module not in scope.names:
            own = rest if rest in FUNCTIONS else node.func.attr
            known = f"functions go by their own name here: write {own}(…)"
            raise fault_at(node, known if own in FUNCTIONS else f"unknown function {name!r}{meant_by(own)}")
        return _method(scope, node.func, arguments, named, node)
    raise fault_at(node, f"unknown function {name!r}{meant_by(name)}")


def meant_by(name: str) -> str:
    """Say how formulas write what has another name elsewhere, or which name is like it."""
    return f"; write {ELSEWHERE[name]}" if name in ELSEWHERE else did_you_mean(name, NAMES)


def _is_dotted(node: ast.expr) -> bool:
    """Whether an expression is names joined by dots, as in np.linalg.inv."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _method(
    scope: Scope, func: ast.Attribute, arguments: list[Operand], named: dict[str, Operand], node: ast.Call
) -> Any:
    if func.attr in _ATTRIBUTES:
        raise fault_at(node, f"{ast.unparse(func)} is no method: leave out the brackets behind it")
    if func.attr not in METHODS:
        known = f"; write {ELSEWHERE[func.attr]}" if func.attr in ELSEWHERE else ""
        hint = known or did_you_mean(func.attr, METHODS) or f"; methods are {', '.join(METHODS)}"
        raise fault_at(node, f"unknown method {func.attr!r}{hint}")
    if func.attr in {"reshape", "transpose"} and arguments and all(is_number(one.value) for one in arguments):
        # x.reshape(2, 3) and x.transpose(1, 0) take their sizes one by one.
        arguments = [Operand(tuple(one.value for one in arguments), arguments[0].node)]
    owner = Operand(scope.value(func.value), func.value)
    return apply(scope, FUNCTIONS[func.attr], [owner, *arguments], named, node)
