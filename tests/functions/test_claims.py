"""Claims: right ones, misfits, faults; which pairs they are about; chains."""

from __future__ import annotations

import numpy as np
import pytest
from formula_checks import compiled, faults_of, primals

LINEAR = "h = x @ w\ny = h + b[0]"
SEED = {"y": np.round(np.random.default_rng(3).normal(size=(2, 4)), 2)}


def linear_map(subject, claim):
    given = primals(subject)
    return given, claim.linearize(given)


def test_without_claims_the_engine_is_checked():
    subject = compiled(LINEAR)
    assert [claim.label for claim in subject.claims] == ["engine vjp", "engine jvp"]
    assert subject.claims == subject.engine
    assert subject.engine[0].pairs == (("y", "x"), ("y", "w"), ("y", "b"))


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("x", "dy @ w.T"),
        ("x", "g = dy\ng @ transpose(w)"),
        ("x", "einsum('ik,jk->ij', dy, w)"),
        ("w", "dx_unused = 2.0\nx.T @ dy"),
        ("b", "concatenate([sum(dy)[None], zeros(2)])"),
        ("w", "x.T @ (dy * (h == h))"),
    ],
)
def test_a_right_vjp_equals_the_engines(name, claim):
    subject = compiled(LINEAR, vjp={name: claim})
    (found,) = subject.claims
    assert (found.kind, found.label, found.pairs) == ("vjp", "vjp", (("y", name),))
    assert (found.misfit, found.ignores_seed) == (None, False)
    given, analytic = linear_map(subject, found)
    engine = subject.engine[0].linearize(given)
    np.testing.assert_allclose(analytic(SEED)[name], engine(SEED)[name], rtol=1e-12)


def test_a_wrong_vjp_compiles_and_differs():
    subject = compiled(LINEAR, vjp={"x": "2.001 * dy @ w.T"})
    given, analytic = linear_map(subject, subject.claims[0])
    engine = subject.engine[0].linearize(given)
    assert not np.allclose(analytic(SEED)["x"], engine(SEED)["x"], rtol=1e-4)


def test_a_right_jvp_equals_the_engines():
    subject = compiled(LINEAR, jvp={"y": "x_dot @ w + x @ w_dot + b_dot[0]"})
    (found,) = subject.claims
    assert (found.kind, found.pairs) == ("jvp", (("y", "x"), ("y", "w"), ("y", "b")))
    given, analytic = linear_map(subject, found)
    tangents = {name: np.cos(given[name]) for name in ("x", "w", "b")}
    engine = subject.engine[1].linearize(given)
    np.testing.assert_allclose(analytic(tangents)["y"], engine(tangents)["y"], rtol=1e-12)


