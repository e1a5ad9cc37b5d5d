"""Where no drawn number may stand: on none that fewer than k entities hold, by rules that k entities share.

A number drawn from an interval can hit a real rare one by chance.  A sieve cuts the lattice into cells of which each
holds the rare numbers of at least k entities, and allows in a cell only the numbers of some residue classes that are
free of them: of a modulus m up to 32 as many as may be, but no more than half of the m.  (One class alone, the first
that is free, would leave few numbers to meet in.)  A draw beside them moves to the nearest number that is allowed;
numbers that k entities hold stay.  So a clone avoids all rare numbers, while nothing in the model stems from fewer than
k entities, and to know it makes a number at most twice as likely to be real (m / (m − a) for a classes of m).  Any rule
that makes clones avoid the rare numbers tells as much: whoever draws enough clones sees where none ever stands.

Where nearly all numbers are somebody's, draws move to the next one that k entities hold or nobody has; in a short range
(months, hours, marks) only those are allowed that k entities hold, or there would be a thirteenth month.  Only where
the whole range has no such number (the months in a table of twelve rows), or a key needs them all (places, periods),
there is no sieve: whatever stands there is a hit, and tells what is known without it.  Of a calendar, all days are
allowed in and around a cell where most of them are in use: moving them would tear it apart, and leave nothing but
Sundays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dbclone.columns.soundness import require, require_vectors
from dbclone.models.compiled import inner, kernel
from dbclone.models.holding import runs
from dbclone.privacy.protection import Guard

_FARTHEST = 2.0**52
_MOST_DAYS, _AROUND = 0.75, 12.0
"""Share of the days around that are in use from which on a calendar is let alone."""
_SHORT, _NEARLY_ALL = 24, 0.9
"""Range of numbers, and the share of it in use, of which the bounds are meant."""
_LARGEST = 4096
"""Modulus that is tried at most, in cells where few entities hold many numbers."""
_USUAL = 16
_SETS = 32
"""Modulus up to which several classes are allowed."""
_CLASSES = 16
"""Beyond the usual moduli a class must have about so many numbers in its cell, or all draws would meet in a few."""

Reals = npt.NDArray[np.float64]


def _none() -> Reals:
    return np.zeros(0)


@dataclass(frozen=True)
class Sieve:
    """Cells by their rising starts, the first without one; empty: every number is allowed."""

    cuts: Reals = field(default_factory=_none)
    """Start of each cell but the first, float64[cells − 1]."""
    moduli: Reals = field(default_factory=_none)
    """float64[cells]; 0: nothing but kept numbers is allowed."""
    classes: Reals = field(default_factory=_none)
    """float64[cells]: bit r for each residue r that is allowed, of a modulus beyond 32 the one residue itself."""
    kept: Reals = field(default_factory=_none)
    """Rising numbers that k entities hold."""
    rare: tuple[int, int] = (0, 0)
    """How many numbers are rare, and in how many rows they stand."""

    def __post_init__(self) -> None:
        require_vectors("a sieve", "f", self.moduli, self.classes)
        require_vectors("a sieve", "f", self.cuts)
        require_vectors("a sieve", "f", self.kept)
        require(len(self.cuts) == max(len(self.moduli) - 1, 0), "a sieve")

    @classmethod
    def fit(
        cls, raw: Reals, guard: Guard, others: Sequence[Reals] = (), *, calendar: bool = False, in_key: bool = False
    ) -> Sieve:
        """From the lattice numbers of a step (NaN is NULL); of a continuum, from the whole numbers on it.

        What is rare in one of ``others`` (float64[n] each) is not allowed either: columns that share a sieve keep
        their order and what is equal in them.  A ``calendar`` is let alone where most of it is in use; what stands
        ``in_key`` of the table, where a short range is: rows that it tells apart need all its numbers.
        """
        if not guard.on:
            return cls()
        held = np.flatnonzero(raw == np.floor(raw))
        if not len(held) or np.abs(raw[held]).max() > _FARTHEST:
            return cls()
        found = [_divided(numbers, guard) for numbers in (raw, *others)]
        told = len(np.unique(raw[found[0][0]])), len(found[0][0])
        known_range = _is_known_range(raw[held])
        if not any(len(rows) for rows, _ in found) or (in_key and known_range):
            return cls(rare=told)
        rare = np.concatenate([n[rows] for n, (rows, _) in zip((raw, *others), found, strict=True)])
        entities = np.concatenate([guard.entities[rows] for rows, _ in found])
        rng = np.random.default_rng(np.abs(np.unique(rare)).astype(np.uint64))
        numbers, starts = _cells(*_padded(rare, entities, guard.k, rng), guard.k)
        cuts = _roundest(numbers[starts[1:] - 1], numbers[starts[1:]])
        moduli, classes = free_classes(numbers, starts, rng.random(len(starts)))
        kept = np.setdiff1d(np.concatenate([common for _, common in found]), rare)
        if len(kept) and known_range:
            moduli[:] = 0.0
        if calendar:
            full = _most_in_use(numbers, starts, kept)
            moduli[full], classes[full] = 1.0, 1.0
        found_any = len(kept) > 0 or moduli.any()
        return cls(cuts, moduli, classes, kept, told) if found_any else cls(rare=told)

    @property
    def on(self) -> bool:
        """Whether anything is forbidden."""
        return len(self.moduli) > 0

    @property
    def crowded(self) -> bool:
        """Whether there is a part of a calendar where all days are allowed."""
        return bool((self.moduli == 1.0).any())

    def allows(self, number: float) -> bool:
        """Whether a number may stand as it is."""
        place = (float(number), -np.inf, np.inf)
        return bool(allowed(self.cuts, self.moduli, self.classes, self.kept, place) == number)

    def passed(self, numbers: Reals, low: Reals | None = None) -> Reals:
        """The numbers (NaN is NULL), each moved to the nearest one that is allowed and not below ``low``."""
        if not self.on:
            return numbers
        floors = np.full(len(numbers), -np.inf) if low is None else low
        moved: Reals = all_allowed(self.cuts, self.moduli, self.classes, self.kept, numbers, floors)
        return moved


NO_SIEVE = Sieve()


def _is_known_range(numbers: Reals) -> bool:
    """Whether numbers (float64[n], no NaN) are nearly all of a short range: months, hours, marks."""
    span = float(np.ptp(numbers))
    return 0 < span < _SHORT and len(np.unique(numbers)) >= _NEARLY_ALL * (span + 1)


def _divided(raw: Reals, guard: Guard) -> tuple[npt.NDArray[np.int64], Reals]:
    """The rows whose whole numbers fewer than k entities hold, and the numbers that k entities hold."""
    held = np.flatnonzero(raw == np.floor(raw))
    distinct, rank = np.unique(raw[held], return_inverse=True)
    common = guard.take(held).held(rank, len(distinct))
    return held[~common[rank]], distinct[common]


def _padded(
    raw: Reals, entities: npt.NDArray[np.int64], k: int, rng: np.random.Generator
) -> tuple[Reals, npt.NDArray[np.int64]]:
    """With invented numbers of invented entities where fewer than k hold any rare number."""
    lacking = k - len(np.unique(entities))
    if lacking <= 0:
        return raw, entities
    middle, spread = float(np.median(raw)), 8.0 * k + float(np.ptp(raw))
    invented = np.round(middle + spread * (rng.random(lacking) - 0.5))
    return np.append(raw, invented), np.append(entities, entities.max() + 1 + np.arange(lacking))


def _cells(raw: Reals, entities: npt.NDArray[np.int64], k: int) -> tuple[Reals, npt.NDArray[np.int64]]:
    """The different rare numbers, rising, and the first of each cell, which holds those of at least k entities."""
    order = np.argsort(raw, kind="stable")
    numbers, rank = np.unique(raw[order], return_inverse=True)
    entity = np.unique(entities[order], return_inverse=True)[1].astype(np.int64)
    latest = np.full(int(entity.max()) + 1, -1, dtype=np.int64)
    starts, holding = runs(rank.astype(np.int64), entity, np.zeros(len(numbers), dtype=bool), 1, k, latest)
    if len(starts) > 1 and holding[-1] < k:
        starts = starts[:-1]
    return numbers, rank[starts].astype(np.int64)


def _most_in_use(rare: Reals, starts: npt.NDArray[np.int64], kept: Reals) -> npt.NDArray[np.bool_]:
    """The cells in and around which most days are in use, bool[cells]."""
    used = np.union1d(rare, kept)
    ends = np.append(starts[1:], len(rare))
    low = np.maximum(rare[np.append(starts[:1], starts[:-1])] - _AROUND, used[0])
    high = np.minimum(rare[np.append(ends[1:], ends[-1:]) - 1] + _AROUND, used[-1])
    inside = np.searchsorted(used, high) - np.searchsorted(used, low)
    full: npt.NDArray[np.bool_] = (inside >= _MOST_DAYS * (high - low)) & (high - low >= _AROUND)
    return full


def _roundest(below: Reals, above: Reals) -> Reals:
    """Between two whole numbers (below < … ≤ above) the one with the most factors of two: it tells least of them."""
    cuts = above.copy()
    for power in range(53):
        step = 2.0**power
        candidate = np.floor(above / step) * step
        cuts = np.where(candidate > below, candidate, cuts)
    return cuts


@kernel
def free_classes(numbers, starts, luck):  # type: ignore[no-untyped-def]
    """Per cell the modulus with the largest share of classes to allow, and these; 0 where no class is free."""
    moduli, classes = np.zeros(len(starts)), np.zeros(len(starts))
    used = np.zeros(_LARGEST, np.bool_)
    for c in range(len(starts)):
        end = starts[c + 1] if c + 1 < len(starts) else len(numbers)
        width = numbers[end - 1] - numbers[starts[c]] + 1
        best = 0.0
        for m in range(2, int(min(_SETS, max(width, 2))) + 1):
            allow = min(_free(numbers[starts[c] : end], used, m), m // 2)
            if allow / m > best:
                best = allow / m
                moduli[c], classes[c] = m, _some(used[:m], allow, luck[c])
        for m in range(_SETS + 1, int(min(_LARGEST, max(_USUAL, width // _CLASSES))) + 1):
            if best > 0.0:
                break
            free = _free(numbers[starts[c] : end], used, m)
            if free > 0:
                best = 1.0 / m
                moduli[c], classes[c] = m, _one(used[:m], int(luck[c] * free))
    return moduli, classes


@inner
def _free(numbers, used, m):  # type: ignore[no-untyped-def]
    """How many classes of the modulus no number is in; ``used`` says of each whether one is."""
    used[:m] = False
    free = m
    for i in range(numbers.shape[0]):
        residue = int(numbers[i] - np.floor(numbers[i] / m) * m)
        if not used[residue]:
            used[residue] = True
            free -= 1
            if free == 0:
                break
    return free


@inner
def _one(used, wanted):  # type: ignore[no-untyped-def]
    """The free class of that number."""
    for residue in range(used.shape[0]):
        if not used[residue]:
            if wanted == 0:
                return residue
            wanted -= 1
    return -1


@inner
def _some(used, allow, luck):  # type: ignore[no-untyped-def]
    """So many of the free classes, as bits: those that come first in an order that ``luck`` in [0, 1) decides."""
    bits = 0
    taken = used.copy()
    for _ in range(allow):
        best, first = -1, 2.0
        for residue in range(taken.shape[0]):
            place = (luck + 1.0) * (residue + 1.0) * 7919.618033988
            place -= np.floor(place)
            if not taken[residue] and place < first:
                best, first = residue, place
        taken[best] = True
        bits += 1 << best
    return float(bits)


@inner
def _distance(number, m, classes, up):  # type: ignore[no-untyped-def]
    """How far the next number of an allowed class is, from the number on."""
    residue = int(number - np.floor(number / m) * m)
    if m > _SETS:
        ahead = (classes - residue) if up else (residue - classes)
        return ahead if ahead >= 0 else ahead + m
    bits, size = int(classes), int(m)
    for step in range(size):
        at = (residue + step if up else residue - step + size) % size
        if (bits >> at) & 1:
            return float(step)
    return np.inf


@inner
def _upwards(cuts, moduli, classes, number, high):  # type: ignore[no-untyped-def]
    """The next allowed number of a class, from the number on; infinity where none is up to ``high``."""
    at = number
    cell = np.searchsorted(cuts, at, side="right")
    while at <= high:
        end = cuts[cell] if cell < cuts.shape[0] else np.inf
        m = moduli[cell]
        if m > 0:
            above = at + _distance(at, m, classes[cell], True)
            if above < end:
                return above
        if cell >= cuts.shape[0]:
            break
        at, cell = end, cell + 1
    return np.inf


@inner
def _downwards(cuts, moduli, classes, number, low):  # type: ignore[no-untyped-def]
    at = number
    cell = np.searchsorted(cuts, at, side="right")
    while at >= low:
        start = cuts[cell - 1] if cell > 0 else -np.inf
        m = moduli[cell]
        if m > 0:
            below = at - _distance(at, m, classes[cell], False)
            if below >= start:
                return below
        if cell == 0:
            break
        at, cell = start - 1, cell - 1
    return -np.inf


@kernel
def allowed(cuts, moduli, classes, kept, place):  # type: ignore[no-untyped-def]
    """The allowed number nearest to one, within bounds (``place``: number, low, high); itself if there is none."""
    number, low, high = place
    if moduli.shape[0] == 0 or number != np.floor(number):
        return number
    i = np.searchsorted(kept, number)
    above = kept[i] if i < kept.shape[0] else np.inf
    if above == number:
        return number
    below = kept[i - 1] if i > 0 else -np.inf
    above = min(above, _upwards(cuts, moduli, classes, number, min(above, high)))
    below = max(below, _downwards(cuts, moduli, classes, number, max(below, low)))
    up, down = above <= high and above < np.inf, below >= low and below > -np.inf
    if up and (not down or above - number <= number - below):
        return above
    return below if down else number


@kernel
def all_allowed(cuts, moduli, classes, kept, numbers, low):  # type: ignore[no-untyped-def]
    """Each number moved as by ``allowed``, to none below its ``low``; NaN stays."""
    moved = numbers.copy()
    for i in range(numbers.shape[0]):
        if not np.isnan(numbers[i]):
            moved[i] = allowed(cuts, moduli, classes, kept, (numbers[i], low[i], np.inf))
    return moved
