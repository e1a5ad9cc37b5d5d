"""Which columns of a row may be another row's instead: those that no rule ties to what stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dbclone.conditions.requirements import requirements_of
from dbclone.conditions.uniques import unclear_indexes, unique_indexes_of
from dbclone.engines.forest_tables import TableModel
from dbclone.models.derivation import TotalOf
from dbclone.models.layout import LINKED, LOOKUP, SAME_ROW
from dbclone.models.relations import Relation
from dbclone.models.steps import Step
from dbclone.plan import Plan, ReferenceRole
from dbclone.schema import Schema

_STAYS = ""
"""What is tied to it stays: a key, the owner, a date, an order among siblings."""


def exchangeable_totals(
    plan: Plan, models: Sequence[TableModel], child: TableModel
) -> list[tuple[TotalOf, frozenset[str]]]:
    """The owner's totals over a table that other rows may change, and the columns that these must bring along."""
    found = []
    owner = child.steps.owner if child.steps is not None else None
    totals = (t for m in models for t in m.derived.totals if t.child == child.table and t.reference == owner)
    for total in (t for t in totals if t.sieve.on):
        only = {total.total.only.column} if total.total.only is not None else set()
        columns = exchangeable({total.total.column, *only} - {""}, child, models, plan)
        if columns:
            found.append((total, columns))
    return found


def exchangeable(
    columns: Collection[str], model: TableModel, models: Sequence[TableModel], plan: Plan
) -> frozenset[str]:
    """The columns with all that a row must take with them from another row; none if it may not."""
    schema, order = plan.schema, plan.table(model.table).order_by
    if any(relation.parent == model.table for other in models for relation in other.relations):
        return frozenset()  # what hangs from a row has been drawn to suit it
    if unclear_indexes(schema.table(model.table), schema.dialect):
        return frozenset()
    ties = [*_ties(model), *_ties_of_schema(model, schema), *({name, _STAYS} for name in order)]
    found, before = set(columns), 0
    while len(found) > before:
        before = len(found)
        found = found.union(*(tie for tie in ties if tie & found))
    return frozenset() if _STAYS in found else frozenset(found)


def _ties_of_schema(model: TableModel, schema: Schema) -> Iterator[set[str]]:
    table = schema.table(model.table)
    yield from ({*key.columns, _STAYS} for key in table.keys)
    yield from ({*index.columns, _STAYS} for index in unique_indexes_of(table, schema.dialect))
    yield from ({column, _STAYS} for exclusion in table.exclusions for column, _ in exclusion.elements)
    yield from ({*requirement.condition.columns} for requirement in requirements_of(table, schema.dialect))


def _ties(model: TableModel) -> Iterator[set[str]]:
    """Columns of one row that are right only together."""
    derived = model.derived
    above = {o.name: _referring(model, o.hops[0].reference) for o in derived.operands if o.hops}
    for relation in model.relations:
        yield {*relation.key.columns} | (set() if _is_free(model, relation) else {_STAYS})
    for formula in derived.formulas:
        yield {formula.target}.union(*(above.get(name, {name}) for name in formula.operands))
    for copy in model.copies:
        yield {copy.column} | (_referring(model, copy.hops[0].reference) if copy.hops else {copy.source})
    yield from ({r.target, *r.columns(), _STAYS} for r in derived.running)
    yield from ({t.total.target, _STAYS} for t in derived.totals)
    yield from ({personal.name, _STAYS} for personal in model.personal)
    for step in model.steps.steps if model.steps is not None else ():
        yield from _ties_of_step(model, step)


def _is_free(model: TableModel, relation: Relation) -> bool:
    """Whether a row's parent is chosen for itself."""
    links = model.steps.links if model.steps is not None else ()
    tied = {k.reference for k in links if k.restriction is not None or k.known or k.anchor is not None}
    tied |= {k.restriction.source for k in links if k.restriction is not None}
    tied |= {known.reference for k in links for known in k.known}
    return relation.role is ReferenceRole.LINK and not relation.path and relation.id not in tied


def _ties_of_step(model: TableModel, step: Step) -> Iterator[set[str]]:
    own = _columns_of(model, step.name)
    links = model.steps.links if model.steps is not None else ()
    if step.scale.temporal or step.counts_on or step.ends is not None or step.labels is not None:
        yield own | {_STAYS}
    for bound in step.bounds:
        if bound.reference == LINKED:
            yield own | _referring(model, links[bound.link].reference)
        else:
            yield own | (_columns_of(model, bound.source.step) if bound.reference == SAME_ROW else {_STAYS})
    for variant in step.variants:
        if variant.reference == LOOKUP and variant.source is not None:
            yield own | _columns_of(model, variant.source.step)
    if step.nulls is not None:
        yield own | _columns_of(model, step.nulls.source)


def _columns_of(model: TableModel, step: str) -> set[str]:
    """The columns that a step fills; what fills none is tied to what stays."""
    kind, _, name = step.partition(":")
    if kind in ("column", "time"):
        return {name}
    return _referring(model, name) if kind in ("link", "pointer") else {_STAYS}


def _referring(model: TableModel, reference: str) -> set[str]:
    return {column for r in model.relations if r.id == reference for column in r.key.columns}
