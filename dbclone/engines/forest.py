"""The default engine: a forest of conditional distributions over the rows of a family (see models/)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbclone.abc import Progress, Read
from dbclone.columns.base import contiguous
from dbclone.columns.codecs import Filled, is_personal
from dbclone.columns.identifier import KeyMaker
from dbclone.columns.opaque import OpaqueCodec
from dbclone.columns.structured import StructuredCodec
from dbclone.columns.text import TextCodec
from dbclone.engines.avoidance import LONGEST, LONGEST_DOCUMENT, Avoided, counts_on, learn_avoided
from dbclone.engines.forest_contents import contents_of, rules_of
from dbclone.engines.forest_soundness import require_whole
from dbclone.engines.forest_tables import KeyColumn, TableModel
from dbclone.findings import UNPROTECTED, Content, Finding, Rules
from dbclone.models.deriving import derive
from dbclone.models.encoding import ColumnStep
from dbclone.models.hidden import add_hidden
from dbclone.models.learning import learn_table
from dbclone.models.observation import Observation, Observed, observe
from dbclone.models.pointers import Implied, Pointer
from dbclone.models.relations import Relation
from dbclone.options import FitOptions, GenerateOptions
from dbclone.plan import ColumnPlan, ColumnRole, Plan, ReferenceRole, TableRole
from dbclone.privacy.fakers import PiiColumn
from dbclone.privacy.protection import Guard
from dbclone.schema import Schema, TableName

PII_K = 5
"""Personal data is replaced in any case, by forms that so many rows share."""


@dataclass(frozen=True)
class ForestModel:
    """A fitted database, in load order."""

    plan: Plan
    tables: tuple[TableModel, ...]
    k: int = 5
    """Entities that must hold what is kept; 0 or 1: nothing is protected."""

    def __post_init__(self) -> None:
        """ValueError or KeyError if a part names another one that is not there."""
        require_whole(self.plan, self.tables)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Whether the model is unprotected, and columns whose type is not modelled."""
        steps = [(t.table, step) for t in self.tables for step in t.columns]
        opaque = tuple(s.codec.finding(t, s.column) for t, s in steps if isinstance(s.codec, OpaqueCodec))
        return opaque if self.k > 1 else (UNPROTECTED, *opaque)

    @property
    def contents(self) -> tuple[Content, ...]:
        """What is kept of each column, for a reader."""
        return tuple(c for t in self.tables for c in contents_of(t))

    @property
    def rules(self) -> tuple[Rules, ...]:
        """What is held of how columns go together, table by table."""
        return tuple(rules_of(t) for t in self.tables if t.steps is not None)

    def generate(self, options: GenerateOptions, progress: Progress) -> Iterator[tuple[TableName, pa.Table]]:
        """Synthetic rows of every table; the same seed gives the same bytes."""
        from dbclone.engines.redrawing import draw_tables

        return draw_tables(self.plan, self.tables, options, progress)


class ForestEngine:
    """Learns any schema; nothing is out of its limits."""

    name = "forest"

    def check_limits(self, schema: Schema, rows: Mapping[TableName, int]) -> None:
        """No limits."""

    def fit(self, plan: Plan, read: Read, options: FitOptions, progress: Progress) -> ForestModel:
        """Encode all tables, then grow the trees of each, one thread per core."""
        progress.phase("fit", sum(t.rows for t in plan.tables))
        seen = observe(plan, read, options.k, options.seed)
        derive(seen)
        add_hidden(seen)
        models = []
        with ThreadPoolExecutor(options.workers or os.cpu_count() or 1) as pool:
            for name, observed in seen.tables.items():
                models.append(_fit_table(seen, observed, read(name), pool))
                progress.advance(observed.plan.rows, name)
        return ForestModel(plan, tuple(models), options.k)


def _fit_table(seen: Observation, observed: Observed, data: pa.Table, pool: ThreadPoolExecutor) -> TableModel:
    types = tuple((f.name, str(f.type)) for f in data.schema)
    name = observed.plan.table
    if observed.plan.role is TableRole.COPY:
        return TableModel(name, observed.relations, copied=data.take(pa.array(observed.order)), types=types)
    if observed.plan.role is TableRole.EMPTY:
        return TableModel(name, types=types)
    return TableModel(
        name,
        observed.relations,
        observed.columns,
        tuple(_key(observed, c.column, data) for c in _keys(observed)),
        tuple(_personal(observed, c, data) for c in observed.columns if is_personal(c.codec)),
        tuple(_avoided(observed, data)),
        tuple(_pointer(observed, r) for r in observed.relations if _points(r)),
        tuple(Implied(r.id, r.parent, r.path, _nullable(observed, r)) for r in observed.relations if r.path),
        observed.copies,
        observed.derived,
        learn_table(seen, observed, pool),
        types=types,
    )


def _avoided(observed: Observed, data: pa.Table) -> Iterator[Avoided]:
    """Of texts, documents, and keys that are more than counted numbers."""
    guard = Guard(observed.guard.k, _owners(observed, data.num_rows)) if observed.guard.on else observed.guard
    makers = {s.column: s.codec.maker for s in observed.columns if isinstance(s.codec, Filled)}
    makers |= {c.column: _key(observed, c.column, data).maker for c in _keys(observed)}
    documents = {s.column for s in observed.columns if isinstance(s.codec, StructuredCodec)}
    texts = documents | {s.column for s in observed.columns if isinstance(s.codec, TextCodec) or is_personal(s.codec)}
    for name in data.column_names:
        if name in texts or name in makers:
            values, maker = contiguous(data.column(name)), makers.get(name)
            if maker is None or not counts_on(maker, values):
                longest = LONGEST_DOCUMENT if name in documents else LONGEST
                yield from learn_avoided(name, values, guard, longest)


def _keys(observed: Observed) -> list[ColumnPlan]:
    return [c for c in observed.plan.columns if c.role is ColumnRole.KEY]


def _key(observed: Observed, column: str, data: pa.Table) -> KeyColumn:
    kind = observed.table.column(column).type
    owners = _owners(observed, data.num_rows) if observed.guard.on else None
    return KeyColumn(column, KeyMaker.fit(data.column(column), kind, observed.guard.k, owners))


def _owners(observed: Observed, n: int) -> np.ndarray:
    """The entity of each row in the order of the source, where anything is guarded; rows left out have their own."""
    owners = int(observed.guard.entities.max(initial=0)) + 1 + np.arange(n, dtype=np.int64)
    owners[observed.order] = observed.guard.entities
    return owners


def _personal(observed: Observed, step: ColumnStep, data: pa.Table) -> PiiColumn:
    unique = any(key.columns == (step.column,) for key in observed.table.keys)
    column = observed.table.column(step.column)
    kind = observed.plan.column(step.column).kind.removeprefix("pii:")
    k = observed.guard.k if observed.guard.on else PII_K
    owners = _owners(observed, data.num_rows) if observed.guard.on else None
    return PiiColumn.learn(column, kind, data.column(step.column), k, owners, unique=unique)


def _points(r: Relation) -> bool:
    return r.role in (ReferenceRole.SELF, ReferenceRole.DEFERRED)


def _nullable(observed: Observed, r: Relation) -> bool:
    return any(observed.table.column(c).nullable for c in r.key.columns)


def _pointer(observed: Observed, r: Relation) -> Pointer:
    once = any(set(key.columns) <= set(r.key.columns) for key in observed.table.keys)
    within = r.role is ReferenceRole.SELF
    return Pointer(r.id, r.parent, within, _nullable(observed, r), once, observed.restrictions.get(r.id))
