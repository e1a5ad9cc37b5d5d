"""UNIQUE keys of drawn rows: finding rows that repeat a key, and moving them to free places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

_FARTHEST = 64
"""Permitted places on each side that are tried to make a number unique."""
_MANY = 2_000
"""Places more that are tried at most where many rows are to move: those before may have taken the nearest."""
_FARTHEST_OF_ALL = 4_096
"""Lattice steps in which they are looked for."""


def key_numbers(columns: Sequence[pa.Array]) -> np.ndarray:
    """Equal numbers for equal tuples, int64[n]; −1 where any member is NULL."""
    joint = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values = column.dictionary_encode()
        code = values.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        joint = np.where((joint < 0) | (code < 0), -1, joint * (len(values.dictionary) + 1) + code)
        held = joint >= 0
        joint[held] = np.unique(joint[held], return_inverse=True)[1]
    return joint


def repeats(columns: Sequence[pa.Array], nulls_distinct: bool = True) -> np.ndarray:
    """Rows whose key an earlier row has, int64, ascending."""
    if nulls_distinct:
        numbers = key_numbers(columns)
        rows = np.flatnonzero(numbers >= 0)
    else:
        numbers = key_numbers([*columns, *(c.is_null() for c in columns)] if len(columns) == 1 else _filled(columns))
        rows = np.arange(len(numbers))
    order = rows[np.argsort(numbers[rows], kind="stable")]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = numbers[order[1:]] == numbers[order[:-1]]
    return np.sort(order[same])


def _filled(columns: Sequence[pa.Array]) -> list[pa.Array]:
    """Each column as dictionary codes, NULL among them as a value."""
    return [pa.array(key_numbers([c]) + 1) for c in columns]


def moved_apart(
    numbers: np.ndarray,
    others: np.ndarray,
    rows: np.ndarray,
    step: float,
    bounds: tuple[float, float],
    *,
    permits: Callable[[float], bool] = lambda _: True,
) -> np.ndarray:
    """The numbers with those of ``rows`` moved to the nearest free lattice place, within their group of ``others``.

    numbers float64[n], others int64[n] (equal where the rest of the key is equal).  Rows that find no free place
    within the bounds and 64 steps that are permitted, or some more where many are to move, keep their number.
    """
    farthest = 2 * _FARTHEST + min(len(rows), _MANY)
    out = numbers.copy()
    touched = np.isin(others, others[rows])
    taken = set(zip(others[touched].tolist(), numbers[touched].tolist(), strict=True))
    for row in rows.tolist():
        group, value = int(others[row]), float(out[row])
        for place in islice((v for v in _around(value, step, bounds) if permits(v)), farthest):
            if (group, place) not in taken:
                taken.add((group, place))
                out[row] = place
                break
    return out


def _around(value: float, step: float, bounds: tuple[float, float]) -> Iterator[float]:
    """Places within the bounds, the nearest first, those above before those below."""
    for distance in range(1, _FARTHEST_OF_ALL):
        above, below = value + distance * step, value - distance * step
        if above > bounds[1] and below < bounds[0]:
            return
        yield from (v for v in (above, below) if bounds[0] <= v <= bounds[1])


def recoded(codes: np.ndarray, others: np.ndarray, rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The codes (int32[n], 1 … size − 1) with those of ``rows`` changed to one that is free in their group."""
    out = codes.copy()
    touched = np.isin(others, others[rows])
    taken = set(zip(others[touched].tolist(), codes[touched].tolist(), strict=True))
    for row in rows.tolist():
        group = int(others[row])
        for code in (1 + rng.permutation(size - 1)).tolist() if size > 1 else []:
            if (group, code) not in taken:
                taken.add((group, code))
                out[row] = code
                break
    return out
