"""Arithmetic between the columns of a row (and of its parents): totals, taxes, durations, kept by computing them.

Candidates are tried on a handful of rows and verified on all; a rule is kept at ≥ 99.5% support among the rows in
which it says something (no operand 0, no factor 1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

SUPPORT = 0.995
MOST_COLUMNS = 24
_SKETCH = 48
_CLEARLY = 4
"""So many times the values of another column are clearly more."""
_TELLING = 20
"""Rows in which the rule says something that are needed at least."""

Operation = Callable[..., np.ndarray]

OPERATIONS: dict[str, Operation] = {
    "a * b": lambda a, b: a * b,
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b / 100": lambda a, b: a * b / 100,
    "a * (1 + b)": lambda a, b: a * (1 + b),
    "a * (1 - b)": lambda a, b: a * (1 - b),
    "a * (1 - b / 100)": lambda a, b: a * (1 - b / 100),
    "a / b": lambda a, b: np.divide(a, b, out=np.full(len(a), np.nan), where=b != 0),
    "a * b * (1 - c)": lambda a, b, c: a * b * (1 - c),
    "a * b * (1 - c / 100)": lambda a, b, c: a * b * (1 - c / 100),
    "a * b - c": lambda a, b, c: a * b - c,
    "a * b + c": lambda a, b, c: a * b + c,
    "a + b + c": lambda a, b, c: a + b + c,
    "a + b - c": lambda a, b, c: a + b - c,
    "a - b - c": lambda a, b, c: a - b - c,
}
SPANS: dict[str, Operation] = {
    "(a - b) in hours": lambda a, b: (a - b) * 24,
    "(a - b) in minutes": lambda a, b: (a - b) * 1_440,
    "(a - b) in seconds": lambda a, b: (a - b) * 86_400,
    "(a - b) in whole hours": lambda a, b: _whole((a - b) * 24),
    "(a - b) in whole minutes": lambda a, b: _whole((a - b) * 1_440),
    "(a - b) in whole days": lambda a, b: _whole(a - b),
    "(a - b) from day to day": lambda a, b: _whole(a) - _whole(b),
    "(a - b) in whole years": lambda a, b: _whole((a - b) / 365.25),
}
"""Between dates, which are numbers of days."""
_EVERY = OPERATIONS | SPANS
_SYMMETRIC = frozenset({"a * b", "a + b", "a * b / 100", "a + b + c"})
_RANK = {name: i for i, name in enumerate(_EVERY)}
_SUM = frozenset({"a + b", "a - b", "a + b + c", "a + b - c", "a - b - c"})


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Rounded down, but for what doubles lose."""
    return np.floor(numbers + 1e-7)


@dataclass(frozen=True)
class Formula:
    """``target`` is the operation on the operands, rounded to the target's lattice."""

    target: str
    operation: str
    operands: tuple[str, ...]
    support: float

    def __str__(self) -> str:
        names = dict(zip("abc", self.operands, strict=False))
        text = re.sub(r"\b[abc]\b", lambda letter: names[letter[0]], self.operation)
        return f"{self.target} = {text}"


def compute(formula: Formula, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The target's values, float64[n], not rounded; NaN where an operand is."""
    return _EVERY[formula.operation](*(values[name] for name in formula.operands))


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
    for arity in (2, 3):
        proposals = sorted(
            _proposals(targets, names, sketch, units, arity, found=found, dates=dates),
            key=lambda p: _preference(p, names, various, targets),
        )
        for target, operation, operands in proposals:
            if target in found or _circular(found, target, operands):
                continue
            if arity == 3 and any(set(operands) & {target, *found[o].operands} for o in operands if o in found):
                continue
            if not _says_the_same(found, target, operands):
                support = _support(target, operation, operands, values, units[target])
                if support >= SUPPORT:
                    found[target] = Formula(target, operation, operands, support)
    return tuple(_in_order(found))


def _varied(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return len(known) >= _TELLING and bool(known.min() < known.max())


def _sketch_rows(values: Mapping[str, np.ndarray], names: Sequence[str], n: int) -> np.ndarray:
    """Rows in which most columns say something."""
    pick = np.random.default_rng(0).permutation(n)[:2_000]
    telling = sum(((np.nan_to_num(values[name][pick]) != 0) & (values[name][pick] != 1)).astype(int) for name in names)
    return pick[np.argsort(-np.asarray(telling), kind="stable")[:_SKETCH]]


def _proposals(
    targets: Sequence[str],
    names: Sequence[str],
    sketch: Mapping[str, np.ndarray],
    units: Mapping[str, float],
    arity: int,
    *,
    found: Mapping[str, Formula],
    dates: Collection[str],
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    open_ = [t for t in targets if t in sketch and t not in found]
    if not open_ or (arity == 3 and len(names) > MOST_COLUMNS // 2):
        return
    there = np.array([sketch[t] for t in open_])
    room = np.array([_tolerance(sketch[t], units[t]) for t in open_])
    spanned = [name for name in names if name in dates]
    for operation, apply in _EVERY.items():
        if apply.__code__.co_argcount != arity:
            continue
        among = spanned if operation in SPANS else names
        for operands in (combinations if operation in _SYMMETRIC else permutations)(among, arity):
            made = apply(*(sketch[o] for o in operands))
            near = np.abs(there - made) <= room
            known = ~np.isnan(there) & ~np.isnan(made)
            hits = (near & known).sum(axis=1) >= np.maximum(0.96 * known.sum(axis=1), _TELLING // 2)
            for i in np.flatnonzero(hits):
                if open_[i] not in operands:
                    yield open_[i], operation, operands


def _tolerance(target: np.ndarray, unit: float) -> np.ndarray:
    """Half a lattice step, for rounding, and what doubles lose."""
    return 0.51 * unit + 1e-9 * np.abs(np.nan_to_num(target)) + 1e-9


def _preference(
    proposal: tuple[str, str, tuple[str, ...]], names: Sequence[str], various: Mapping[str, int], targets: Sequence[str]
) -> tuple[int, int, int, tuple[int, ...]]:
    """Sums and products before quotients; of a sum's members the one of most values is computed, else the last.

    So an instalment that stays the same while its parts change is drawn, and a part is what is left of it.
    """
    target, operation, operands = proposal
    rivals = [o for o in operands if o in targets] if operation in _SUM else []
    poorer = any(various[o] > _CLEARLY * various[target] for o in rivals)
    late = any(names.index(o) > names.index(target) and various[target] < _CLEARLY * various[o] for o in rivals)
    return int(poorer), int(late), _RANK[operation], tuple(names.index(o) for o in operands)


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
    target: str, operation: str, operands: tuple[str, ...], values: Mapping[str, np.ndarray], unit: float
) -> float:
    there = values[target]
    made = _EVERY[operation](*(values[o] for o in operands))
    right = np.abs(there - made) <= _tolerance(there, unit)
    both_null = np.isnan(there) & np.isnan(made)
    telling = ~np.isnan(there) & ~np.isnan(made)
    for operand in operands:
        telling &= (values[operand] != 0) & ((values[operand] != 1) | (operation in _SUM))
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
