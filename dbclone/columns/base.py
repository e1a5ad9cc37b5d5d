"""What every column codec can do.

Two shapes serve the models.  A *coded* column is a set of codes without order (categories, text shapes).  A *measured*
column is a number on a lattice (integers, cents, days, quarter hours); the models discretise it themselves, and refer
it to other measured columns (a gap to the previous sibling, a delay after the parent's date).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa

NULL = 0
"""The code of NULL in every codec, whether or not the column has NULLs."""


class CodedColumn(Protocol):
    """Codes 0 … size − 1 (int32); code 0 is NULL."""

    @property
    def size(self) -> int: ...

    def encode(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray: ...

    def decode(self, codes: np.ndarray, rng: np.random.Generator, unique: bool = False) -> pa.Array: ...


class MeasuredColumn(Protocol):
    """Numbers in lattice units (float64 that hold integers exactly where ``lattice``); NaN is NULL."""

    @property
    def lattice(self) -> bool: ...

    def measure(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray: ...

    def restore(self, raw: np.ndarray) -> pa.Array: ...


def contiguous(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One array of all chunks."""
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    return values


def entity_counts(codes: np.ndarray, size: int, entities: np.ndarray | None) -> np.ndarray:
    """How many distinct entities hold each code (rows, where ``entities`` is None); int64[size]."""
    if entities is None:
        return np.bincount(codes, minlength=size)
    pairs = np.unique(codes.astype(np.int64) * (int(entities.max(initial=0)) + 2) + entities + 1)
    return np.bincount((pairs // (int(entities.max(initial=0)) + 2)).astype(np.int64), minlength=size)
