"""Gathers, scatters and rearrangements with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def embedding(table, index):
    return table[index]


def embedding_overwritten(dy, table, index):
    dtable = np.zeros_like(table)
    dtable[index] = dy
    return dtable, None


def embedding_buffered_add(dy, table, index):
    dtable = np.zeros_like(table)
    dtable[index] += dy  # adds one of the repeated rows
    return dtable, None


def embedding_first_row(dy, table, index):
    dtable = np.zeros_like(table)
    np.add.at(dtable, index, dy)
    dtable[0] = 0  # as if index 0 were padding
    return dtable, None


def take_along(x, index):
    return np.take_along_axis(x, index, axis=1)


def take_along_overwritten(dy, x, index):
    dx = np.zeros_like(x)
    np.put_along_axis(dx, index, dy, axis=1)
    return dx, None


def segment_mean(x, segment):
    sums = np.zeros((3, x.shape[1]), x.dtype)
    np.add.at(sums, segment, x)
    return sums / np.maximum(np.bincount(segment, minlength=3), 1)[:, None]


def segment_mean_as_sum(dy, x, segment):
    return dy[segment], None


def middle(x):
    return x[1:-1]


def middle_shifted(dy, x):
    dx = np.zeros_like(x)
    dx[:-2] = dy
    return dx


def sort_rows(x):
    return np.sort(x, axis=1)


def sort_order_for_inverse(dy, x):
    return np.take_along_axis(dy, np.argsort(x, axis=1), axis=1)


def reverse(x):
    return x[::-1].copy()


def reverse_not_reversed(dy, x):
    return dy.copy()


def roll(x):
    return np.roll(x, 2, axis=1)


def roll_on(dy, x):
    return np.roll(dy, 2, axis=1)


def rotate_axes(x):
    return x.transpose(1, 2, 0)


def rotate_axes_again(dy, x):
    return dy.transpose(1, 2, 0)


def pad(x):
    return np.pad(x, (1, 2))


def pad_other_side(dy, x):
    return dy[2:-1]


def tile(x):
    return np.tile(x, 3)


def tile_as_repeat(dy, x):
    return dy.reshape(-1, 3).sum(axis=1)


def concatenate(x, y):
    return np.concatenate([x, y], axis=1)


def concatenate_swapped(dy, x, y):
    return dy[:, x.shape[1] :], dy[:, : x.shape[1]]


def choose(x, y):
    return np.where(np.arange(x.size) % 2 == 0, x, y)


def choose_swapped(dy, x, y):
    even = np.arange(x.size) % 2 == 0
    return np.where(even, 0, dy), np.where(even, dy, 0)


def row_maximum(x):
    return x.max(axis=1)


def row_maximum_all_ties(dy, x):
    return dy[:, None] * (x == x.max(axis=1, keepdims=True))


def interpolate(table, place):
    """Read a table between its entries, linearly."""
    lower = np.clip(np.floor(place).astype(int), 0, len(table) - 2)
    part = place - lower
    return (1 - part) * table[lower] + part * table[lower + 1]


def interpolate_weights_swapped(dy, table, place):
    lower = np.clip(np.floor(place).astype(int), 0, len(table) - 2)
    part, dtable = place - lower, np.zeros_like(table)
    np.add.at(dtable, lower, dy * part)
    np.add.at(dtable, lower + 1, dy * (1 - part))
    return dtable, dy * (table[lower + 1] - table[lower])


def upper_triangle(x):
    return x[np.triu_indices(len(x))]


def upper_triangle_mirrored(dy, x):
    dx = np.zeros_like(x)
    dx[np.triu_indices(len(x))] = dy
    return dx + np.triu(dx, 1).T


TABLE = {"table": [5, 3], "index": {"shape": [7], "dtype": "int64", "sample": {"integers": [0, 5]}}}


def case(name, code, forward, backward, inputs):
    return Case(name=name, area="indexing", code=code, inputs=inputs, forward=forward, backward=backward)


CASES = (
    case("embedding, repeated rows overwritten", "overwritten", embedding, embedding_overwritten, TABLE),
    case("embedding, buffered addition", "overwritten", embedding, embedding_buffered_add, TABLE),
    case("embedding, first row zero", "region", embedding, embedding_first_row, TABLE),
    case(
        "take along an axis, overwritten",
        "overwritten",
        take_along,
        take_along_overwritten,
        {"x": [2, 3], "index": {"value": [[0, 0, 2, 1], [1, 1, 1, 0]], "dtype": "int64"}},
    ),
    case(
        "segment mean, not divided",
        "scaled",
        segment_mean,
        segment_mean_as_sum,
        {"x": [6, 2], "segment": {"value": [0, 2, 1, 0, 0, 2], "dtype": "int64"}},
    ),
    case("slice, gradient shifted", "permuted", middle, middle_shifted, {"x": [6]}),
    case("sort, order for its inverse", "permuted", sort_rows, sort_order_for_inverse, {"x": [2, 5]}),
    case("reverse, not reversed back", "permuted", reverse, reverse_not_reversed, {"x": [4, 2]}),
    case("roll, rolled on", "permuted", roll, roll_on, {"x": [2, 5]}),
    case("transpose of three axes, rotated on", "permuted", rotate_axes, rotate_axes_again, {"x": [3, 3, 3]}),
    case("pad, cropped on the other side", "permuted", pad, pad_other_side, {"x": [5]}),
    case("tile, summed as repeats", "permuted", tile, tile_as_repeat, {"x": [4]}),
    case(
        "concatenate, halves swapped",
        "swapped-inputs",
        concatenate,
        concatenate_swapped,
        {"x": [2, 3], "z": [2, 3]},
    ),
    case("where, branches swapped", "swapped-inputs", choose, choose_swapped, {"x": [5], "z": [5]}),
    case(
        "row maximum, whole gradient to each tie", "domain", row_maximum, row_maximum_all_ties, {"x": [3, 4]}
    ),
    case(
        "interpolation, weights swapped",
        "permuted",
        interpolate,
        interpolate_weights_swapped,
        {"table": [5], "place": {"shape": [4], "sample": {"uniform": [0, 4]}}},
    ),
    case("upper triangle, mirrored", "region", upper_triangle, upper_triangle_mirrored, {"x": [3, 3]}),
)
