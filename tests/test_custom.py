"""Layers as people write them: their specs pass, and a mistake planted in any of them fails."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest
from guide_files import write_code
from verdicts import verdict_alone

from gradcheck_cli.result import ExitCode, RunReport
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.work.bench import Judge

SPECS = Path(__file__).parent.parent / "specs"
CUSTOM = SPECS / "custom"
CONVENTIONS = SPECS / "CONVENTIONS.md"
EXAMPLE = re.compile(r"(<!-- (\w+) -->\n)?```yaml\n(.*?)\n```", re.DOTALL)
NAMES = sorted(path.relative_to(CUSTOM).with_suffix("").as_posix() for path in CUSTOM.rglob("*.yaml"))

# Layer → mistakes: a piece of its code, which stands there once, and what it becomes.
MISTAKES = {
    "activations": [
        ("sigmoid(z) + z * sigmoid_prime(z)", "sigmoid(z) * sigmoid_prime(z)"),
        ("1 / cosh(z) ** 2", "1 - z ** 2"),
        ("return a * (1 - a)", "return a * (1 + a)"),
        ("softplus_prime = sigmoid", "softplus_prime = tanh"),
    ],
    "affine": [
        ("np.sum(dout, axis=0)", "np.mean(dout, axis=0)"),
        ("np.dot(dout, w.T)", "np.dot(dout, -w.T)"),
        ("dw = np.dot(x.reshape(x.shape[0], -1).T, dout)", "dw = np.outer(x.sum(0), dout.sum(0))"),
    ],
    "attention": [
        ("(da - (da * a).sum(-1, keepdims=True)) * scale", "da * scale"),
        ("dq, dk = ds @ k, ds.swapaxes(-1, -2) @ q", "dq, dk = ds @ k, ds @ q"),
        ("dx = dx + d @ p[name].T", "dx = d @ p[name].T"),
    ],
    "batchnorm": [
        ("- x_hat * (dx_hat * x_hat).mean(axis=0)", ""),
        ('    if mode == "test":\n        return', '    if mode == "none":\n        return'),
        ("dgamma = (dout * x_hat)", "dgamma = (dout * x_hat * gamma)"),
    ],
    "blocks": [
        ("(self.output_grad - inner)", "self.output_grad"),
        ("self.weights_grad = numpy", "self.weights_grad = 2 * numpy"),
        ("self.right_grad = numpy", "self.right_grad = -numpy"),
    ],
    "buffers": [
        ("dweight += dout[t] * inp[t] * scale", "dweight[:] = dout[t] * inp[t] * scale"),
        ("scale**3 / C", "scale**2 / C"),
        ("da += dout", "da[:] = 0"),
        ("dinp[t] += scale", "dinp[t] = scale"),
    ],
    "connect": [
        ("(1 - self.value**2)", "(1 - self.value)"),
        ("self.previous.value.T.dot(delta)", "self.previous.value.T.dot(delta) / len(delta)"),
        ("delta.dot(self.W.T)", "delta.dot(self.W.T) ** 2"),
    ],
    "conv": [
        ("img[:, :, i:i + stride * oh:stride, j:j + stride * ow:stride] +=",
         "img[:, :, i:i + stride * oh:stride, j:j + stride * ow:stride] ="),
        ("np.dot(self.col.T, dout).transpose(1, 0)", "np.dot(self.col.T, dout)"),
        ("np.sum(dout, axis=0)", "np.sum(dout[1:], axis=0)"),
        ("img[:, :, pad:pad + h, pad:pad + w]", "img[:, :, :h, :w]"),
    ],
    "ctc": [
        ("back[:-2] = skip[2:]", "back[:-2] = True"),
        ("dlogits[:, k] -=", "dlogits[:, k] = np.exp(logp[:, k]) -"),
        ("alpha + beta - lp - total", "alpha + beta - total"),
    ],
    "dropout": [
        ("return dout * self.mask / (1.0 - self.ratio)", "return dout * self.mask"),
        ("return dout * self.mask / ", "return dout / "),
        ("return g * mask / keep", "return g * mask"),
    ],
    "embedding": [
        ("np.add.at(dW, self.idx, dout)", "dW[self.idx] = dout"),
        ("np.add.at(dW, self.idx, dout)", "dW[self.idx] += dout"),
    ],
    "functional": [
        ("np.expand_dims(grad, ctx.axis) * p", "np.expand_dims(grad, ctx.axis) * (1 - p)"),
        ("through - unit * np.sum(through * unit, -1, keepdims=True)", "through"),
        ("np.sum(grad * unit)", "np.mean(grad * unit)"),
    ],
    "inplace": [
        ("self.y[neg] + 1", "self.y[neg]"),
        ("dy.reshape(self.shape)", "dy.reshape(self.shape[::-1]).T"),
        ("return 2 * self.x * dy", "return self.x * dy"),
        ("self.x = x\n        return x**2", "self.x = x\n        x *= x\n        return x"),
    ],
    "layernorm": [
        ("- self._normed * along", "+ self._normed * along"),
        ("dn = dy * self.gamma", "dn = dy"),
        ("self.dbeta = dy.sum(axis=leading)", "self.dbeta = dy.mean(axis=leading)"),
    ],
    "lazy": [
        ('self.grads["w"] += self.inputs.T @ grad', 'self.grads["w"] -= self.inputs.T @ grad'),
        ("np.sum(grad, axis=0)", "grad[0]"),
        ('self.grads["w"] += ', 'self.grads["w"] = '),
        ("grad.fill(0)", "pass"),
    ],
    "losses": [
        ("return loss, dscores / n", "return loss, dscores"),
        ("dscores[np.arange(n), labels] -= 1", "dscores[:, labels] -= 1"),
        ("-= dscores.sum(axis=1)", "= -1"),
    ],
    "lstm": [
        ("dc = dnext_c + dnext_h * o * (1 - t ** 2)", "dc = dnext_h * o * (1 - t ** 2)"),
        ("da @ Wh.T, dc * f,", "da @ Wh.T, dc,"),
        ("dc * g * i * (1 - i),\n        dc * prev_c * f * (1 - f),",
         "dc * prev_c * f * (1 - f),\n        dc * g * i * (1 - i),"),
    ],
    "matmul": [
        ("self.grads[0][...] = dW", "self.grads[0] = dW"),  # the network's list keeps the old array
        ("dout * self.out * (1 - self.out)", "dout * self.out"),
        ("self.grads[0][...] = dW", "self.grads[0] += dW - 1"),
    ],
    "merge": [
        ("np.split(grad, self.cuts, axis=1)", "np.split(grad[:, ::-1], self.cuts, axis=1)"),
        ("if j != k", "if j > k"),
        ("[s + d, s - d]", "[s + d, d - s]"),
    ],
    "nodes": [
        ("gx - gphi * y / r**2", "gx - gphi * y / r"),
        ("if gphi is not None", "if gr is None"),
        ("gx[np.arange(len(t)), t] = grads[0]", "gx[np.arange(len(t)), t] = 1"),
        ("grads[0] * self.keep, None", "None, None"),
    ],
    "pooling": [
        ("onehot = np.zeros_like(tiles)", "onehot = np.ones_like(tiles)"),
        ("reshape(n, c, h2, w2, k, k).swapaxes(3, 4)", "reshape(n, c, h2, w2, k, k).swapaxes(4, 5)"),
        ("dx[..., i:i + g.shape[-1]] += g / k", "dx[..., i:i + g.shape[-1]] = g / k"),
    ],
    "relu": [
        ("dx[self.mask] = 0", "pass"),
        ("self.slope * dout * self.mask", "self.slope * dout"),
    ],
    "rnn": [
        ("dhnext = self.Whh.T @ dhraw", "dhnext = self.Whh @ dhraw"),
        ("(1 - h * h) * dh  #", "(1 - h) * dh  #"),
        ('grads["Whh"] += dhraw @ hprev.T', 'grads["Whh"] += dhraw @ h.T'),
        ('grads["bh"] += dhraw', 'grads["bh"] = dhraw'),
        ("dhnext = np.zeros_like(self.hs[0])\n        dxs", "dhnext = dys[0].sum()\n        dxs"),
    ],
    "sampling": [
        ("np.add.at(gi, (slice(None), yy, xx), g * weight)", "gi[:, yy, xx] += g * weight"),
        ("(y0, x0 + 1, (1 - fy) * fx)", "(y0, x0 + 1, fy * (1 - fx))"),
        ("np.stack([gy, gx], axis=1)", "np.stack([gx, gy], axis=1)"),
    ],
    "softdtw": [
        ("E[i + 1, j] * a + E[i, j + 1] * b", "E[i + 1, j] * b + E[i, j + 1] * a"),
        ('"y": -diff.sum(0)', '"y": diff.sum(0)'),
        ("diff = 2 *", "diff ="),
        ("* dloss", ""),
    ],
    "trained": [
        ("return accum_grad.dot(W.T)", "return accum_grad.dot(self.W.T)"),
        ("np.sum(accum_grad, axis=0, keepdims=True)", "np.mean(accum_grad, axis=0, keepdims=True)"),
        ("self.layer_input.T.dot(accum_grad)", "-self.layer_input.T.dot(accum_grad)"),
    ],
    "torch/functions": [
        ("torch.linalg.cross(g, a)", "torch.linalg.cross(a, g)"),
        ("grad * ctx.p * x.abs()", "grad * ctx.p * x.sign() * x.abs()"),
    ],
    "torch/modules": [
        ("(g * x * x * ds).sum()", "(g * x * ds).sum()"),
        ("g * (s + beta * x * ds)", "g * (s + x * ds)"),
    ],
    "jax/rules": [
        ("(dn - x * r**2 *", "(dn - x * r *"),
        ("jnp.sum(g * x * r, axis=0)", "jnp.mean(g * x * r, axis=0)"),
        ("jax.nn.sigmoid(x) * t", "jax.nn.sigmoid(-x) * t"),
        ("jnp.where(n > limit, limit / n * (g - along), g)", "jnp.where(n > limit, limit / n * g, g)"),
    ],
}  # fmt: skip
FRAMEWORKS = {"torch/functions": "torch", "torch/modules": "torch", "jax/rules": "jax"}


def run(spec: Path, judge: Judge | None = None) -> RunReport:
    return run_paths([str(spec)], RunOptions(stop_at_first=True, judge=judge))


def marks(name: str) -> list[pytest.MarkDecorator]:
    """Mark what needs a framework, and skip it where that is not installed."""
    framework = FRAMEWORKS.get(name)
    if framework is None:
        return []
    missing = importlib.util.find_spec(framework) is None
    skip = pytest.mark.skipif(missing, reason=f"{framework} is not installed")
    return [getattr(pytest.mark, framework), skip]


def planted(name: str, right: str, wrong: str, folder: Path) -> Path:
    """Copy a layer and its spec, with a mistake."""
    source, target = CUSTOM / name, folder / Path(name).name
    text = source.with_suffix(".py").read_text(encoding="utf-8")
    assert text.count(right) == 1, "the mistake has one place"
    target.with_suffix(".py").write_text(text.replace(right, wrong), encoding="utf-8")
    shutil.copy(source.with_suffix(".yaml"), target.with_suffix(".yaml"))
    return target.with_suffix(".yaml")


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in FRAMEWORKS])
def test_the_layer_of_a_framework_is_right(name: str) -> None:
    """The others are among the specs that ``test_specs`` runs."""
    report = run(CUSTOM / f"{name}.yaml")
    assert report.exit_code == ExitCode.OK, [str(check) for check in report.unexpected]


def test_every_layer_has_mistakes_of_its_own() -> None:
    assert sorted(MISTAKES) == NAMES
    assert min(len(mistakes) for mistakes in MISTAKES.values()) >= 2


CASES = [
    pytest.param(name, *mistake, marks=marks(name), id=f"{name}-{number}")
    for name, mistakes in MISTAKES.items()
    for number, mistake in enumerate(mistakes)
]


@pytest.mark.parametrize(("name", "right", "wrong"), CASES)
def test_a_mistake_in_the_layer_fails(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    assert run(planted(name, right, wrong, tmp_path), verdict_alone).exit_code == ExitCode.WRONG


def examples() -> list[tuple[str, str]]:
    found = EXAMPLE.findall(CONVENTIONS.read_text(encoding="utf-8"))
    return [(kind or "passes", text) for _, kind, text in found]


@pytest.mark.parametrize(("kind", "text"), examples(), ids=[str(number) for number in range(len(examples()))])
def test_each_convention_does_what_it_says(
    kind: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_code(CONVENTIONS.read_text(encoding="utf-8"), tmp_path)
    Path("example.yaml").write_text(text, encoding="utf-8")
    expected = {"passes": ExitCode.OK, "fails": ExitCode.WRONG}
    assert run_paths(["example.yaml"], RunOptions()).exit_code == expected[kind]


def test_conventions_link_to_what_is_there() -> None:
    text = CONVENTIONS.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        assert (SPECS / file).exists(), target
        assert file or anchor in headings, target
