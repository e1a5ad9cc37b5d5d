"""Finding the columns of an observed database that are computed, and taking them out of what is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from dbclone.columns.base import contiguous
from dbclone.columns.categorical import CategoricalCodec
from dbclone.models.derivation import (
    DerivedColumn,
    Operand,
    TotalOf,
    label_codes,
    on_lattice,
    parents_columns,
    plain,
    row_formulas,
)
from dbclone.models.encoding import ColumnStep
from dbclone.models.observation import Observation, Observed, forget_columns
from dbclone.models.relations import Relation
from dbclone.models.rows import Hop, taken
from dbclone.models.running import Siblings, find_running
from dbclone.models.sieve import Sieve
from dbclone.models.totals import Children, Labels, aggregate, find_totals, sizes
from dbclone.plan import ReferenceRole, TableRole
from dbclone.schema import TableName

Numbers = Mapping[str, np.ndarray]

MOST_LABELS = 24
"""A column of more values is not tried as what a total is restricted by."""


def derive(seen: Observation) -> None:
    """Set ``derived`` of every table: formulas first, then running sums, then totals over children."""
    numbers = {name: _numbers(o) for name, o in seen.tables.items()}
    sources: set[tuple[TableName, str]] = {(c.table, c.source) for o in seen.tables.values() for c in o.copies}
    drawn = [o for o in seen.tables.values() if o.plan.role is TableRole.SYNTHESISE]
    for observed in drawn:
        _formulas(seen, observed, numbers, sources)
    for observed in drawn:
        _running(seen, observed, numbers, sources)
    for observed in drawn:
        for relation in observed.relations:
            if relation.role in (ReferenceRole.OWNER, ReferenceRole.LINK) and not relation.direct:
                _totals(seen.tables[relation.parent], observed, relation, numbers, sources)
    for observed in drawn:
        gone = {c.column for c in observed.derived.columns} - {r.target for r in observed.derived.running if r.drawn}
        forget_columns(observed, gone)


def _numbers(observed: Observed) -> dict[str, np.ndarray]:
    codecs = {c.column: c.codec for c in observed.columns}
    found = {name: plain(observed.data.column(name), codecs.get(name)) for name in observed.data.column_names}
    modelled = {c.column for c in observed.columns} | {c.column for c in observed.copies}
    fixed = observed.plan.role is not TableRole.SYNTHESISE
    return {name: v for name, v in found.items() if v is not None and (fixed or name in modelled)}


def _targets(observed: Observed, done: Iterable[str]) -> dict[str, ColumnStep]:
    """Measured columns that may be computed: no key, no sort key, not computed yet."""
    excluded = {c for key in observed.table.keys for c in key.columns} | set(observed.plan.order_by) | set(done)
    return {c.column: c for c in observed.columns if c.measured and not c.clock and c.column not in excluded}


def _lattice(step: ColumnStep) -> float:
    """Lattice step in plain numbers (days for dates)."""
    if step.scale.temporal:
        return 1e-6
    return step.scale.unit if step.scale.lattice else 0.0


def _dates(observed: Observed) -> set[str]:
    return {c.column for c in observed.columns if c.scale.temporal}


def _done(observed: Observed) -> set[str]:
    return {c.column for c in observed.derived.columns}


def _with(observed: Observed, steps: Iterable[ColumnStep], **changes: object) -> None:
    columns = tuple(DerivedColumn(s.column, s.codec) for s in steps)  # type: ignore[arg-type]
    observed.derived = replace(
        observed.derived,
        columns=observed.derived.columns + columns,
        **changes,  # type: ignore[arg-type]
    )


def _formulas(
    seen: Observation, observed: Observed, numbers: Mapping[TableName, Numbers], sources: set[tuple[TableName, str]]
) -> None:
    steps = {n: s for n, s in _targets(observed, _done(observed)).items() if not s.scale.temporal}
    if not steps or observed.rows.n < 40:
        return
    table = observed.plan.table
    above: dict[Operand, np.ndarray] = {}
    for hops in _ways_up(seen, observed):
        far = hops[-1].parent
        columns = {n: v for n, v in numbers[far].items() if n in _prices(seen.tables[far])}
        above |= parents_columns(seen.database, table, hops, columns)
    units = {name: _lattice(step) for name, step in steps.items()}
    operands, formulas = row_formulas(units, numbers[table], above, _dates(observed))
    sources |= {(o.hops[-1].parent, o.column) for o in operands if o.hops}
    _with(observed, [steps[f.target] for f in formulas], operands=operands, formulas=formulas)


def _ways_up(seen: Observation, observed: Observed) -> list[tuple[Hop, ...]]:
    """The ways to all parents, then to their parents."""
    near = [(Hop(r.id, r.parent),) for r in _known(observed)]
    return near + [(*hops, Hop(r.id, r.parent)) for hops in near for r in _known(seen.tables[hops[0].parent])]


def _known(observed: Observed) -> list[Relation]:
    """References whose rows are known when a row is computed."""
    return [r for r in observed.relations if r.role in (ReferenceRole.OWNER, ReferenceRole.LINK)]


def _prices(parent: Observed) -> set[str]:
    """Columns of a parent that a child may be computed from: numbers that are drawn or copied with the parent."""
    if parent.plan.role is not TableRole.SYNTHESISE:
        return set(parent.data.column_names)
    return {c.column for c in parent.columns if c.measured and not c.scale.temporal} - _done(parent)


def _running(
    seen: Observation, observed: Observed, numbers: Mapping[TableName, Numbers], sources: set[tuple[TableName, str]]
) -> None:
    owner, mine = observed.owner, numbers[observed.plan.table]
    steps = {n: s for n, s in _targets(observed, _done(observed)).items() if not s.scale.temporal and n in mine}
    if owner is None or not steps:
        return
    up = observed.rows.parents[owner.id]
    prices = _prices(seen.tables[owner.parent])
    above = {n: taken(v, up) for n, v in numbers[owner.parent].items() if n in prices}
    there = {n: mine[n] for n in steps}
    tolerance = {n: 0.51 * _lattice(s) for n, s in steps.items()}
    excluded = _dates(observed).union(observed.plan.order_by)
    plain_columns = {n: v for n, v in mine.items() if n not in excluded}
    found = find_running(there, tolerance, Siblings(observed.family, plain_columns, _labels(observed), above))
    sources |= {(owner.parent, r.start) for r in found if r.start}
    _with(observed, [steps[r.target] for r in found], running=found)


def _totals(
    parent: Observed,
    observed: Observed,
    relation: Relation,
    numbers: Mapping[TableName, Numbers],
    sources: set[tuple[TableName, str]],
) -> None:
    if parent.plan.role is not TableRole.SYNTHESISE:
        return
    name, mine = parent.plan.table, numbers[parent.plan.table]
    steps = {n: s for n, s in _targets(parent, _done(parent)).items() if (name, n) not in sources and n in mine}
    if not steps or parent.rows.n < 20:
        return
    children = Children(observed.rows.parents[relation.id], numbers[observed.plan.table], _labels(observed))
    dates = _dates(observed) & set(children.numbers)
    steps = {n: s for n, s in steps.items() if not (s.scale.temporal and _opens(mine[n], dates, children))}
    comparable = {
        n: frozenset(dates if s.scale.temporal else (set(children.numbers) - dates) | {""}) for n, s in steps.items()
    }
    tolerance = {n: max(0.51 * _lattice(s), 1e-9) for n, s in steps.items()}
    found = find_totals({n: mine[n] for n in steps}, tolerance, children, comparable)
    totals = tuple(
        TotalOf(observed.plan.table, relation.id, t, _sieve(parent, steps[t.target], mine[t.target])) for t in found
    )
    _with(parent, [steps[t.target] for t in found], totals=parent.derived.totals + totals)


def _sieve(parent: Observed, step: ColumnStep, numbers: np.ndarray) -> Sieve:
    return Sieve.fit(on_lattice(step.codec, numbers), parent.guard, calendar=step.scale.temporal)  # type: ignore[arg-type]


def _opens(there: np.ndarray, dates: Iterable[str], children: Children) -> bool:
    """Whether a date is mostly that of the first child: such a date is what the children's are counted from.

    It is drawn, and its first child with gap 0.
    """
    parents = sizes(children.group, len(there)) > 0
    first = (aggregate("min", children.group, len(there), children.values(date)) for date in dates)
    return any(np.mean(np.abs(there - f)[parents] <= 1e-6) > 0.9 for f in first if parents.any())


def _labels(observed: Observed) -> dict[str, Labels]:
    """Columns of few values, and references to few rows that are copied: what a total may be restricted to."""
    found = {}
    for step in observed.columns:
        if isinstance(step.codec, CategoricalCodec):
            kept = step.codec.levels.slice(0, len(step.codec.levels) - int(step.codec.pools.sum()))
            found[step.column] = kept
    for relation in observed.relations:
        column = relation.key.columns[0]
        if relation.direct and len(relation.key.columns) == 1:
            found[column] = contiguous(observed.data.column(column)).drop_null().unique()
    return {
        column: Labels(label_codes(observed.data.column(column), texts), texts)
        for column, values in found.items()
        if 1 < len(values) <= MOST_LABELS
        for texts in [tuple(values.cast(pa.string()).to_pylist())]
    }
