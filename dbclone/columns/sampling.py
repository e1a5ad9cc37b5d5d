"""Bounded samples of a column, the same ones every time, so that cost stays flat on any table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_SAMPLE = 20_000
_STRETCH = 64
"""Rows that are sampled together: whole stretches are cheap to cut out of an Arrow array, single rows are not."""


def sample(values: pa.ChunkedArray | pa.Array, limit: int = _SAMPLE) -> pa.Array:
    """At most about ``limit`` rows in stretches spread evenly over the column; the same ones every time."""
    if len(values) <= limit:
        return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    parts: list[pa.Array] = []
    for start in _stretches(len(values), limit):
        stretch = values.slice(int(start), _STRETCH)
        parts.extend(stretch.chunks if isinstance(stretch, pa.ChunkedArray) else [stretch])
    return pa.concat_arrays(parts)


def sample_rows(rows: int, limit: int = _SAMPLE) -> npt.NDArray[np.int64]:
    """The row numbers that ``sample`` takes."""
    if rows <= limit:
        return np.arange(rows, dtype=np.int64)
    return (_stretches(rows, limit)[:, None] + np.arange(_STRETCH)).ravel()


def _stretches(rows: int, limit: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, rows - _STRETCH, limit // _STRETCH).astype(np.int64)
