"""Arithmetic between the columns of a row (and of its parents): totals, taxes, durations, kept by computing them.

Candidates are tried on a handful of rows and verified on all; a rule is kept at ≥ 99.5% support among the rows in
which it says something (no operand 0, no factor 1).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from dbclone.models.operations import EVERY, PARTS, PLAIN, RANK, SCALED, SPANS, SUMS, SYMMETRIC, Operation, operands_of

SUPPORT = 0.995
MOST_COLUMNS = 24
_SKETCH = 48
_CLEARLY = 4
"""So many times the values of another column are clearly more."""
_TELLING = 20
"""Rows in which the rule says something that are needed at least."""

_DIFFERENT = 10
"""Different values of a target from which on a constant factor is no chance."""
_EXACT = 0.01
"""How exactly, relative to itself, the rows must tell a constant factor."""
_MOST_ROWS = 0.97
"""Share of a handful of rows that one factor must serve."""

Proposal = tuple[str, str, tuple[str, ...], float]
"""Target, operation, operands, factor."""


@dataclass(frozen=True)
class Formula:
    """``target`` is ``factor`` times the operation on the operands, rounded to the target's lattice."""

    target: str
    operation: str
    operands: tuple[str, ...]
    support: float
    factor: float = 1.0

    def __str__(self) -> str:
        names = dict(zip("abc", self.operands, strict=False))
        text = re.sub(r"\b[abc]\b", lambda letter: names[letter[0]], self.operation)
        return f"{self.target} = {text}" if self.factor == 1.0 else f"{self.target} = {self.factor:g} * {text}"


