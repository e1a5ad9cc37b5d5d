"""What the conditions of a table ask of its drawn rows, and which of its columns may change for them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from dbclone.conditions.inherited import inherited_requirements
from dbclone.conditions.ranges import overlapping
from dbclone.conditions.repair import Freedom, Group, Repair, connected, repair, tied
from dbclone.conditions.requirements import Requirement, length_limit, requirements_of, violations
from dbclone.conditions.uniques import unique_indexes_of
from dbclone.engines.forest_tables import TableModel
from dbclone.errors import PlanError
from dbclone.models.relations import Relation
from dbclone.plan import ReferenceRole
from dbclone.schema import Schema, Table, TypeFamily

_PLAIN = (
    TypeFamily.BOOLEAN, TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT, TypeFamily.TEXT, TypeFamily.DATE,
    TypeFamily.TIME, TypeFamily.TIMESTAMP,
)  # fmt: skip
"""Types of which any value is a valid one."""
_ENOUGH = 20
"""Rows from which it is no chance that none satisfies a condition."""


class TableConditions:
    """The conditions of one table: those that can be judged when its rows are drawn, and those that must wait for
    references across cycles, totals over children and sums along siblings."""

    def __init__(self, table: Table, model: TableModel, schema: Schema) -> None:
        dialect = schema.dialect
        self._table, self._model, self._dialect = table, model, dialect
        found = requirements_of(table, dialect)
        late = _late_columns(model)
        self._early = tuple(r for r in found if not late & {*r.condition.columns})
        self._late = tuple(r for r in found if late & {*r.condition.columns})
        self._inherited = tuple(r for r in inherited_requirements(schema, table) if not late & {*r.condition.columns})
        """Of these a row may violate some: then no child can refer to it."""
        self._late_columns = late
        indexes = unique_indexes_of(table, dialect)
        self.indexes = tuple(index for index in indexes if not late & index.columns)
        self.late_indexes = tuple(index for index in indexes if late & index.columns)

    def repair_early(self, columns: dict[str, pa.Array], rng: np.random.Generator) -> list[Repair]:
        """Repair rows whose later columns are still unknown; references that nothing else determines may change."""
        asked = (*self._early, *self._inherited)
        return _repair(self._groups(asked, self._early_freedom()), columns, self._early_freedom(), rng)

    def repair_late(self, columns: dict[str, pa.Array], rng: np.random.Generator) -> list[Repair]:
        """Repair whole rows, none of whose keys may change any more; PlanError if a row stays in violation."""
        if not self._late:
            return []
        done: list[Repair] = []
        changed: dict[str, pa.Array] = {}
        for computed in (frozenset(self._late_columns), frozenset()):  # what is computed changes last
            freedom = self._late_freedom(computed)
            done += _repair(self._groups((*self._late, *self._early), freedom), {**columns, **changed}, freedom, rng)
            changed |= {name: values for found in done for name, values in found.columns.items()}
        for requirement in self._late:
            if violations([requirement], {**columns, **changed}, _length(columns)).any():
                raise PlanError(self._message(requirement, "some rows satisfy"))
        return done

    def broken_by(self, late: str, columns: dict[str, pa.Array], n: int) -> np.ndarray:
        """bool[n]: rows that violate what can be judged once this one of the later columns is known."""
        unknown = self._late_columns - {late}
        judged = [r for r in self._late if late in r.condition.columns and not unknown & {*r.condition.columns}]
        return violations(judged, columns, n) > 0

    def companions(self, column: str) -> set[str]:
        """The columns that a row must take from another to have its value of this one; none if it may not."""
        freedom = self._early_freedom()
        groups = connected(self._early, freedom)
        linked = next((group.columns for group in groups if column in group.columns), (column,))
        found = tied({column, *linked}, freedom) & freedom.carried
        return found if column in found else set()

    def violated(self, columns: dict[str, pa.Array], n: int) -> np.ndarray:
        """bool[n]: rows that violate what can be judged early; PlanError if all of many violate one condition."""
        lost = np.zeros(n, dtype=bool)
        for requirement in self._early:
            broken = violations([requirement], columns, n) > 0
            if n >= _ENOUGH and broken.all():
                raise PlanError(self._message(requirement, "any row satisfies"))
            lost |= broken
        return lost

    def unmatched(self, columns: dict[str, pa.Array], n: int) -> np.ndarray:
        """bool[n]: rows that repeat an earlier one under a unique index of some rows or over expressions."""
        lost = np.zeros(n, dtype=bool)
        for index in self.indexes:
            lost[index.repeating(columns, n)] = True
        return lost | overlapping(self._table, columns, self._dialect) if self._table.exclusions else lost

    def _message(self, requirement: Requirement, whom: str) -> str:
        columns = ", ".join(requirement.condition.columns)
        return (
            f"Table {self._table.name}: no values of {columns} are found with which {whom} the check"
            f" {requirement.name}; leave the table out with --exclude, or choose another --seed or --scale"
        )

    def _groups(self, requirements: Collection[Requirement], freedom: Freedom) -> tuple[Group, ...]:
        used = {name for r in requirements for name in r.condition.columns}
        limits = (length_limit(c) for c in self._table.columns if c.name in used & freedom.free)
        return connected((*requirements, *(limit for limit in limits if limit is not None)), freedom)

    def _early_freedom(self) -> Freedom:
        values = self._value_columns() - self._late_columns
        alone = {key.columns[0] for key in self._table.keys if len(key.columns) == 1}
        links = [r for r in self._model.relations if self._is_link(r)]
        linked = {c for r in links for c in r.key.columns}
        names = {c.name for c in self._table.columns}
        formulas = [{f.target, *f.operands} & names for f in self._model.derived.formulas]
        ties = [{*r.key.columns} for r in links] + [tie for tie in formulas if tie <= values]
        return Freedom(
            carried=frozenset((values - alone) | linked),
            free=frozenset(self._plain(values)),
            nullable=frozenset(self._nullable(values | {c for r in links for c in r.key.columns[:1]})),
            ties=tuple(map(frozenset, ties)),
            keys=tuple(key.columns for key in self._table.keys),
        )

    def _late_freedom(self, kept: frozenset[str]) -> Freedom:
        keyed = {c for key in self._table.keys for c in key.columns}
        values = self._value_columns() - keyed - kept
        waiting = {p.reference for p in self._model.pointers if not p.within}
        loose = [r.key.columns[0] for r in self._model.relations if r.id in waiting and not self._shares(r)]
        return Freedom(
            carried=frozenset(values),
            free=frozenset(self._plain(values)),
            nullable=frozenset(self._nullable(values | ({*loose} - keyed))),
        )

    def _value_columns(self) -> set[str]:
        """Columns that are drawn, repeated or computed, and on which no reference relies."""
        model = self._model
        values = {c.column for c in model.columns}
        values |= {c.name for c in model.personal} | {c.column for c in model.copies}
        values |= {c.column for c in model.derived.columns}
        related = {c for r in model.relations for c in r.key.columns}
        own = {c for r in model.relations if r.parent == self._table.name for c in r.key.parent_columns}
        return values - related - own

    def _plain(self, names: Collection[str]) -> set[str]:
        columns = (self._table.column(name) for name in names)
        return {c.name for c in columns if c.type.family in _PLAIN and not c.type.values}

    def _nullable(self, names: Collection[str]) -> set[str]:
        primary = self._table.primary_key.columns if self._table.primary_key else ()
        return {name for name in names if self._table.column(name).nullable and name not in primary}

    def _is_link(self, relation: Relation) -> bool:
        """Whether another row's parent may stand in: nothing else determines it."""
        return relation.role is ReferenceRole.LINK and not relation.path and not self._shares(relation)

    def _shares(self, relation: Relation) -> bool:
        others = {c for r in self._model.relations if r.id != relation.id for c in r.key.columns}
        return bool(others & {*relation.key.columns})


def _late_columns(model: TableModel) -> set[str]:
    waiting = {p.reference for p in model.pointers if not p.within}
    late = {c for r in model.relations if r.id in waiting for c in r.key.columns}
    late |= {r.target for r in model.derived.running} | {t.total.target for t in model.derived.totals}
    for formula in model.derived.formulas:  # in the order in which they are computed
        if model.derived.totals or late & {*formula.operands}:  # with totals, all are computed once more
            late.add(formula.target)
    return late


def _repair(
    groups: tuple[Group, ...], columns: dict[str, pa.Array], freedom: Freedom, rng: np.random.Generator
) -> list[Repair]:
    return [repair(group, columns, freedom, rng) for group in groups]


def _length(columns: dict[str, pa.Array]) -> int:
    return len(next(iter(columns.values()))) if columns else 0
