"""Right backwards of interpolation, whose slope changes at every whole coordinate or knot."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case

KNOTS = np.array([-2.0, -1.0, 0.0, 0.5, 2.0])
HEIGHTS = np.array([1.0, -0.5, 0.25, 2.0, 1.0])


def cells(coordinate, size):
    """Left neighbours, so that the last coordinate belongs to the last cell."""
    return np.clip(np.floor(coordinate), 0, size - 2).astype(np.int64)


def bilinear_parts(image, rows, columns):
    top, left = cells(rows, image.shape[0]), cells(columns, image.shape[1])
    corners = image[top, left], image[top, left + 1], image[top + 1, left], image[top + 1, left + 1]
    return (top, left), (rows - top, columns - left), corners


def bilinear(image, rows, columns):
    _, (v, h), (a, b, c, d) = bilinear_parts(image, rows, columns)
    return (1 - v) * ((1 - h) * a + h * b) + v * ((1 - h) * c + h * d)


def bilinear_backward(dy, image, rows, columns):
    (top, left), (v, h), (a, b, c, d) = bilinear_parts(image, rows, columns)
    gradient = np.zeros_like(image)
    for place, weight in {
        (0, 0): (1 - v) * (1 - h),
        (0, 1): (1 - v) * h,
        (1, 0): v * (1 - h),
        (1, 1): v * h,
    }.items():
        np.add.at(gradient, (top + place[0], left + place[1]), dy * weight)
    return gradient, dy * ((1 - h) * (c - a) + h * (d - b)), dy * ((1 - v) * (b - a) + v * (d - c))


def lookup(x):
    cell = np.clip(np.searchsorted(KNOTS, x, side="right") - 1, 0, KNOTS.size - 2)
    slopes = np.diff(HEIGHTS) / np.diff(KNOTS)
    return HEIGHTS[cell] + slopes[cell] * (x - KNOTS[cell])


def lookup_backward(dy, x):
    cell = np.clip(np.searchsorted(KNOTS, x, side="right") - 1, 0, KNOTS.size - 2)
    return dy * (np.diff(HEIGHTS) / np.diff(KNOTS))[cell]


WHY = "the gradient of the cell to the right"

CASES = (
    Case(
        name="bilinear sampling at whole coordinates",
        area="sampling",
        inputs={
            "image": [4, 5],
            "rows": {"value": [0.0, 1.0, 2.0, 1.5]},
            "columns": {"value": [1.0, 3.0, 2.25, 2.0]},
        },
        forward=bilinear,
        backward=bilinear_backward,
        why=WHY,
    ),
    Case(
        name="bilinear sampling anywhere",
        area="sampling",
        inputs={
            "image": [4, 5],
            "rows": {"shape": [3], "sample": {"uniform": [0, 3]}},
            "columns": {"shape": [3], "sample": {"uniform": [0, 4]}},
        },
        forward=bilinear,
        backward=bilinear_backward,
        why=WHY,
    ),
    Case(
        name="piecewise linear table at its knots",
        area="sampling",
        inputs={"x": {"value": [-1.0, 0.0, 0.5, 1.0, -2.0]}},
        forward=lookup,
        backward=lookup_backward,
        why=WHY,
    ),
)
