"""Self-references whose parents go: the rows that stay get another parent."""

from __future__ import annotations

import numpy as np

_ANCESTORS = 12
"""Levels up which a new parent is looked for."""


def adopt(up: np.ndarray, kept: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Refer rows that stay and whose parent goes to its nearest ancestor that stays, else to a row without parent.

    Where every row has a parent, any row that stays will do.  ``up`` int64[n] (−1: none) is changed in place;
    ``kept`` bool[n] says which rows stay.  Returns the rows that were changed, bool[n].
    """
    orphan = kept & (up >= 0) & ~kept[np.maximum(up, 0)]
    homes = np.flatnonzero(kept & (up < 0))
    if not len(homes):
        homes = np.flatnonzero(kept)
    if orphan.any():
        above = up[orphan]
        for _ in range(_ANCESTORS):
            above = np.where(kept[above] | (up[above] < 0), above, up[above])
        up[orphan] = np.where(kept[above], above, homes[rng.integers(len(homes), size=len(above))])
    return orphan
