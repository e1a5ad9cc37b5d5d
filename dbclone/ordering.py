"""In which order the rows of one parent stand: found in the data, not assumed.

Siblings are drawn one after another, each given the previous one.  How much that tells depends on their order: sorted
by (year, month) the next month is nearly certain, in an arbitrary order it is noise.  The search follows what people
use as such keys: a minimal set of columns that is unique within the parent, dates and times first, then integers whose
steps are predictable (line number, rank); if there is none, the order of the primary key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

MAX_FAMILIES = 2_000
MAX_ROWS = 40_000
"""Whole families are sampled up to these sizes, so that the cost does not grow with the table."""
SEARCH_ROWS = 4_000
"""Rows on which keys of several columns are searched."""
MAX_DUPLICATES = 0.03
"""Share of siblings that may repeat the previous one's key: real data have doubled months."""
MAX_NULLS = 0.05
MAX_COLUMNS = 8
"""Columns that are tried in pairs; the rest are only tried alone."""
MIN_REGULARITY = 0.5
"""An integer is taken for a sort key only if at least this share of its steps can be foretold."""
MIN_CONTIGUITY = 0.8
MAX_TYPICAL_STEP = 1_000
"""Integers that typically jump further are codes, not positions."""
MIN_STEPS = 5
TEMPORAL_BONUS = 0.3
AGREEMENT_BONUS = 0.1
COLUMN_COST = 0.05


@dataclass(frozen=True)
class SortKey:
    """The order of siblings.  An empty ``columns`` means that of the table's rows."""

    columns: tuple[str, ...]
    regularity: float
    """Share of the rows whose step from the previous sibling can be foretold (0 to 1)."""
    unique: bool
    """Whether no two siblings share a key, but for a few percent."""
    contiguity: float = 0.0
    """Share of the rows that follow directly on their previous sibling in the table, 0 where that may be chance."""
    concentration: float = 0.0
    """Bits by which steps are smaller than those of rows strewn evenly over the whole range: sessions, bursts."""


@dataclass(frozen=True)
class _Sample:
    family: Codes
    """Ascending."""
    rows: Codes
    """Positions in the table, ascending within a family."""
    columns: Mapping[str, Codes]


@dataclass(frozen=True)
class _Candidate:
    columns: tuple[str, ...]
    duplicates: float
    regularity: float
    score: float
    typical_step: float

    @property
    def unique(self) -> bool:
        return self.duplicates <= MAX_DUPLICATES


def sort_key(
    family: Codes,
    columns: Mapping[str, npt.NDArray[np.generic]],
    temporal: Collection[str] = (),
    rows_in_key_order: bool = True,
) -> SortKey:
    """Find the order of the rows of each family.

    ``family`` gives each row's family (negative: none); rows stand in the table's own order.  ``columns`` hold integer
    or float codes (NaN: NULL) of the columns that may be sort keys, without identifiers, in declared order;
    ``temporal`` names the dates and times among them.  ``rows_in_key_order`` says whether neighbouring rows are
    evidence at all: they are for a surrogate key, they are not where the primary key contains the family itself.
    """
    sample = _sample(np.asarray(family, dtype=np.int64), _usable(columns))
    if sample is None:
        return SortKey((), 0.0, False)
    contiguity = _contiguity(np.asarray(family)) if rows_in_key_order else 0.0
    best = _choose(_candidates(sample, [c for c in sample.columns if c in set(temporal)]), set(temporal))
    if best is None:
        return SortKey((), 0.0, False, contiguity)
    return SortKey(best.columns, best.regularity, best.unique, contiguity, _concentration(sample, best.columns[0]))


def _usable(columns: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Codes]:
    """The columns as integers, few NULLs as the smallest; columns of fractions or mostly NULL are no sort keys."""
    usable: dict[str, Codes] = {}
    for name, values in columns.items():
        if values.dtype.kind in "iub":
            usable[name] = values.astype(np.int64)
            continue
        numbers = values.astype(np.float64)
        null = np.isnan(numbers)
        whole = not null.all() and bool(np.all(numbers[~null] == np.round(numbers[~null])))
        if whole and null.mean() <= MAX_NULLS and float(np.abs(numbers[~null]).max()) < 2**62:
            filled = np.where(null, numbers[~null].min() - 1, numbers)
            usable[name] = filled.astype(np.int64)
    return usable