def compute(formula: Formula, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The target's values, float64[n], not rounded; NaN where an operand is."""
    return formula.factor * EVERY[formula.operation](*(values[name] for name in formula.operands))


def find_formulas(
    targets: Sequence[str],
    values: Mapping[str, np.ndarray],
    units: Mapping[str, float],
    dates: Collection[str] = (),
) -> tuple[Formula, ...]:
    """Formulas for as many targets as there are, without circles; float64[n] each, NaN for NULL.

    ``values`` may hold columns that are no targets; ``units`` are the lattice steps of the targets (0: a continuum);
    ``dates`` are those of the values that are dates, in days.
    """
    names = [n for n in values if _varied(values[n])][:MOST_COLUMNS]
    n = len(next(iter(values.values()))) if values else 0
    if n < 2 * _TELLING or len(names) < 2:
        return ()
    sketch = {name: values[name][_sketch_rows(values, names, n)] for name in names}
    various = {name: len(np.unique(values[name])) for name in names}
    found: dict[str, Formula] = {}
    columns = _Columns(tuple(targets), tuple(names), sketch, units, frozenset(dates))
    for proposals in (columns.parts, columns.pairs, columns.triples, columns.scaled):
        ordered = sorted(proposals(found), key=lambda p: _preference(p, names, various, units))
        for target, operation, operands, factor in ordered:
            if target in found or _circular(found, target, operands) or _says_the_same(found, target, operands):
                continue
            if len(operands) == 3 and any(set(operands) & {target, *found[o].operands} for o in operands if o in found):
                continue
            if factor != 1.0:  # a handful of rows tells it within bounds, all rows to the digit
                made = EVERY[operation](*(values[o] for o in operands))
                factor = _factor(values[target], made, units[target], 0.998) or factor
            support = _support(target, (operation, factor), operands, values, units[target])
            if support >= SUPPORT:
                found[target] = Formula(target, operation, operands, support, factor)
    return tuple(_in_order(found))


def _varied(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return len(known) >= _TELLING and bool(known.min() < known.max())


def _sketch_rows(values: Mapping[str, np.ndarray], names: Sequence[str], n: int) -> np.ndarray:
    """Rows in which most columns say something."""
    pick = np.random.default_rng(0).permutation(n)[:2_000]
    telling = sum(((np.nan_to_num(values[name][pick]) != 0) & (values[name][pick] != 1)).astype(int) for name in names)
    return pick[np.argsort(-np.asarray(telling), kind="stable")[:_SKETCH]]


@dataclass(frozen=True)
class _Columns:
    """A handful of rows on which formulas are tried."""

    targets: tuple[str, ...]
    names: tuple[str, ...]
    sketch: Mapping[str, np.ndarray]
    units: Mapping[str, float]
    dates: frozenset[str]

    def parts(self, found: Mapping[str, Formula]) -> Iterator[Proposal]:
        """Parts of dates."""
        return self._fitting(found, PARTS, 1, self._dated)

    def pairs(self, found: Mapping[str, Formula]) -> Iterator[Proposal]:
        """What one or two columns give."""
        yield from self._fitting(found, SPANS, 2, self._dated)
        yield from self._fitting(found, PLAIN, 2, self.names)
        yield from self._fitting(found, PLAIN, 1, self._undated)

    def triples(self, found: Mapping[str, Formula]) -> Iterator[Proposal]:
        """What three columns give, where there are few enough."""
        return self._fitting(found, PLAIN, 3, self.names if len(self.names) <= MOST_COLUMNS // 2 else ())

    def scaled(self, found: Mapping[str, Formula]) -> Iterator[Proposal]:
        """What one or two columns give with a constant factor."""
        open_ = self._open(found)
        if not open_:
            return
        there, room = self._there(open_)
        for operation, operands in _choices(SCALED, 1, self._undated) + _choices(SCALED, 2, self._undated):
            made = EVERY[operation](*(self.sketch[o] for o in operands))
            for i in np.flatnonzero(_may_be_scaled(there, room, made)):
                target = open_[i]
                factor = None if target in operands else _factor(there[i], made, self.units[target], _MOST_ROWS)
                if factor is not None:
                    yield target, operation, operands, factor

    @property
    def _dated(self) -> list[str]:
        return [name for name in self.names if name in self.dates]

    @property
    def _undated(self) -> list[str]:
        return [name for name in self.names if name not in self.dates]

    def _there(self, targets: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Values of the targets, and how far a computed one may be from them; float64[targets, rows] both."""
        return (
            np.array([self.sketch[t] for t in targets]),
            np.array([_tolerance(self.sketch[t], self.units[t]) for t in targets]),
        )

    def _open(self, found: Mapping[str, Formula]) -> list[str]:
        return [t for t in self.targets if t in self.sketch and t not in found]

    def _fitting(
        self, found: Mapping[str, Formula], operations: Mapping[str, Operation], arity: int, among: Sequence[str]
    ) -> Iterator[Proposal]:
        open_ = self._open(found)
        if not open_:
            return
        there, room = self._there(open_)
        for operation, operands in _choices(operations, arity, among):
            made = EVERY[operation](*(self.sketch[o] for o in operands))
            near = np.abs(there - made) <= room
            known = ~np.isnan(there) & ~np.isnan(made)
            hits = (near & known).sum(axis=1) >= np.maximum(0.96 * known.sum(axis=1), _TELLING // 2)
            for i in np.flatnonzero(hits):
                if open_[i] not in operands:
                    yield open_[i], operation, operands, 1.0


def _may_be_scaled(there: np.ndarray, room: np.ndarray, made: np.ndarray) -> np.ndarray:
    """bool[targets]: whether one factor might serve nearly all rows; ``_factor`` refuses the others at more cost."""
    known = ~np.isnan(there) & (there != 0) & ~np.isnan(made) & (made != 0)
    by = np.where(made == 0, np.nan, made)
    ends = (there - room) / by, (there + room) / by
    low = np.sort(np.where(known, np.minimum(*ends), -np.inf), axis=1)
    high = np.sort(np.where(known, np.maximum(*ends), np.inf), axis=1)
    n = np.maximum(known.sum(axis=1), 1)
    rows = np.arange(len(there))
    last = low.shape[1] - n + np.floor(_MOST_ROWS * (n - 1)).astype(np.int64)
    first = np.ceil((1 - _MOST_ROWS) * (n - 1)).astype(np.int64)
    possible: np.ndarray = low[rows, last] <= high[rows, first]
    return possible


def _factor(there: np.ndarray, made: np.ndarray, unit: float, share: float) -> float | None:
    """The factor of fewest digits that makes ``there`` of ``made`` in so large a share of the rows, if there is one."""
    room = _tolerance(there, unit)
    known = ~np.isnan(there) & ~np.isnan(made) & (made != 0) & (there != 0)
    if known.sum() < _TELLING // 2 or len(np.unique(there[known])) < _DIFFERENT:
        return None
    ends = np.sort([(there - room)[known] / made[known], (there + room)[known] / made[known]], axis=0)
    low, high = np.quantile(ends[0], share), np.quantile(ends[1], 1 - share)
    return _roundest(float(low), float(high)) if 0 <= high - low <= _EXACT * abs(low) else None


def _choices(
    operations: Mapping[str, Operation], arity: int, among: Sequence[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """The operations of so many operands with all choices of these."""
    return [
        (operation, operands)
        for operation in operations
        if operands_of(operation) == arity
        for operands in (combinations if operation in SYMMETRIC else permutations)(among, arity)
    ]


def _roundest(low: float, high: float) -> float:
    """The number of fewest decimals between two, or the reciprocal of one."""
    middle = (low + high) / 2
    for digits in range(-3, 16):
        number = round(middle, digits)
        if low <= number <= high:
            return number
        whole = round(1 / middle, digits)
        if whole and low <= 1 / whole <= high:
            return 1 / whole
    return middle


def _tolerance(target: np.ndarray, unit: float) -> np.ndarray:
    """Half a lattice step, for rounding, and what doubles lose."""
    return 0.51 * unit + 1e-9 * np.abs(np.nan_to_num(target)) + 1e-9


def _preference(
    proposal: Proposal, names: Sequence[str], various: Mapping[str, int], units: Mapping[str, float]
) -> tuple[int, int, int, tuple[int, ...]]:
    """Sums and products before quotients; of a sum's members the one of most values is computed, else the last.

    So an instalment that stays the same while its parts change is drawn, and a part is what is left of it.  Of two
    numbers of which each tells the other the one in larger steps is drawn: pounds, of kilograms, hit one in two.
    """
    target, operation, operands, factor = proposal
    rivals = [o for o in operands if o in units] if operation in SUMS else []
    poorer = any(various[o] > _CLEARLY * various[target] for o in rivals)
    late = any(names.index(o) > names.index(target) and various[target] < _CLEARLY * various[o] for o in rivals)
    if operation == "a" and operands[0] in units:
        late = abs(factor) * units[operands[0]] < units[target]
    return int(poorer), int(late), RANK[operation], tuple(names.index(o) for o in operands)


def _circular(found: Mapping[str, Formula], target: str, operands: Sequence[str]) -> bool:
    """Whether computing the target from the operands would need the target."""
    for operand in operands:
        if operand == target or (operand in found and _circular(found, target, found[operand].operands)):
            return True
    return False


def _says_the_same(found: Mapping[str, Formula], target: str, operands: Sequence[str]) -> bool:
    """Whether a kept formula already ties the same columns together."""
    tied = {target, *operands}
    return any({f.target, *f.operands} == tied for f in found.values())


def _support(
    target: str,
    computed: tuple[str, float],
    operands: tuple[str, ...],
    values: Mapping[str, np.ndarray],
    unit: float,
) -> float:
    (operation, factor), there = computed, values[target]
    made = factor * EVERY[operation](*(values[o] for o in operands))
    right = np.abs(there - made) <= _tolerance(there, unit)
    both_null = np.isnan(there) & np.isnan(made)
    telling = ~np.isnan(there) & ~np.isnan(made)
    for operand in operands:
        telling &= (values[operand] != 0) & ((values[operand] != 1) | (operation in SUMS))
    if telling.sum() < _TELLING or np.mean(right[telling]) < SUPPORT:
        return 0.0
    return float(np.mean(right | both_null))


def _in_order(found: Mapping[str, Formula]) -> Iterator[Formula]:
    """What is computed before what needs it."""
    done: set[str] = set()
    while len(done) < len(found):
        for target, formula in found.items():
            if target not in done and all(o in done or o not in found for o in formula.operands):
                done.add(target)
                yield formula
