"""Places of a lattice where no drawn number may stand: all that fewer than k entities hold, and about as many others.

A number drawn from an interval can hit a real rare one by chance.  A sieve closes, by one bit of a hash table per rare
number, the place of each rare number together with a third to two thirds of all other places; a draw that falls on a
closed place moves to the nearest open one.  So a clone avoids the rare numbers, while a closed place says next to
nothing: to know it makes a number at most two and a half times as likely.  Where a lattice is small and most of its
places are in use (months, ages), or no open place is near, the draw stays: there a hit tells nothing.
(Bloom 1970, "Space/time trade-offs in hash coding with allowable errors", with one hash function.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dbclone.models.compiled import inner, kernel
from dbclone.privacy.protection import Guard

_LEAST_CLOSED = 0.4
"""Share of places closed at least: decoys, drawn from a seed that only the source knows, make up what lacks."""
REACH = 16
"""Lattice steps to look for an open place."""
_FARTHEST = 2.0**52
CROWDED = 0.5
_SMALL = 100
"""A lattice of at most so many places, of which such a share is in use, has no sieve: months, hours, ages."""


@dataclass(frozen=True)
class Sieve:
    """``closed`` uint8[2ᵐ] by hash (empty: all places are open); ``kept`` are rising numbers that stay open."""

    closed: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    kept: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rare: tuple[int, int] = (0, 0)
    """How many numbers are rare, and in how many rows they stand."""

    @classmethod
    def fit(cls, raw: np.ndarray, guard: Guard) -> Sieve:
        """From the lattice numbers of a step (NaN is NULL); of a continuum, from the whole numbers on it."""
        held = np.flatnonzero(raw == np.floor(raw))
        if not guard.on or not len(held) or np.abs(raw[held]).max() > _FARTHEST:
            return cls()
        distinct, rank = np.unique(raw[held], return_inverse=True)
        common = guard.take(held).held(rank, len(distinct))
        rare = distinct[~common]
        told = len(rare), int((~common)[rank].sum())
        if not len(rare) or is_small_domain(raw[held]):
            return cls(rare=told)
        closed = np.zeros(max(8, 1 << int(np.ceil(np.log2(len(rare))))), dtype=np.uint8)
        closed[[place(number, len(closed)) for number in rare.tolist()]] = 1
        decoys = np.random.default_rng(np.abs(rare).astype(np.uint64)).permutation(len(closed))
        closed[decoys[: max(0, int(np.ceil(_LEAST_CLOSED * len(closed))) - int(closed.sum()))]] = 1
        return cls(closed, distinct[common], told)


def is_small_domain(numbers: np.ndarray) -> bool:
    """Whether the numbers (float64[n], no NaN) are most of a small range, so that none of them tells anything."""
    return 0 < float(np.ptp(numbers)) < _SMALL and crowded(numbers) >= CROWDED


def crowded(numbers: np.ndarray) -> float:
    """Share of the lattice's places that numbers (float64[n], no NaN) take where the middle nine tenths of them lie."""
    low, high = np.quantile(numbers, [0.05, 0.95], method="nearest")
    inner_ones = numbers[(numbers >= low) & (numbers <= high)]
    return float(len(np.unique(inner_ones)) / (high - low + 1))


@kernel
def place(number, size):  # type: ignore[no-untyped-def]
    """Bit of a number in a table of ``size`` (a power of two) bits: multiplicative hashing (Knuth 1973, 6.4)."""
    mixed = np.uint64(np.int64(number)) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1))


@inner
def _is_open(closed, kept, number):  # type: ignore[no-untyped-def]
    if not closed[place(number, closed.shape[0])]:
        return True
    i = np.searchsorted(kept, number)
    return i < kept.shape[0] and kept[i] == number


@kernel
def opened(closed, kept, number, low, high):  # type: ignore[no-untyped-def]
    """The nearest open number between ``low`` and ``high``, upwards first; the number itself if none is near."""
    if closed.shape[0] == 0 or number != np.floor(number) or _is_open(closed, kept, number):
        return number
    for distance in range(1, REACH + 1):
        if number + distance <= high and _is_open(closed, kept, number + distance):
            return number + distance
        if number - distance >= low and _is_open(closed, kept, number - distance):
            return number - distance
    return number


NO_SIEVE = Sieve()
