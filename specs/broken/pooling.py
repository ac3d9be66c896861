"""Pooling over a sequence (N, L) in windows of k, every s steps."""
import numpy as np


def starts(x, k, s):
    return range(0, x.shape[1] - k + 1, s)


def average(x, k, s):
    return np.stack([x[:, i:i + k].mean(axis=1) for i in starts(x, k, s)], axis=1)


def average_backward(dout, x, k, s):
    dx = np.zeros_like(x)
    for j, i in enumerate(starts(x, k, s)):
        dx[:, i:i + k] += dout[:, j:j + 1] / k
    return dx


def average_backward_assigned(dout, x, k, s):
    dx = np.zeros_like(x)
    for j, i in enumerate(starts(x, k, s)):
        dx[:, i:i + k] = dout[:, j:j + 1] / k
    return dx


def average_backward_without_window(dout, x, k, s):
    return k * average_backward(dout, x, k, s)


def average_backward_without_stride(dout, x, k, s):
    dx = np.zeros_like(x)
    for j in range(dout.shape[1]):
        dx[:, j:j + k] += dout[:, j:j + 1] / k
    return dx


def average_backward_without_last(dout, x, k, s):
    dx = np.zeros_like(x)
    for j, i in enumerate(list(starts(x, k, s))[:-1]):
        dx[:, i:i + k] += dout[:, j:j + 1] / k
    return dx


def largest(x, k, s):
    return np.stack([x[:, i:i + k].max(axis=1) for i in starts(x, k, s)], axis=1)


def largest_backward(dout, x, k, s):
    dx = np.zeros_like(x)
    rows = np.arange(len(x))
    for j, i in enumerate(starts(x, k, s)):
        dx[rows, i + x[:, i:i + k].argmax(axis=1)] += dout[:, j]
    return dx


def largest_backward_all_ties(dout, x, k, s):
    dx = np.zeros_like(x)
    for j, i in enumerate(starts(x, k, s)):
        window = x[:, i:i + k]
        dx[:, i:i + k] += dout[:, j:j + 1] * (window == window.max(axis=1, keepdims=True))
    return dx


def largest_backward_assigned(dout, x, k, s):
    dx = np.zeros_like(x)
    rows = np.arange(len(x))
    for j, i in enumerate(starts(x, k, s)):
        dx[rows, i + x[:, i:i + k].argmax(axis=1)] = dout[:, j]
    return dx


def largest_backward_within_window(dout, x, k, s):
    dx = np.zeros_like(x)
    rows = np.arange(len(x))
    for j, i in enumerate(starts(x, k, s)):
        dx[rows, x[:, i:i + k].argmax(axis=1)] += dout[:, j]
    return dx


def same_average(x, k):
    """The mean of up to k entries around each one; at the ends there are fewer."""
    return np.stack([x[:, max(0, i - k // 2):i + k // 2 + 1].mean(axis=1) for i in range(x.shape[1])], axis=1)


def same_average_backward(dout, x, k):
    dx = np.zeros_like(x)
    for i in range(x.shape[1]):
        window = dx[:, max(0, i - k // 2):i + k // 2 + 1]
        window += dout[:, i:i + 1] / window.shape[1]
    return dx


def same_average_backward_full_windows(dout, x, k):
    dx = np.zeros_like(x)
    for i in range(x.shape[1]):
        dx[:, max(0, i - k // 2):i + k // 2 + 1] += dout[:, i:i + 1] / k
    return dx
