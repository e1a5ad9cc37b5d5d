"""Drawing again what must not be drawn: texts and keys that only a few entities of the source hold.

Short ones are hit by chance: there are only so many codes of two letters.  What may be drawn is said by a function
(``Allows``), since who knows it is no concern of the columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Allows = Callable[[pa.Array], npt.NDArray[np.bool_]]
"""Which of the values may be drawn; NULL always may."""
Redraw = Callable[[npt.NDArray[np.int64]], pa.Array]
"""New values for rows of those numbers."""
_ROUNDS = 40


def everything(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Allows all values."""
    return np.ones(len(values), dtype=bool)


def avoiding(
    values: pa.Array, redraw: Redraw, allows: Allows, rng: np.random.Generator, *, unique: bool = False
) -> pa.Array:
    """The values, those that are not allowed drawn again; with ``unique`` no new one stands there twice.

    What is never drawn as an allowed value repeats that of another row; where it may not, or there is none, it stays.
    """
    rows = np.flatnonzero(~allows(values))
    for _ in range(_ROUNDS):
        if not len(rows):
            return values
        fresh = redraw(rows).cast(values.type)
        good = allows(fresh)
        if unique:
            good &= _new(fresh, values)
        values = _replaced(values, rows[good], fresh.filter(pa.array(good)))
        rows = rows[~good]
    donors = np.setdiff1d(np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False)), rows)
    if unique or not len(donors):
        return values
    return _replaced(values, rows, values.take(pa.array(rng.choice(donors, len(rows)))))


def _new(fresh: pa.Array, known: pa.Array) -> npt.NDArray[np.bool_]:
    """Which values are not among the known ones and come for the first time."""
    first = np.zeros(len(fresh), dtype=bool)
    codes = fresh.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    first[np.unique(codes, return_index=True)[1]] = True
    return first & ~pc.is_in(fresh, value_set=known).to_numpy(zero_copy_only=False).astype(bool)


def _replaced(values: pa.Array, rows: npt.NDArray[np.int64], new: pa.Array) -> pa.Array:
    mask = np.zeros(len(values), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(values, pa.array(mask), new)
