"""What names, annotations and docstrings say about a parameter: whether it is an array, and its shape.

A guess writes its axes as a spec does: symbols, numbers or products such as ``4*H``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

Axes = tuple[str, ...]
TRIED: Final = "found by trying"


@dataclass(frozen=True)
class Guess:
    """One possible form of an input; ``high`` bounds integers, ``how`` says where the guess is from."""

    axes: Axes
    high: str = ""
    how: str = TRIED

    @property
    def integer(self) -> bool:
        """Whether the input holds integers in ``[0, high)``."""
        return bool(self.high)


def _guesses(*texts: str) -> tuple[Guess, ...]:
    """Read a row of the table: ``"N D"``, or ``"N < V"`` for integers below V."""
    split = [text.partition("<") for text in texts]
    return tuple(Guess(tuple(axes.split()), high.strip()) for axes, _, high in split)


_ANY: Final = _guesses(
    "N D", "D", "", "D N", "N C H W", "N T D", "D M", "M", "N", "M D", "N 1", "D 1", "N T < V", "N < V"
)
_DATA: Final = _guesses(
    "N D", "N C H W", "D N", "N T D", "D", "N C T", "C H W", "H W", "", "N T < V", "N < V", "D 1", "N H W C"
)

# Names of parameters → shapes to try, the likeliest first.
BY_NAME: Final[Sequence[tuple[str, tuple[Guess, ...]]]] = (
    (
        r"x|xs|inp|inputs?|input_data|data|features|a|z|a_prev|a_in|x_in|logits|scores|pred(ictions?|s)?",
        _DATA,
    ),
    (r"(in)?dices|idx|ids|tokens?|token_ids|words?", _guesses("N T < V", "N < V", "N < D", "N < N")),
    (r"y|t|labels?|targets?|y_true|truth|classes", _guesses("N < D", "N D", "N", "N 1", "D", "", "N T < V")),
    (r"y_pred|y_hat|yhat", _guesses("N D", "N", "N 1", "D", "")),
    (r"w?_?(x|xh|ih|hx|in)|u", _guesses("D H", "D 4*H", "H D", "4*H D", "D 3*H", "D M", "N D")),
    (r"w_?(h|hh)", _guesses("H H", "H 4*H", "4*H H", "H 3*H")),
    (r"h|c|h0|c0|(h|c)_?prev|prev_?(h|c)|state", _guesses("N H", "H", "H N", "H 1", "N D", "D")),
    (
        r"w\d*|weights?|kernels?|filters?|w_?\w?|embeddings?|table|matrix",
        _guesses(
            "D M",
            "M D",
            "V D",
            "F C HH WW",
            "D",
            "D D",
            "D 1",
            "F C K",
            "F D",
            "1 D",
            "N D",
            "H W",
            "HH WW",
            "",
        ),
    ),
    (
        r"b\d*|bias(es)?|b_\w",
        _guesses("M", "1 M", "M 1", "D", "1 D", "F", "H", "4*H", "3*H", "F 1", "1", "", "1 1"),
    ),
    (
        r"gamma|beta|scale|shift|gain|g|ln_\w+|bn_\w+",
        _guesses("D", "1 D", "C", "1 C 1 1", "D 1", "M", "", "1"),
    ),
    (r"q|query|queries|q_\w+", _guesses("T D", "N T D", "N G T D", "N D", "D")),
    (r"k|keys?|k_\w+", _guesses("S D", "N S D", "N G S D", "N D", "D", "T D")),
    (r"v|values?|v_\w+", _guesses("S M", "S D", "N S M", "N G S M", "N D", "M", "T D")),
    (r"mask", _guesses("N D", "N T", "T T", "D", "T S")),
)

# Names of parameters that are no arrays → what they are given.
SCALARS: Final[Sequence[tuple[str, Any]]] = (
    (r"strides?|groups|dilation|num_layers|step(s)?|num_groups|g", 1),
    (r"pad(ding)?|pads", 1),
    (r"(kernel|filter)_?(size|dim|height|width|h|w)?|k_?size|ksize|k|hh|ww", 3),
    (r"pool(ing)?_?(size|height|width|h|w)?|num_heads|n_heads?|heads|window(_size)?", 2),
    (r"eps(ilon)?", 1e-5),
    (r"momentum|keep_prob|decay|rho", 0.9),
    (r"lr|learning_rate|eta|step_size|rate_of_learning", 1.0),
    (r"alpha|slope|negative_slope|lam(bda)?_?|reg|margin|delta|temperature|tau|beta|leak|scale|factor", 0.5),
    (r"p|drop_?(rate|prob|p|out)?|dropout_?(rate|ratio|prob|p)?|ratio|rate|prob|weight_decay|l2", 0.5),
    (r"axis|dim", -1),
    (r"seed|random_state", 0),
    (r"mode", "train"),
    (r"(is_?|in_?)?train(ing)?(_?(mode|flg|flag|phase))?|use_\w+|bias|deterministic", True),
)  # fmt: skip

_COUNT: Final = r"(n_?|num_?|d_?|dim_?|size_?|fan_?)?"
_OF: Final = "features|size|dim|dims|channels|units|width|nodes"

# Names of a constructor's sizes → the axis that they are of.
SIZES: Final[Sequence[tuple[str, str]]] = (
    (r"vocab(ulary)?_?(size)?|num_embeddings|n_vocab|n_tokens|v", "V"),
    (r"hidden(_?(size|dim|units|features))?|n_?h(idden)?|h", "H"),
    (rf"{_COUNT}in(puts?)?(_?({_OF}|shape))?|c_?in", "D"),
    (r"d|n_?features|num_features|features|embed(ding)?_?(dim|size)|d_?model|channels|dim|size", "D"),
    (r"normalized_shape", "D"),
    (rf"{_COUNT}out(puts?)?(_?({_OF}))?|c_?out|m", "M"),
    (r"(n_?|num_?)(units|neurons|filters|nodes|classes)|units|neurons|filters", "M"),
)  # fmt: skip

INTEGER_WORDS: Final = re.compile(
    r"\b(labels?|ind(ex|ices)|integers?|int(32|64)?|class(es)?|ids?)\b", re.IGNORECASE
)
_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_AXIS: Final = re.compile(r"\d+|[A-Za-z_]\w*|(\d+) ?\*? ?([A-Za-z_]\w*)|([A-Za-z_]\w*) ?\* ?(\d+)")
_BELOW: Final = re.compile(
    r"<\s*([A-Za-z_]\w*|\d+)\b(?!\s*[\[(])|[\[(]\s*0\s*,\s*([A-Za-z_]\w*|\d+)(?:\s*-\s*1)?\s*[)\]]"
)


def matching(table: Iterable[tuple[str, Any]], name: str) -> Any:
    """Return the first row whose pattern is the whole name, whatever its case; None without one."""
    return next((row for row in table if re.fullmatch(row[0], name, re.IGNORECASE)), None)


def by_name(name: str, others: Sequence[str] = ()) -> tuple[Guess, ...]:
    """Shapes to try for a parameter of this name; beside an a, b is no bias."""
    if name == "b" and others and others[0] == "a":
        return _DATA
    row = matching(BY_NAME, name)
    return row[1] if row else _ANY


def from_text(name: str, names: Sequence[str], text: str, how: str) -> Guess | None:
    r"""Find the shape that a docstring states for a parameter.

    >>> doc = "- x: Input of shape (N, d_1, ..., d_k)\n- y: labels, of shape (N,), 0 <= y[i] < C"
    >>> from_text("x", ["x", "y"], doc, "").axes, from_text("y", ["x", "y"], doc, "").high
    (('N', 'd_1', 'd_2'), 'C')
    """
    for part in _paragraphs(name, names, text):
        for found in _BRACKETS.finditer(part):
            axes = read_axes(found[1])
            if axes is None or _is_prose(part, found):
                continue
            below = _BELOW.search(part[: found.start()] + part[found.end() :])
            high = next(filter(None, below.groups()), "") if below else ""
            words = INTEGER_WORDS.search(part[: found.start()]) or high
            integer = bool(words) and not re.search(r"float|grad|score|prob|logit", part[: found.start()])
            return Guess(axes, (high or "5") if integer else "", how)
    return None


def _is_prose(part: str, found: re.Match[str]) -> bool:
    """Whether brackets hold words, not axes: a single word far from the word shape."""
    before = part[: found.start()]
    near = re.search(
        r"(shape|size|dim\w*|array|ndarray|tensor|matrix|vector|float\d*|int\d*)\W*(of )?\W*$|^\W*$",
        before,
        re.IGNORECASE,
    )
    return not near and not ("," in found[1] and re.fullmatch(r"[^\n]{0,60}", before.strip()))


def _paragraphs(name: str, names: Sequence[str], text: str) -> Iterator[str]:
    """Yield what follows each mention of a parameter as an item, up to the next item."""
    others = "|".join(map(re.escape, names))
    item = re.compile(
        rf"(?:^|[\n,;(]|\band\b)[ \t]*[-*•]?[ \t]*`*({others})`*[ \t]*(?=[:=([,]|of\b|has\b|--|—|-)"
    )
    found = list(item.finditer(text))
    for place, one in enumerate(found):
        if one[1] != name:
            continue
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        part = re.split(r"\n\s*\n|\n\s*(?:Returns?|Raises|Output)\b", text[one.end() : end])[0]
        yield re.sub(r"^[ \t]*[:=—-]+", "", part)


def read_axes(text: str) -> Axes | None:
    """Read what stands between brackets as axes; None if it is something else.

    >>> read_axes("N, 4H, d_1, ..., d_k"), read_axes("N,"), read_axes("see below")
    (('N', '4*H', 'd_1', 'd_2'), ('N',), None)
    """
    parts = [part.strip() for part in text.split(",")]
    parts = parts[:-1] if parts[-1] == "" else parts
    if "..." in parts:
        place = parts.index("...")
        last = re.fullmatch(r"(\w+?)_?[a-zA-Z]", parts[place + 1]) if place + 1 < len(parts) else None
        parts = [
            *parts[:place],
            *([re.sub(r"1$", "2", parts[place - 1])] if last and place else []),
            *parts[place + 2 :],
        ]
    axes = [_axis(part) for part in parts]
    return tuple(map(str, axes)) if all(axes) else None


def _axis(text: str) -> str:
    found = _AXIS.fullmatch(text)
    if found is None:
        return ""
    number, symbol = found[1] or found[4], found[2] or found[3]
    return f"{number}*{symbol}" if number and symbol else text


def from_annotation(annotation: object) -> Guess | None:
    """Read ``Float[Array, "N D"]`` and ``NDArray[Shape["2, 3"], …]``.

    >>> from_annotation('Float[Array, "N D"]').axes
    ('N', 'D')
    """
    text = (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "dim_str", None) or repr(annotation)
    )
    found = re.search(r"\[.*?[\"']([\w*, ]+)[\"']", str(text)) or re.fullmatch(
        r"()([\w ]+)", getattr(annotation, "dim_str", "") or "?"
    )
    if found is None:
        return None
    axes = read_axes(",".join((found[1] or found[0]).replace(",", " ").split()))
    integer = re.match(r"(jaxtyping\.)?(U?Int|Integer)", str(text))
    return Guess(axes, "5" if integer else "", "from the annotation") if axes else None
