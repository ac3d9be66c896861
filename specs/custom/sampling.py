"""Bilinear sampling, the heart of spatial transformers and deformable convolution."""
import numpy as np


def corners(points, H, W):
    y, x = points[:, 0], points[:, 1]
    y0 = np.clip(np.floor(y).astype(int), 0, H - 2)
    x0 = np.clip(np.floor(x).astype(int), 0, W - 2)
    return y0, x0, y - y0, x - x0


def sample(image, points):
    """image (C, H, W), points (P, 2) as (row, column) -> (C, P)"""
    y0, x0, fy, fx = corners(points, *image.shape[1:])
    top = image[:, y0, x0] * (1 - fx) + image[:, y0, x0 + 1] * fx
    bottom = image[:, y0 + 1, x0] * (1 - fx) + image[:, y0 + 1, x0 + 1] * fx
    return top * (1 - fy) + bottom * fy


def sample_grad(g, image, points):
    y0, x0, fy, fx = corners(points, *image.shape[1:])
    a, b = image[:, y0, x0], image[:, y0, x0 + 1]
    c, d = image[:, y0 + 1, x0], image[:, y0 + 1, x0 + 1]
    gi = np.zeros_like(image)
    for yy, xx, weight in (
        (y0, x0, (1 - fy) * (1 - fx)),
        (y0, x0 + 1, (1 - fy) * fx),
        (y0 + 1, x0, fy * (1 - fx)),
        (y0 + 1, x0 + 1, fy * fx),
    ):
        np.add.at(gi, (slice(None), yy, xx), g * weight)
    gy = (g * ((c - a) * (1 - fx) + (d - b) * fx)).sum(0)
    gx = (g * ((b - a) * (1 - fy) + (d - c) * fy)).sum(0)
    return gi, np.stack([gy, gx], axis=1)


def deformed(x, offsets):
    """Every place of x (C, H, W) reads where its offset (2, H, W) points to: a 1 x 1 deformable convolution."""
    C, H, W = x.shape
    grid = np.stack(np.meshgrid(np.arange(H), np.arange(W), indexing="ij"), -1).reshape(-1, 2)
    points = grid + offsets.reshape(2, -1).T
    out = sample(x, points).reshape(x.shape)

    def backward(g):
        gx, gp = sample_grad(g.reshape(C, -1), x, points)
        return gx, gp.T.reshape(offsets.shape)

    return out, backward