def test_a_jacobian_has_the_axes_of_the_output_then_the_inputs():
    subject = compiled("x @ w", jacobian={("y", "x"): "einsum('ia,bj->ijab', eye(N), w)"})
    (found,) = subject.claims
    assert (found.kind, found.pairs, found.misfit) == ("jacobian", (("y", "x"),), None)
    given, analytic = linear_map(subject, found)
    jacobian = analytic({})["x"]
    assert jacobian.shape == (2, 4, 2, 3)
    engine = subject.engine[0].linearize(given)
    np.testing.assert_allclose(np.einsum("ij,ijab->ab", SEED["y"], jacobian), engine(SEED)["x"], rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "key", "claim", "message", "shape"),
    [
        (
            "vjp", "x", "dy @ w",
            ("spec.yaml:1:1: vjp.x: dy (2, 4) @ w (3, 4) does not fit: "
            "dy ends in 4, w starts with 3; dy @ w.T would fit"),
            None,
        ),
        (
            "vjp", "b", "dy",
            "spec.yaml:1:1: vjp.b: the derivative for b has the shape (2, 4), it must be (3,)",
            (2, 4),
        ),
        (
            "jvp", "y", "x_dot",
            "spec.yaml:1:1: jvp.y: the derivative for y has the shape (2, 3), it must be (2, 4)",
            (2, 3),
        ),
        (
            "jacobian", ("y", "b"), "ones((N, 4, 2))",
            "spec.yaml:1:1: jacobian.y/b: the Jacobian has the shape (2, 4, 2), it must be (2, 4, 3)",
            (2, 4, 2),
        ),
        (
            "vjp", "x", "u = x @ x\nv = b @ x\nu + v + dy",
            ("spec.yaml:1:5: vjp.x: x (2, 3) @ x (2, 3) does not fit: x ends in 3, x starts with 2; "
            "x @ x.T would fit; spec.yaml:2:5: vjp.x: b (3,) @ x (2, 3) does not fit: b ends in 3, "
            "x starts with 2; for example x: [3, 3]"),
            None,
        ),
        ("vjp", "x", "x[7]", ("spec.yaml:1:1: vjp.x: x[7]: index 7 is out of range for axis 0 of x, "
         "which has length 2"), None),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_misfits(kind, key, claim, message, shape):
    (found,) = compiled(LINEAR, **{kind: {key: claim}}).claims
    assert (found.misfit.message, found.misfit.shape) == (message, shape)
    assert (found.linearize is None) == (shape is None)


@pytest.mark.parametrize(
    ("function", "claims", "faults"),
    [
        (LINEAR, {"vjp": {"x": "dz @ w.T"}}, ["1:1: unknown name 'dz'; the cotangent here is dy"]),
        (LINEAR, {"vjp": {"x": "dy @\n"}}, ["1:5: this is no formula: invalid syntax"]),
        (LINEAR, {"vjp": {"x": "w_dot"}}, ["1:1: unknown name 'w_dot'; the cotangent here is dy"]),
        (
            LINEAR,
            {"jvp": {"y": "dy"}},
            ["1:1: unknown name 'dy'; the tangents here are x_dot, w_dot, b_dot"],
        ),
        ("y = x\nz = x", {"outputs": {"y": None, "z": None}, "vjp": {"x": "dL * x"}},
         ["1:1: unknown name 'dL'; the cotangents here are dy, dz"]),
        (LINEAR, {"jacobian": {("y", "x"): "dy"}}, ["1:1: unknown name 'dy'; did you mean 'y'?"]),
        (
            LINEAR,
            {"vjp": {"x": "p", "w": "q + r"}, "jvp": {"y": "s"}},
            ["1:1: unknown name 'p'; did you mean 'pi'?", "1:1: unknown name 'q'; the cotangent here is dy",
             "1:1: unknown name 's'; the tangents here are x_dot, w_dot, b_dot"],
        ),
        (LINEAR, {"vjp": {"z": "dy"}}, ["1:1: 'z' is no input"]),
        (LINEAR, {"jvp": {"z": "x_dot"}}, ["1:1: 'z' is no floating output; outputs are y"]),
        (LINEAR, {"jacobian": {("h", "x"): "w"}}, ["1:1: 'h' is no floating output; outputs are y"]),
        (
            "dy = x * 2\ny = dy * x",
            {"vjp": {"x": "dy"}},
            ["1:1: dy stands for a cotangent in this claim; rename what the spec calls dy"],
        ),
        (
            "x_dot = x * 2\ny = x_dot * x",
            {"jvp": {"y": "x"}},
            ["1:1: x_dot stands for a tangent in this claim; rename what the spec calls x_dot"],
        ),
        ("y = q", {"vjp": {"x": "p"}}, ["1:5: unknown name 'q'"]),
        ("y = x", {"outputs": {"z": None}}, ["1:1: the function has no array 'z'; it has x, w, b, k, m, y"]),
        ("y = x", {"outputs": {"yy": None}}, ["1:1: the function has no array 'yy'; did you mean 'y'?"]),
        (
            "y = x",
            {"outputs": {"y": (3, 2)}},
            ["1:1: the function gives y the shape (2, 3), the spec says (3, 2)"],
        ),
        ("y = x", {"wrt": ()}, ["1:1: no input is differentiable: there is nothing to check"]),
        (
            "y = x * eye(3)[[7]]",
            {},
            ["1:9: eye(3)[[7]]: index 7 is out of range for axis 0 of eye(3), which has length 3"],
        ),
    ],
)  # fmt: skip
def test_claims_that_name_something_unknown_are_faults(function, claims, faults):
    assert faults_of(function, **claims) == faults


@pytest.mark.parametrize("kind", ["vjp", "jvp", "jacobian"])
def test_a_claim_cannot_use_an_input_that_the_function_assigns_anew(kind):
    key = {"vjp": "x", "jvp": "y", "jacobian": ("y", "x")}[kind]
    fact = "x is assigned anew by the function; use another name there"
    function = "u = x\nx = x**2\ny = x * w[0, 0]"
    assert faults_of(function, **{kind: {key: "1 + x.T"}}) == [f"1:5: {fact}"]
    assert compiled(function, **{kind: {key: "x = u\n2 * x"}}).claims  # the claim's own x
    assert compiled(function).claims


def test_the_name_of_a_cotangent_is_free_where_no_claim_uses_it():
    assert compiled("dy = x * 2\ny = dy * x").engine[0].pairs[0] == ("y", "x")


@pytest.mark.parametrize(
    ("kind", "key", "claim", "ignores"),
    [
        ("vjp", "x", "ones((N, 4)) @ w.T", True),
        ("vjp", "x", "g = dy\nones((N, 4)) @ w.T", True),
        ("vjp", "x", "dy @ w.T * 0", False),
        ("jvp", "y", "x @ w", True),
        ("jacobian", ("y", "x"), "einsum('ia,bj->ijab', eye(N), w)", False),
    ],
)
def test_a_claim_that_ignores_its_seed_says_so(kind, key, claim, ignores):
    (found,) = compiled(LINEAR, **{kind: {key: claim}}).claims
    assert found.ignores_seed is ignores


def test_wrt_chooses_the_inputs_of_engine_and_claims():
    subject = compiled(LINEAR, wrt=("w",), vjp={"x": "dy @ w.T", "w": "x.T @ dy"})
    assert [claim.pairs for claim in subject.claims] == [(("y", "w"),)]
    assert subject.engine[0].pairs == (("y", "w"),)
    _given, analytic = linear_map(subject, subject.engine[0])
    assert set(analytic(SEED)) == {"w"}


def test_several_outputs_share_a_claim_and_each_has_its_cotangent():
    subject = compiled(
        "y = x @ w\nz = exp(x)", outputs={"y": None, "z": None}, vjp={"x": "dy @ w.T + dz * z"}
    )
    (found,) = subject.claims
    assert (found.pairs, found.outputs, found.inputs) == ((("y", "x"), ("z", "x")), ("y", "z"), ("x",))
    given, analytic = linear_map(subject, found)
    seeds = {**SEED, "z": np.full((2, 3), 0.3)}
    engine = subject.engine[0].linearize(given)
    np.testing.assert_allclose(analytic(seeds)["x"], engine(seeds)["x"], rtol=1e-12)


def test_an_integer_output_has_no_cotangent():
    subject = compiled("y = exp(x)\nj = argmax(x, axis=1)", outputs={"y": None, "j": None})
    assert subject.engine[0].outputs == ("y",)
    assert faults_of(
        "y = exp(x)\nj = argmax(x, axis=1)", outputs={"y": None, "j": None}, vjp={"x": "dj"}
    ) == ["1:1: unknown name 'dj'; the cotangent here is dy"]


CHAIN = "h = x @ w\ns = tanh(h)\ny = sum(s * s)"


def test_a_chain_is_linked_and_its_links_multiply_to_the_whole():
    subject = compiled(CHAIN, chain=("x", "h", "s", "y"))
    assert [(link.source, link.target, link.bypass) for link in subject.links] == [
        ("x", "h", False), ("h", "s", False), ("s", "y", False)
    ]  # fmt: skip
    assert (subject.whole.source, subject.whole.target) == ("x", "y")
    given = primals(subject)
    gradient = np.float64(1)
    for link in reversed(subject.links):
        at = {**given, **link.value_of_source(given)}
        gradient = link.engine.linearize(at)({link.target: gradient})[link.source]
    whole = subject.whole.engine.linearize(given)({"y": np.float64(1)})["x"]
    np.testing.assert_allclose(gradient, whole, rtol=1e-12)
    np.testing.assert_allclose(
        subject.engine[0].linearize(given)({"y": np.float64(1)})["x"], whole, rtol=1e-12
    )


def test_a_link_holds_everything_but_its_source_fixed():
    subject = compiled("h = exp(x)\ny = h * x", chain=("x", "h", "y"))
    given = primals(subject)
    link = subject.links[1]
    at = {**given, **link.value_of_source(given)}
    np.testing.assert_allclose(at["h"], np.exp(given["x"]))
    gradient = link.engine.linearize(at)({"y": np.ones((2, 3))})["h"]
    np.testing.assert_allclose(gradient, given["x"])


@pytest.mark.parametrize(
    ("function", "chain", "bypass"),
    [
        ("h = exp(x)\ny = h * b", ("x", "h", "y"), [False, False]),
        ("h = exp(x)\ny = h * x", ("x", "h", "y"), [False, True]),
        ("h = exp(x)\ns = sin(h)\ny = h + s", ("x", "h", "s", "y"), [False, False, True]),
        ("h = x\ny = h", ("x", "h", "y"), [False, False]),
    ],
)
def test_a_way_around_a_link_is_flagged(function, chain, bypass):
    assert [link.bypass for link in compiled(function, chain=chain).links] == bypass


@pytest.mark.parametrize(
    ("function", "chain", "faults"),
    [
        (CHAIN, ("x", "hh", "y"), ["1:1: the function has no array 'hh'; did you mean 'h'?"]),
        (
            CHAIN,
            ("q", "h", "r"),
            ["1:1: the function has no array 'q'", "1:1: the function has no array 'r'"],
        ),
        (CHAIN, ("x", "N"), ["1:1: the function has no array 'N'"]),
        (CHAIN, ("x", "s", "h"), ["1:1: h is not computed from s"]),
        (CHAIN, ("b", "h"), ["1:1: h is not computed from b"]),
        (
            "h = x * 2\nx = exp(x)\ny = x + h",
            ("x", "y"),
            ["1:1: the function gives the input x a new value; rename the new one"],
        ),
    ],
)
def test_a_chain_that_does_not_hold_is_a_fault(function, chain, faults):
    assert faults_of(function, chain=chain) == faults


def test_without_a_chain_there_are_no_links():
    subject = compiled(CHAIN)
    assert (subject.links, subject.whole) == ((), None)


def test_names_of_one_line_are_nodes_of_their_own():
    """As on lines of their own: the chain through a lacks the way through b."""
    one, two = (
        compiled(f"{lines}\ny = a * b", chain=("x", "a", "y")).links
        for lines in ("a, b = x, 2 * x", "a = x\nb = 2 * x")
    )
    assert [link.bypass for link in one] == [link.bypass for link in two] == [False, True]
