"""Kernels in the manner of C: the caller owns all memory, backward adds to what is there."""


def rmsnorm_forward(out, inp, weight, eps=1e-6):
    for t in range(inp.shape[0]):
        scale = (inp[t] @ inp[t] / inp.shape[1] + eps) ** -0.5
        out[t] = scale * inp[t] * weight


def rmsnorm_backward(dinp, dweight, dout, inp, weight, eps=1e-6):
    C = inp.shape[1]
    for t in range(inp.shape[0]):
        scale = (inp[t] @ inp[t] / C + eps) ** -0.5
        dnorm = dout[t] * weight
        dweight += dout[t] * inp[t] * scale
        dinp[t] += scale * dnorm - scale**3 / C * (dnorm @ inp[t]) * inp[t]


def residual_forward(out, a, b):
    out[:] = a + b


def residual_backward(da, db, dout):
    da += dout
    db += dout
