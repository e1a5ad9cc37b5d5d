"""Families whose totals may not be what they come to: single rows become such as others are, until they may.

A total over made-up rows can hit a real rare one by chance.  It cannot be moved, as it must stay the sum of its rows.
So one of these is exchanged for a row of another family, if that makes both totals such as are allowed.  Where no
exchange does, rows are replaced by others, first one, then several.  A row's place among its siblings stays (the first
line of a bill may be of a kind of its own), and what it is worth changes as little as it can: rows that are alike are
tried first, as what a family is worth goes with its owner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

_EXCHANGES, _SINGLE, _SEVERAL = 64, 64, 256
"""Attempts to exchange a row, to replace one, and to replace one more each time."""
_PLACES = 3
"""Places among siblings that are told apart."""

Forbidden = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""bool[groups] from rows (int64[m]) and the row that each is like (int64[m]); False for groups without such rows."""


def donors(group: np.ndarray, worth: np.ndarray, forbidden: Forbidden, rng: np.random.Generator) -> np.ndarray:
    """The row that each row becomes like, int64[n], −1 for itself.

    ``group`` int64[n] is the family of each row, −1 for none, ``worth`` float64[n] what it adds.  A family that is
    forbidden at the end stays as it was, but for rows that others took in exchange.
    """
    rows, like = np.flatnonzero(group >= 0), np.arange(len(group))
    near, bad = _Near.of(group, worth, rng), forbidden(rows, rows)
    for attempt in range(_EXCHANGES):
        if not bad.any():
            break
        bad = _exchange(group, like, bad, forbidden, near.at(attempt / _EXCHANGES))
    _replace(group, like, bad, forbidden, near)
    return np.where(like == np.arange(len(group)), -1, like)


@dataclass(frozen=True)
class _Near:
    """Draws rows of the same place among siblings that are worth about the same."""

    order: np.ndarray
    """The rows by place, then by what they are worth."""
    position: np.ndarray
    """Of each row in that order."""
    first: np.ndarray
    last: np.ndarray
    """Of each row: where its place begins and ends in that order."""
    rng: np.random.Generator
    far: float = 0.0
    """From 0, the next row, to 1, any of the place."""

    @classmethod
    def of(cls, group: np.ndarray, worth: np.ndarray, rng: np.random.Generator) -> _Near:
        place = np.minimum(_places(group), _PLACES)
        order = np.lexsort((rng.random(len(group)), worth, place))
        position = np.empty(len(group), dtype=np.int64)
        position[order] = np.arange(len(group))
        first, last = (np.searchsorted(place[order], place, side=side) for side in ("left", "right"))
        return cls(order, position, first, last - 1, rng)

    def at(self, far: float) -> _Near:
        return replace(self, far=far)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        width = int(np.ceil(len(self.order) ** self.far))
        low = np.maximum(self.position[rows] - width, self.first[rows])
        high = np.minimum(self.position[rows] + width, self.last[rows])
        drawn: np.ndarray = self.order[self.rng.integers(low, high + 1)]
        return drawn

    def one_of_each(self, group: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """One of the rows of each family, in any order."""
        mixed = self.rng.permutation(rows)
        return self.rng.permutation(mixed[np.unique(group[mixed], return_index=True)[1]])


def _places(group: np.ndarray) -> np.ndarray:
    """How many rows of its family stand before each row."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], group[order])
    places = np.empty(len(group), dtype=np.int64)
    places[order] = np.arange(len(group)) - starts
    return places


def _exchange(group: np.ndarray, like: np.ndarray, bad: np.ndarray, forbidden: Forbidden, near: _Near) -> np.ndarray:
    """Exchange a row of each forbidden family where that helps it and harms no other; who is forbidden then."""
    ours = near.one_of_each(group, np.flatnonzero((group >= 0) & bad[group]))
    theirs = near(ours)
    pairs, first = np.stack([group[ours], group[theirs]], axis=1), np.zeros(2 * len(ours), dtype=bool)
    first[np.unique(pairs.ravel(), return_index=True)[1]] = True
    alone = first.reshape(-1, 2).all(axis=1) & (group[theirs] >= 0)  # each family takes part in one exchange
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


def _replace(group: np.ndarray, like: np.ndarray, bad: np.ndarray, forbidden: Forbidden, near: _Near) -> None:
    """Replace rows of the forbidden families in ``like``; what stays forbidden is left as it was."""
    rows, before = np.flatnonzero((group >= 0) & bad[group]), like.copy()
    for attempt in range(_SINGLE + _SEVERAL):
        rows = rows[bad[group[rows]]]
        if not len(rows):
            return
        chosen, tried = near.one_of_each(group, rows), like.copy()
        tried[chosen] = near.at((attempt + 1) / _SINGLE if attempt < _SINGLE else 1.0)(chosen)
        bad = forbidden(rows, tried[rows])
        taken = chosen if attempt >= _SINGLE else chosen[~bad[group[chosen]]]
        like[taken] = tried[taken]
    left = rows[bad[group[rows]]]
    like[left] = before[left]
