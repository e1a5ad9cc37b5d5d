"""The real database as the models see it: rows in family order, columns encoded, parents resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.abc import Read
from dbclone.columns.codecs import Filled, is_personal
from dbclone.entities import entities_of
from dbclone.matching import ORPHAN, parent_rows
from dbclone.models.copies import MADE, REPEATED, Copied, find_copies, find_sometimes
from dbclone.models.derivation import NOTHING, Derivations
from dbclone.models.encoding import ColumnStep, encode_columns
from dbclone.models.features import CodedFeature, MeasuredFeature
from dbclone.models.relations import Relation, owner_of, relations_of
from dbclone.models.rows import Rows, opening
from dbclone.models.steps import Known, LabelSets, Restriction, Scale, SharedDates
from dbclone.plan import Plan, ReferenceRole, TablePlan, TableRole
from dbclone.privacy.private_words import private_words
from dbclone.privacy.protection import UNGUARDED, Guard, count_entities
from dbclone.schema import Table, TableName

MOST_ROWS = 60_000
"""Rows (of whole families) that trees are grown on: more make no tree better, but every tree slower."""


@dataclass
class Observed:
    """One table: rows in family order.  ``order`` is the position of each row in the source."""

    plan: TablePlan
    table: Table
    relations: tuple[Relation, ...]
    columns: tuple[ColumnStep, ...] = ()
    copies: tuple[Copied, ...] = ()
    derived: Derivations = NOTHING
    data: pa.Table = field(default_factory=lambda: pa.table({}))
    """The real rows, in family order; let go of once the table is learned."""
    rows: Rows = field(default_factory=lambda: Rows(0))
    order: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    family: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Ascending family number of each row."""
    guard: Guard = UNGUARDED
    """k, and the entity of each row."""
    hidden: dict[str, tuple[CodedFeature | MeasuredFeature, Scale]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    """Number of types of each link's parents."""
    restrictions: dict[str, Restriction] = field(default_factory=dict)
    known: dict[str, tuple[Known, ...]] = field(default_factory=dict)
    """Ways to know each link's parent."""
    label_sets: dict[str, LabelSets] = field(default_factory=dict)
    """Sets of the labels that families have, by step."""
    direct_codes: dict[str, np.ndarray] = field(default_factory=dict)
    """int32[n]: what the step of a direct link draws, where that is not always its parent but also a way to know it."""
    date: ColumnStep | None = None
    """The date in whose order siblings stand (models.endings), once hidden steps are there."""
    shared: SharedDates | None = None
    """Whose dates the rows' dates may be."""
    sampled: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """The rows of whole families that trees are grown on; all of them where they are few."""
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    """Draws the families that are learned from, then those that are held out."""
    others_types: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Type of each sampled row's owner, judged by its other rows: a row may not foretell itself."""

    @property
    def owner(self) -> Relation | None:
        return owner_of(self.relations)


@dataclass
class Observation:
    """All tables of a plan, in load order."""

    plan: Plan
    tables: dict[TableName, Observed]

    @property
    def database(self) -> Mapping[TableName, Rows]:
        return {name: observed.rows for name, observed in self.tables.items()}


def observe(plan: Plan, read: Read, k: int, seed: int = 0) -> Observation:
    """Encode every table, parents before children, and find the columns that repeat a parent's."""
    seen = Observation(plan, {})
    order: dict[TableName, np.ndarray] = {}
    data = {t.table: read(t.table) for t in plan.tables}
    entities = entities_of(plan, data.__getitem__)
    private = private_words(plan, data.__getitem__, k)
    for number, table in enumerate(plan.tables):
        observed = Observed(table, plan.schema.table(table.table), relations_of(plan, table))
        observed.rng = np.random.default_rng(seed * 1_000_003 + number)
        parents = _parents(observed, data)
        keep = _complete(observed, parents)
        order[table.table] = _family_order(observed, parents, keep, data[table.table], order)
        observed.order = order[table.table]
        observed.sampled = sampled_families(observed.family, observed.rng)
        rows = data[table.table].take(pa.array(observed.order))
        observed.rows, observed.data = Rows(rows.num_rows), rows
        observed.guard = Guard(k, entities[table.table]).take(observed.order)
        if table.role is TableRole.SYNTHESISE:
            observed.columns = encode_columns(
                observed.table, table, rows, observed.guard, family=observed.family, rows=observed.rows, private=private
            )
        seen.tables[table.table] = observed
        for relation in observed.relations:
            observed.rows.parents[relation.id] = parents[relation.id][order[table.table]]
    _renumber(seen, data, order)
    for observed in seen.tables.values():
        if observed.plan.role is TableRole.SYNTHESISE:
            _set_copies(seen, observed)
    return seen


def sampled_families(family: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of whole families, drawn until MOST_ROWS are reached, in family order."""
    n = len(family)
    if n <= MOST_ROWS:
        return np.arange(n)
    first = np.flatnonzero(opening(family))
    sizes = np.diff(np.append(first, n))
    order = rng.permutation(len(first))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), MOST_ROWS)) + 1
    keep = np.zeros(len(first), dtype=bool)
    keep[order[:enough]] = True
    return np.flatnonzero(np.repeat(keep, sizes))[: 4 * MOST_ROWS]


def _set_copies(seen: Observation, observed: Observed) -> None:
    """Columns that repeat another are not modelled; of personal ones that do so in some rows, it is in which."""
    table, used = observed.plan.table, (ReferenceRole.OWNER, ReferenceRole.LINK)
    references = {n: {r.id: r.parent for r in o.relations if r.role in used} for n, o in seen.tables.items()}
    references[table] |= {r.id: r.parent for r in observed.relations if r.role is ReferenceRole.SELF}
    names = tuple(dict.fromkeys(c.column for c in observed.columns))
    required = frozenset(c.name for c in observed.table.columns if not c.nullable)
    data = {name: o.data.drop_columns(sorted(_filled_late(o))) for name, o in seen.tables.items()}
    observed.copies = find_copies(table, names, required, data=data, database=seen.database, references=references)
    forget_columns(observed, {copy.column for copy in observed.copies})
    keys = {c for key in observed.table.keys for c in key.columns}
    personal = tuple(c.column for c in observed.columns if is_personal(c.codec) and c.column not in keys)
    found = find_sometimes(table, personal, data=data, database=seen.database, references=references)
    observed.copies += tuple(copy for copy, where in found if _drawn_where(observed, copy.column, where))


def _filled_late(observed: Observed) -> set[str]:
    """Columns that have no values yet when others are drawn: of references that close a cycle."""
    late = {c for r in observed.relations if r.role is ReferenceRole.DEFERRED for c in r.key.columns}
    return late & {*observed.data.column_names}


def _drawn_where(observed: Observed, column: str, repeated: np.ndarray) -> bool:
    """Let it be drawn in which rows (bool[n]) a personal column repeats another; False if too few entities have any.

    Exceptions of too few entities are taken for repetitions.
    """
    step = next(c for c in observed.columns if c.column == column)
    codes, guard = observed.rows.codes[step.step].copy(), observed.guard
    if count_entities(np.flatnonzero(repeated), guard.owners) < guard.k:
        return False
    codes[repeated] = REPEATED
    others = np.flatnonzero(codes == MADE)
    if count_entities(others, guard.owners) < guard.k:
        codes[others] = REPEATED
    observed.rows.codes[step.step] = codes
    observed.rows.bytes[step.step] = CodedFeature().view(codes)
    changed = replace(step, codec=Filled(step.codec.kind, size=REPEATED + 1))  # type: ignore[union-attr]
    observed.columns = tuple(changed if c is step else c for c in observed.columns)
    return True


def forget_columns(observed: Observed, gone: set[str]) -> None:
    """Take columns out of what is modelled."""
    for column in observed.columns:
        if column.column in gone:
            for held in (observed.rows.bytes, observed.rows.codes, observed.rows.numbers):
                held.pop(column.step, None)
    observed.columns = tuple(c for c in observed.columns if c.column not in gone)


def _parents(observed: Observed, data: Mapping[TableName, pa.Table]) -> dict[str, np.ndarray]:
    """Row number of each parent in the source; −1 for none, −2 for an orphan."""
    child = data[observed.plan.table]
    found = {}
    for r in observed.relations:
        if r.role is ReferenceRole.NULLED:
            found[r.id] = np.full(child.num_rows, -1, dtype=np.int64)
        else:
            found[r.id] = parent_rows(child, data[r.parent], r.key)
    return found


def _complete(observed: Observed, parents: Mapping[str, np.ndarray]) -> np.ndarray:
    """Rows that can be learned from: no orphan where NULL is forbidden.  Other orphans count as NULL."""
    n = len(next(iter(parents.values()))) if parents else -1
    keep = np.ones(max(n, 0), dtype=bool)
    for r in observed.relations:
        orphan = parents[r.id] == ORPHAN
        if not any(observed.table.column(c).nullable for c in r.key.columns):
            keep &= ~orphan
        parents[r.id][orphan] = -1
    return keep if n >= 0 else np.ones(0, dtype=bool)


def _family_order(
    observed: Observed,
    parents: Mapping[str, np.ndarray],
    keep: np.ndarray,
    data: pa.Table,
    order: Mapping[TableName, np.ndarray],
) -> np.ndarray:
    """Source positions of the rows, sorted by owner and, within, by the sort key; the ownerless last."""
    n = data.num_rows
    keep = keep if len(keep) == n else np.ones(n, dtype=bool)
    owner = observed.owner
    if owner is None:
        observed.family = np.arange(int(keep.sum()))
        return np.flatnonzero(keep)
    position = np.full(int(order[owner.parent].max(initial=-1)) + 2, -1, dtype=np.int64)
    position[order[owner.parent]] = np.arange(len(order[owner.parent]))
    at = np.where(parents[owner.id] >= 0, position[np.minimum(parents[owner.id], len(position) - 1)], -1)
    keep &= (at >= 0) | (parents[owner.id] < 0)
    rows = np.flatnonzero(keep)
    family = np.where(at[rows] >= 0, at[rows], len(order[owner.parent]) + rows)
    keys = [_sortable(data.column(c))[rows] for c in reversed(observed.plan.order_by)]
    sort = np.lexsort((rows, *keys, family))
    observed.family = family[sort]
    return rows[sort]


def _sortable(values: pa.ChunkedArray) -> np.ndarray:
    """Ranks of the values, NULL first; int64[n]."""
    encoded = values.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    ranks = np.zeros(len(encoded.dictionary) + 1, dtype=np.int64)
    ranks[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(1, len(encoded.dictionary) + 1)
    ranks[-1] = 0
    return ranks[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _renumber(seen: Observation, data: Mapping[TableName, pa.Table], order: Mapping[TableName, np.ndarray]) -> None:
    """Parents by their number in family order instead of their position in the source."""
    for observed in seen.tables.values():
        for r in observed.relations:
            position = np.full(data[r.parent].num_rows + 1, -1, dtype=np.int64)
            position[order[r.parent]] = np.arange(len(order[r.parent]))
            observed.rows.parents[r.id] = position[observed.rows.parents[r.id]]


def upward(seen: Observation, *, copied: bool = False) -> dict[TableName, dict[str, TableName]]:
    """The references that lead from each table to parents that are drawn before it, or (``copied``) copied, too."""
    used = (ReferenceRole.OWNER, ReferenceRole.LINK)
    return {
        name: {r.id: r.parent for r in observed.relations if r.role in used and (copied or not r.direct)}
        for name, observed in seen.tables.items()
    }