def _sample(family: Codes, columns: Mapping[str, Codes]) -> _Sample | None:
    """Whole families, spread evenly over all of them, in the order of the rows; None if no family has two rows."""
    order = np.argsort(family, kind="stable").astype(np.int64)
    order = order[np.searchsorted(family[order], 0) :]
    if len(order) < 2:
        return None
    ids, starts, sizes = np.unique(family[order], return_index=True, return_counts=True)
    ids, starts, sizes = (a[sizes > 1] for a in (ids, starts, sizes))
    if len(ids) == 0:
        return None
    stride = max(1, -(-len(ids) // MAX_FAMILIES), int(-(-sizes.sum() // MAX_ROWS)))
    chosen = np.arange(stride // 2, len(ids), stride) if len(ids) > stride else np.array([int(np.argmin(sizes))])
    pick = np.concatenate([np.arange(starts[i], starts[i] + min(sizes[i], MAX_ROWS)) for i in chosen])
    rows = order[pick]
    return _Sample(family[rows], rows, {name: values[rows] for name, values in columns.items()})


def _contiguity(family: Codes) -> float:
    """Of the rows that have a previous sibling, how many follow directly on it, beyond what chance gives.

    Two random rows belong together with probability sum(p**2); a weak surplus only says that rows came in bursts.
    """
    sizes = np.unique(family[family >= 0], return_counts=True)[1]
    total = int(sizes.sum())
    if total - len(sizes) < MIN_STEPS or len(sizes) < 2:
        return 0.0
    adjacent = np.count_nonzero((family[1:] == family[:-1]) & (family[1:] >= 0))
    share = adjacent / (total - len(sizes))
    chance = float(np.sum((sizes / total) ** 2))
    surplus = (share - chance) / (1.0 - chance)
    return float(surplus) if surplus >= MIN_CONTIGUITY else 0.0


def _candidates(sample: _Sample, temporal: list[str]) -> list[_Candidate]:
    """All single columns; pairs of those that are not unique alone; triples that begin with the three best pairs.

    There are many pairs: they are searched on a smaller sample, and the best few measured again on the whole.
    """
    singles = [_measure(sample, (name,), temporal) for name in sample.columns if _varies(sample, name)]
    ambiguous = [c.columns[0] for c in singles if not c.unique][:MAX_COLUMNS]
    small = _thinned(sample)
    pairs = _measure_all(small, permutations(ambiguous, 2), temporal)
    begun = sorted((p for p in pairs if not p.unique), key=lambda c: c.duplicates)[:3]
    longer = ((*p.columns, name) for p in begun for name in ambiguous if name not in p.columns)
    several = [c for c in pairs + _measure_all(small, longer, temporal) if c.unique]
    best = sorted(several, key=lambda c: c.score, reverse=True)[:3]
    return singles + [_measure(sample, c.columns, temporal) for c in best]


def _thinned(sample: _Sample) -> _Sample:
    """Whole families up to SEARCH_ROWS, at least one."""
    boundaries = np.flatnonzero(np.diff(sample.family)) + 1
    fitting = boundaries[boundaries <= SEARCH_ROWS]
    end = int(fitting[-1]) if len(fitting) else int(boundaries[0]) if len(boundaries) else len(sample.family)
    columns = {name: values[:end] for name, values in sample.columns.items()}
    return _Sample(sample.family[:end], sample.rows[:end], columns)


def _measure_all(sample: _Sample, keys: Iterable[tuple[str, ...]], temporal: list[str]) -> list[_Candidate]:
    """Keys that begin with a date are only extended by what is no date: an end says nothing beyond its start.

    Of those that do not tell siblings apart nobody asks how regular they are.
    """
    wanted = (key for key in keys if not any(name in temporal for name in key[1:]))
    return [_measure(sample, key, temporal, only_unique=True) for key in wanted]


def _varies(sample: _Sample, name: str) -> bool:
    same = sample.family[1:] == sample.family[:-1]
    return bool(np.mean(np.diff(sample.columns[name])[same] != 0) > MAX_DUPLICATES)


def _measure(sample: _Sample, key: tuple[str, ...], temporal: list[str], only_unique: bool = False) -> _Candidate:
    parts = [sample.columns[name] for name in key]
    order = np.lexsort((*reversed(parts), sample.family))
    same = np.flatnonzero(np.diff(sample.family[order]) == 0)
    steps = np.stack([np.diff(part[order])[same] for part in parts])
    moved = np.any(steps != 0, axis=0)
    duplicates = 1.0 - float(np.mean(moved))
    if only_unique and duplicates > MAX_DUPLICATES:
        return _Candidate(key, duplicates, 0.0, 0.0, 0.0)
    regularity = _predictability(steps, parts[-1][order][same], moved)
    score = regularity - COLUMN_COST * (len(key) - 1)
    score += TEMPORAL_BONUS * (key[0] in temporal) + AGREEMENT_BONUS * _agreement(order)
    return _Candidate(key, duplicates, regularity, score, float(np.median(np.abs(steps[-1]))))


def _predictability(steps: Codes, last: Codes, moved: npt.NDArray[np.bool_]) -> float:
    """Share of steps that equal the commonest one: of all, or of those that start from the same last component.

    The second foretells that December is followed by January of the next year.  A row does not vote for itself, so a
    starting value that occurs once foretells nothing.  Standing still is no step.
    """
    code = np.unique(steps[0], return_inverse=True)[1].astype(np.int64)
    for part in steps[1:]:
        _, dense = np.unique(part, return_inverse=True)
        code = np.unique(code * (int(dense.max()) + 1) + dense, return_inverse=True)[1].astype(np.int64)
    overall = np.bincount(code[moved]).max(initial=0) - 1
    _, start = np.unique(last, return_inverse=True)
    joint, votes = np.unique(start[moved] * (int(code.max()) + 1) + code[moved], return_counts=True)
    best = np.zeros(int(start.max()) + 1, dtype=np.int64)
    np.maximum.at(best, joint // (int(code.max()) + 1), votes)
    by_start = np.maximum(best - 1, 0).sum()
    return float(max(int(overall), int(by_start), 0) / steps.shape[1])


def _agreement(order: npt.NDArray[np.intp]) -> float:
    """1 if the rows already stand in this order within their families, else 0; ``order`` keeps that of equal ones."""
    return float(np.array_equal(order, np.arange(len(order))) or np.mean(np.diff(order) == 1) > 1 - MAX_DUPLICATES)


def _choose(candidates: list[_Candidate], temporal: set[str]) -> _Candidate | None:
    """The best unique key; else the best date, ties in the table's order; else None."""

    def eligible(c: _Candidate) -> bool:
        steps_enough = c.regularity >= MIN_REGULARITY and (
            c.columns[-1] in temporal or c.typical_step <= MAX_TYPICAL_STEP
        )
        return c.unique and (steps_enough or (c.columns[0] in temporal and len(c.columns) == 1))

    unique = [c for c in candidates if eligible(c)]
    if unique:
        return max(unique, key=lambda c: round(c.score, 2))
    dates = [c for c in candidates if len(c.columns) == 1 and c.columns[0] in temporal]
    steady = [c for c in candidates if len(c.columns) == 1 and c.score - c.regularity >= AGREEMENT_BONUS]
    return max(dates or steady, key=lambda c: round(c.score, 2), default=None)


def _concentration(sample: _Sample, name: str) -> float:
    values = sample.columns[name]
    order = np.lexsort((values, sample.family))
    ordered, family = values[order].astype(np.float64), sample.family[order]
    same = np.diff(family) == 0
    steps = np.diff(ordered)[same]
    moving = steps[steps > 0]
    if len(moving) < MIN_STEPS:
        return 0.0
    low, high = np.quantile(ordered, (0.01, 0.99))
    _, inverse, sizes = np.unique(family, return_inverse=True, return_counts=True)
    even = (high - low) / sizes[inverse][1:][same]
    unit = float(moving.min())
    return float(np.mean(np.log2((even + unit) / (steps + unit))))
