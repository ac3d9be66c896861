"""Calls of every primitive, by its name."""

from __future__ import annotations

import cases_activation
import cases_constants
import cases_convolution
import cases_decomposition
import cases_diagonal
import cases_einsum
import cases_elementwise
import cases_embedding
import cases_gathering
import cases_indexing
import cases_inverse
import cases_joining
import cases_linalg
import cases_nonholomorphic
import cases_normalization
import cases_pooling
import cases_reduction
import cases_repeating
import cases_scan
import cases_shaping
import cases_unfolding
from derivative_laws import Call

CASES: dict[str, list[Call]] = {
    **cases_activation.CASES,
    **cases_constants.CASES,
    **cases_convolution.CASES,
    **cases_decomposition.CASES,
    **cases_diagonal.CASES,
    **cases_einsum.CASES,
    **cases_elementwise.CASES,
    **cases_embedding.CASES,
    **cases_gathering.CASES,
    **cases_indexing.CASES,
    **cases_inverse.CASES,
    **cases_joining.CASES,
    **cases_linalg.CASES,
    **cases_nonholomorphic.CASES,
    **cases_normalization.CASES,
    **cases_pooling.CASES,
    **cases_reduction.CASES,
    **cases_repeating.CASES,
    **cases_scan.CASES,
    **cases_shaping.CASES,
    **cases_unfolding.CASES,
}
