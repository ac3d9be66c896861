"""The format of a spec file, version 1, as pydantic models: the JSON Schema is generated from these.

Only the form of each key is decided here; what the keys mean together (shapes, names, sizes) is worked
out in ``load``. Short forms are brought to their long form before validation, and the schema knows both.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

FORMAT: Final = 1

Dtype = Literal["float64", "float32", "float16", "complex128", "complex64", "int64", "bool"]
DiagnosisCode = Literal[
    "sign-flipped", "scaled", "transposed", "permuted", "zero", "not-summed", "wrong-shape", "wrong-dtype",
    "conjugated", "swapped-inputs", "missing-term", "overwritten", "region", "single-entry",
    "ignores-cotangent", "nonlinear-cotangent", "mutates-input", "mutates-cotangent", "layout-dependent",
    "stale-state", "nondeterministic", "domain", "unknown",
]  # fmt: skip
ContractCode = Literal[
    "mutates-cotangent", "mutates-input", "wrong-dtype", "nondeterministic", "layout-dependent",
    "ignores-cotangent",
]  # fmt: skip


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("spec", "{message}", {"message": message})


def _axis(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise PydanticCustomError("axis", "an axis")
    return value


def _formula(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _shape_as_input(value: object) -> object:
    return {"shape": value} if isinstance(value, list) else value


def _sample_as_mapping(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value == "normal":
        return {"normal": [0, 1]}
    if value in {"uniform", "integers"}:
        raise _refuse(f'"{value}" needs its limits; write {{{value}: [low, high]}}')
    if value == "choice":
        raise _refuse('"choice" needs its values; write {choice: [1, 2, 5]}')
    if value in SAMPLE_WORDS:
        return {value: True}
    raise PydanticCustomError("sample", "a sample", {"known": SAMPLE_KINDS})


SAMPLE_WORDS: Final = ("positive", "spd", "orthogonal", "permutation")
SAMPLE_KINDS: Final = (
    "normal",
    "uniform",
    "integers",
    "positive",
    "spd",
    "orthogonal",
    "permutation",
    "choice",
)

Axis = Annotated[int | str, BeforeValidator(_axis, json_schema_input_type=int | str)]
Shape = list[Axis]
Length = Annotated[int, Field(ge=0, le=2**63 - 1)]
Formula = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    BeforeValidator(_formula, json_schema_input_type=str | float),
]
Names = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Limits = Annotated[list[float], Field(min_length=2, max_length=2)]
Bounds = Annotated[list[Axis], Field(min_length=2, max_length=2)]
Nested = Annotated[
    Any,
    WithJsonSchema(
        {
            "description": "A number, or nested lists of numbers of equal lengths; complex ones as 1+2j.",
            "anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string"}, {"type": "array"}],
        }
    ),
]
PointWord = Literal["generic", "edge"]


class Strict(BaseModel):
    """No unknown keys, and no value is turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class SampleForm(Strict):
    """How the values of an input are drawn; at most one kind, ``normal`` if there is none."""

    normal: Limits | None = Field(None, description="Normal distribution: [mean, standard deviation].")
    uniform: Limits | None = Field(
        None, description="Uniform distribution and domain: [low, high]. Nothing outside is ever evaluated."
    )
    integers: Bounds | None = Field(
        None, description="Integers from low to high, high excluded: [low, high]; dims may be used."
    )
    choice: list[float] | None = Field(None, description="Values to choose from.", min_length=1)
    positive: Literal[True] | None = Field(None, description="Positive numbers; the domain is x > 0.")
    spd: Literal[True] | None = Field(None, description="Symmetric positive definite matrices.")
    orthogonal: Literal[True] | None = Field(None, description="Orthogonal matrices.")
    permutation: Literal[True] | None = Field(
        None, description="A permutation: an integer vector, or a square matrix of zeros and ones."
    )
    symmetric: bool | None = Field(
        None, description="Draw, perturb and compare within symmetric matrices only. Default: true for spd."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> SampleForm:
        kinds = [kind for kind in SAMPLE_KINDS if getattr(self, kind) is not None]
        if len(kinds) > 1:
            raise _refuse(f"an input is drawn in one way, not in {len(kinds)} ({', '.join(kinds)}); keep one")
        return self

    @property
    def kind(self) -> str:
        """The one kind that is given."""
        return next((kind for kind in SAMPLE_KINDS if getattr(self, kind) is not None), "normal")


SampleWord = Literal["normal", "positive", "spd", "orthogonal", "permutation"]
SampleField = Annotated[
    SampleForm, BeforeValidator(_sample_as_mapping, json_schema_input_type=SampleWord | SampleForm)
]


class InputForm(Strict):
    """One input: exactly one of ``shape``, ``value`` and ``file`` says how large it is."""

    shape: Shape | None = Field(
        None, description="Axis lengths: integers, or expressions over dims such as 2*D."
    )
    value: Nested | None = Field(None, description="The values themselves, the same at every point.")
    file: str | None = Field(
        None,
        description="A .npy file, or an .npz file and a key (weights.npz:w), relative to the spec.",
        min_length=1,
    )
    dtype: Dtype | None = Field(
        None, description="Type of the entries. Default: float64, or that of the file."
    )
    sample: SampleField | None = Field(
        None, description="How values are drawn, and the domain. Default: normal."
    )
    symmetric: bool | None = Field(
        None, description="Draw, perturb and compare within symmetric matrices only."
    )
    differentiable: bool | None = Field(
        None, description="Whether a gradient exists. Default: true for float and complex inputs."
    )

    @model_validator(mode="after")
    def _one_source(self) -> InputForm:
        given = [key for key in ("shape", "value", "file") if key in self.model_fields_set]
        if not given:
            raise _refuse("nothing says how large this input is; write one of shape, value, file")
        if len(given) > 1:
            raise _refuse(f"{' and '.join(given)} exclude one another; keep one of them")
        return self


class FunctionForm(Strict):
    """A function written elsewhere: one of ``python``, ``torch`` and ``jax``, or code in the spec itself."""

    python: str | None = Field(None, description="A file or module whose names the code uses, or TARGET.")
    torch: str | None = Field(None, description="TARGET: path/file.py:attr or package.module:attr.")
    jax: str | None = Field(None, description="TARGET: path/file.py:attr or package.module:attr.")
    forward: str | None = Field(
        None, description="Python code that assigns the outputs, from the inputs, the dims and np."
    )
    backward: str | None = Field(
        None, description="Python code that assigns dNAME for each input, or a TARGET."
    )
    style: Literal["pure", "stateless", "cache", "pullback"] | None = Field(
        None, description="How forward and backward are called, where they are TARGETs."
    )
    kwargs: dict[str, Any] | None = Field(
        None, description="Keyword arguments of the function; in code they are names."
    )
    training: bool | None = Field(
        None, description="Whether a torch module is in training mode. Default: its own."
    )
    path: Names | None = Field(None, description="Directories put on sys.path.")
    setup: str | None = Field(None, description="Python code run once before the import.")

    @model_validator(mode="after")
    def _one_framework(self) -> FunctionForm:
        given = [key for key in FRAMEWORKS if getattr(self, key) is not None]
        if len(given) > 1 or (not given and self.forward is None):
            found = " and ".join(given) or "none of them"
            raise _refuse(f"a function has one of python, torch, jax, not {found}; write one")
        if self.style and self.forward is not None:
            raise _refuse('"style" is for functions named by TARGET, not for a "forward" of code; keep one')
        return self

    @property
    def framework(self) -> Literal["python", "torch", "jax"]:
        """What the function is written for."""
        return next((key for key in FRAMEWORKS if getattr(self, key) is not None), "python")

    @property
    def target(self) -> str:
        """What would be imported; nothing for code that needs no names of a module."""
        return getattr(self, self.framework) or ""


FRAMEWORKS: Final[tuple[Literal["python", "torch", "jax"], ...]] = ("python", "torch", "jax")


class ToleranceForm(Strict):
    """What a wrong entry may differ by."""

    rtol: float | None = Field(None, description="Relative to the entry. Default: that of the dtype.", ge=0)
    atol: float | None = Field(None, description="Absolute. Default: none.", ge=0)


class ExpectForm(Strict):
    """A check that must fail, with this diagnosis among its diagnoses."""

    fail: DiagnosisCode = Field(description="Diagnosis code.")


class Settings(Strict):
    """The keys of a check; at the top of a file with ``checks`` they are the defaults of all."""

    name: str | None = Field(None, description="Name of the check. Default: the file's stem.", min_length=1)
    description: str | None = Field(None, description="What is checked, for people.")
    dims: (
        dict[
            str,
            Annotated[
                Annotated[Length, Tag("one")] | Annotated[list[Length], Field(min_length=1), Tag("list")],
                Discriminator(lambda value: "list" if isinstance(value, list) else "one"),
            ],
        ]
        | None
    ) = Field(None, description="Sizes by symbol; lists are swept over in every combination.")
    seed: int | None = Field(None, description="Seed of everything random. Default: 0.", ge=0)
    inputs: (
        dict[
            str,
            Annotated[InputForm, BeforeValidator(_shape_as_input, json_schema_input_type=Shape | InputForm)],
        ]
        | None
    ) = Field(None, description="Inputs by name, in the order of the function's arguments.", min_length=1)
    function: (
        Annotated[
            Annotated[Formula, Tag("text")] | Annotated[FunctionForm, Tag("mapping")],
            Discriminator(lambda value: "mapping" if isinstance(value, (dict, FunctionForm)) else "text"),
        ]
        | None
    ) = Field(None, description="Formulas, one assignment a line; or a function written elsewhere.")
    outputs: (
        Annotated[
            Annotated[Names, Field(min_length=1), Tag("list")]
            | Annotated[dict[str, Shape], Field(min_length=1), Tag("mapping")],
            Discriminator(lambda value: "mapping" if isinstance(value, dict) else "list"),
        ]
        | None
    ) = Field(None, description="Output names, or names with the shapes they must have.")
    vjp: dict[str, Formula] | None = Field(
        None, description="Claims: input to the formula of its gradient; dNAME is the cotangent of an output."
    )
    jvp: dict[str, Formula] | None = Field(
        None, description="Claims: output to the formula of its tangent; NAME_dot is the tangent of an input."
    )
    jacobian: dict[str, Formula] | None = Field(
        None, description='Claims: "output/input" to the formula of the explicit Jacobian.'
    )
    hvp: dict[str, Formula] | None = Field(
        None,
        description="Claims of order 2: input to the formula of how its gradient moves when every input NAME "
        "moves by NAME_dot, the cotangents dNAME being fixed.",
    )
    order: Literal[1, 2] | None = Field(
        None, description="2 to check the derivative of the VJP as well. Default: 1, or 2 with hvp."
    )
    chain: list[str] | None = Field(
        None, description="Names from an input to an output, to check the chain rule along.", min_length=2
    )
    wrt: Names | None = Field(
        None, description="Inputs to check. Default: all differentiable ones.", min_length=1
    )
    points: (
        Annotated[
            Annotated[int, Field(ge=1, le=1000), Tag("one")]
            | Annotated[
                list[PointWord],
                Field(min_length=1),
                BeforeValidator(_listed, json_schema_input_type=PointWord | list[PointWord]),
                Tag("list"),
            ],
            Discriminator(lambda value: "one" if isinstance(value, (int, float)) else "list"),
        ]
        | None
    ) = Field(None, description="Where to check: generic, edge, or a number of generic points.")
    tolerance: ToleranceForm | None = Field(None, description="What an entry may differ by.")
    kinks: Literal["subgradient", "fail", "move"] | None = Field(
        None, description="What to do where the function has a kink. Default: subgradient."
    )
    mode: Literal["auto", "dense", "structured", "probe"] | None = Field(
        None, description="How Jacobians are compared. Default: auto."
    )
    expect: (
        Annotated[
            Annotated[Literal["pass", "fail"], Tag("text")] | Annotated[ExpectForm, Tag("mapping")],
            Discriminator(lambda value: "mapping" if isinstance(value, (dict, ExpectForm)) else "text"),
        ]
        | None
    ) = Field(None, description="How the check must come out. Default: pass.")
    allow: (
        Annotated[
            list[ContractCode],
            BeforeValidator(_listed, json_schema_input_type=ContractCode | list[ContractCode]),
        ]
        | None
    ) = Field(None, description="Broken contracts that are warnings instead of failures.")
    timeout: float | None = Field(None, description="Seconds that this check may take.", gt=0)


class File(Settings):
    """A spec file: one check, or several under ``checks`` with defaults beside it."""

    model_config = ConfigDict(
        title="gradcheck spec",
        json_schema_extra={"anyOf": [{"required": ["inputs", "function"]}, {"required": ["checks"]}]},
    )

    gradcheck: Literal[1] = Field(description="Version of the format.")
    checks: list[Settings] | None = Field(
        None, description="Several checks; the file's other keys are their defaults.", min_length=1
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec file; that a key may be left out does not mean that it may be null."""
    schema: dict[str, Any] = _without_null(File.model_json_schema())
    return schema


def _without_null(schema: Any) -> Any:  # JSON
    if isinstance(schema, list):
        return [_without_null(part) for part in schema if part != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    result = {key: _without_null(part) for key, part in schema.items() if (key, part) != ("default", None)}
    only = result.get("anyOf", ())
    return {**only[0], **{key: result[key] for key in result if key != "anyOf"}} if len(only) == 1 else result
