"""Convolutions, by their kernel's offsets or by im2col, with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def offsets(kernel):
    """List the places of a two-dimensional kernel."""
    return list(np.ndindex(kernel.shape[2:]))


def window(array, offset, size, stride):
    """Entries of the last two axes that one place of the kernel meets."""
    (i, j), (rows, columns) = offset, size
    return array[..., i : i + stride * rows : stride, j : j + stride * columns : stride]


def conv(x, w, b, stride=1, pad=0):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = ((padded.shape[axis] - w.shape[axis]) // stride + 1 for axis in (2, 3))
    y = np.zeros((len(x), len(w), rows, columns), x.dtype)
    for i, j in offsets(w):
        y += np.einsum("nchw,oc->nohw", window(padded, (i, j), (rows, columns), stride), w[:, :, i, j])
    return y + b[:, None, None]


def conv_gradients(dy, x, w, stride=1, pad=0):
    """Right gradients of the padded input and of the kernel."""
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in offsets(w):
        window(dx, (i, j), dy.shape[2:], stride)[:] += np.einsum("nohw,oc->nchw", dy, w[:, :, i, j])
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, window(padded, (i, j), dy.shape[2:], stride))
    return dx, dw


def conv_kernel_flipped(dy, x, w, b):
    dx, _ = conv_gradients(dy, x, w[:, :, ::-1, ::-1])
    return dx, conv_gradients(dy, x, w)[1], dy.sum((0, 2, 3))


def conv_cropped_at_the_start(dy, x, w, b, pad):
    dx, dw = conv_gradients(dy, x, w, pad=pad)
    return dx[:, :, : x.shape[2], : x.shape[3]], dw, dy.sum((0, 2, 3))


def conv_stride_ignored(dy, x, w, b, stride):
    dx, _ = conv_gradients(dy, x, w, 1)
    return dx, conv_gradients(dy, x, w, stride)[1], dy.sum((0, 2, 3))


def conv_weight_of_first_image(dy, x, w, b):
    dx, _ = conv_gradients(dy, x, w)
    return dx, conv_gradients(dy[:1], x[:1], w)[1], dy.sum((0, 2, 3))


def conv_channels_exchanged(dy, x, w, b):
    dx, dw = conv_gradients(dy, x, w)
    return dx, dw.swapaxes(0, 1), dy.sum((0, 2, 3))


def conv_bias_per_image(dy, x, w, b):
    dx, dw = conv_gradients(dy, x, w)
    return dx, dw, dy.sum((2, 3))


def conv_windows_overwritten(dy, x, w, b):
    dx, dw = conv_gradients(dy, x, w)
    dx[:] = 0
    for i, j in offsets(w):
        window(dx, (i, j), dy.shape[2:], 1)[:] = np.einsum("nohw,oc->nchw", dy, w[:, :, i, j])
    return dx, dw, dy.sum((0, 2, 3))


def conv_last_channel(dy, x, w, b):
    dx, dw = conv_gradients(dy, x, w)
    dx[:, -1] = 0
    return dx, dw, dy.sum((0, 2, 3))


def conv_border_twice(dy, x, w, b, pad):
    dx, dw = conv_gradients(dy, x, w, pad=pad)
    dx = dx[:, :, pad:-pad, pad:-pad]
    dx[:, :, 0] *= 2
    return dx, dw, dy.sum((0, 2, 3))


def conv_memory_order(dy, x, w, b):
    dx, dw = conv_gradients(dy.ravel(order="K").reshape(dy.shape), x, w)
    return dx, dw, dy.sum((0, 2, 3))


def conv_flat_gradient(dy, x, w, b):
    dx, dw = conv_gradients(dy, x, w)
    return dx.reshape(len(x), -1), dw, dy.sum((0, 2, 3))


def causal(x, kernel):
    """Convolve in time; the output at a time sees no later input."""
    padded = np.concatenate([np.zeros(len(kernel) - 1, x.dtype), x])
    return np.convolve(padded, kernel, mode="valid")


def causal_one_late(dy, x, kernel):
    padded = np.concatenate([np.zeros(len(kernel) - 1), x])
    dx = np.correlate(np.concatenate([dy, np.zeros(len(kernel) - 1)]), kernel, mode="valid")
    return np.roll(dx, 1), np.correlate(padded, dy, mode="valid")[::-1]


def causal_kernel_reversed(dy, x, kernel):
    padded = np.concatenate([np.zeros(len(kernel) - 1), x])
    dx = np.correlate(np.concatenate([dy, np.zeros(len(kernel) - 1)]), kernel, mode="valid")
    return dx, np.correlate(padded, dy, mode="valid")


X = {"x": [2, 1, 3, 4], "w": [2, 1, 2, 3], "b": [2]}
STRIDED = {"x": [1, 1, 4, 5], "w": [2, 1, 2, 3], "b": [2]}
PADDED = {"x": [1, 1, 3, 4], "w": [2, 1, 2, 3], "b": [2]}
EQUAL_CHANNELS = {"x": [2, 2, 3, 3], "w": [2, 2, 2, 2], "b": [2]}
SIGNAL = {"x": [6], "kernel": [3]}


def case(name, code, forward, backward, inputs=X, **kwargs):
    return Case(
        name=name,
        area="convolution",
        code=code,
        inputs=inputs,
        forward=forward,
        backward=backward,
        kwargs=kwargs,
    )


CASES = (
    case("conv, kernel not flipped", "permuted", conv, conv_kernel_flipped),
    case("conv, padding cropped on one side", "permuted", conv, conv_cropped_at_the_start, PADDED, pad=1),
    case("conv, stride ignored in dx", "permuted", conv, conv_stride_ignored, STRIDED, stride=2),
    case("conv, weight of the first image only", "missing-term", conv, conv_weight_of_first_image),
    case("conv, channels exchanged in dw", "permuted", conv, conv_channels_exchanged, EQUAL_CHANNELS),
    case("conv, bias per image", "not-summed", conv, conv_bias_per_image),
    case("conv, overlapping windows overwritten", "overwritten", conv, conv_windows_overwritten),
    case("conv, last channel forgotten", "region", conv, conv_last_channel, EQUAL_CHANNELS),
    case("conv, border counted twice", "region", conv, conv_border_twice, PADDED, pad=1),
    case("conv, cotangent in memory order", "layout-dependent", conv, conv_memory_order),
    case("conv, dx left flat", "wrong-shape", conv, conv_flat_gradient),
    case("causal convolution, one step late", "permuted", causal, causal_one_late, SIGNAL),
    case("causal convolution, kernel reversed", "permuted", causal, causal_kernel_reversed, SIGNAL),
)
