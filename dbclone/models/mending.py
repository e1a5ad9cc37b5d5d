"""Families whose totals may not be what they come to: single rows become such as others are, until they may.

A total over made-up rows can hit a real rare one by chance.  It cannot be moved, as it must stay the sum of its rows.
So one of these is exchanged for a row of another family, if that makes both totals such as are allowed.  Where no
exchange does, rows are replaced by others, first one, then several.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_EXCHANGES, _SINGLE, _SEVERAL = 64, 64, 256
"""Attempts to exchange a row, to replace one, and to replace one more each time."""

Forbidden = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""bool[groups] from rows (int64[m]) and the row that each is like (int64[m]); False for groups without such rows."""


def donors(group: np.ndarray, forbidden: Forbidden, rng: np.random.Generator) -> np.ndarray:
    """The row that each row becomes like, int64[n], −1 for itself; ``group`` int64[n] is its family, −1 for none.

    A family that is forbidden at the end stays as it was, but for rows that others took in exchange.
    """
    rows, like = np.flatnonzero(group >= 0), np.arange(len(group))
    bad = forbidden(rows, rows)
    for _ in range(_EXCHANGES):
        if not bad.any():
            break
        bad = _exchange(group, like, bad, forbidden, rng)
    return np.where(_replaced(group, like, bad, forbidden, rng) == np.arange(len(group)), -1, like)


def _exchange(
    group: np.ndarray, like: np.ndarray, bad: np.ndarray, forbidden: Forbidden, rng: np.random.Generator
) -> np.ndarray:
    """Exchange a row of each forbidden family where that helps it and harms no other; who is forbidden then."""
    ours = rng.permutation(_one_of_each(group, rng.permutation(np.flatnonzero((group >= 0) & bad[group]))))
    theirs = rng.choice(np.flatnonzero(group >= 0), size=len(ours))
    pairs, first = np.stack([group[ours], group[theirs]], axis=1), np.zeros(2 * len(ours), dtype=bool)
    first[np.unique(pairs.ravel(), return_index=True)[1]] = True
    alone = first.reshape(-1, 2).all(axis=1)  # each family takes part in one exchange
    ours, theirs = ours[alone], theirs[alone]
    tried, now, involved = like.copy(), bad.copy(), np.zeros(len(bad), dtype=bool)
    tried[ours], tried[theirs] = like[theirs], like[ours]
    involved[group[ours]] = involved[group[theirs]] = True
    rows = np.flatnonzero((group >= 0) & involved[group])
    now[involved] = forbidden(rows, tried[rows])[involved]
    helps = ~now[group[ours]] & (~now[group[theirs]] | bad[group[theirs]])
    both = np.concatenate([ours[helps], theirs[helps]])
    like[both] = tried[both]
    after = bad.copy()
    after[group[both]] = now[group[both]]
    return after


def _replaced(
    group: np.ndarray, like: np.ndarray, bad: np.ndarray, forbidden: Forbidden, rng: np.random.Generator
) -> np.ndarray:
    """``like`` with rows of the forbidden families replaced, in place; who stays forbidden is left as it was."""
    rows, before = np.flatnonzero((group >= 0) & bad[group]), like.copy()
    for attempt in range(_SINGLE + _SEVERAL):
        rows = rng.permutation(rows[bad[group[rows]]])
        if not len(rows):
            break
        chosen = _one_of_each(group, rows)
        tried = like.copy()
        tried[chosen] = rng.integers(len(group), size=len(chosen))
        bad = forbidden(rows, tried[rows])
        taken = chosen if attempt >= _SINGLE else chosen[~bad[group[chosen]]]
        like[taken] = tried[taken]
    left = rows[bad[group[rows]]]
    like[left] = before[left]
    return like


def _one_of_each(group: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The first of the rows of each family."""
    return rows[np.unique(group[rows], return_index=True)[1]]
