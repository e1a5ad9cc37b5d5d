"""Whether the parts of a model name each other rightly: columns, steps, tables, references and the ways between them.

A model file may have been altered, checksums and all.  What is checked here is what generation looks up by name; arrays
check themselves (columns.soundness).  A model that a fit has made is always whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dbclone.columns.codecs import is_personal
from dbclone.columns.soundness import require
from dbclone.engines.forest_tables import TableModel, arrow_type
from dbclone.models.derivation import TotalOf
from dbclone.models.layout import (
    ABSOLUTE,
    BY_OWNER,
    BY_PREVIOUS,
    BY_ROW,
    DIRECT,
    FIRST_TYPE,
    LINK,
    LINKED,
    LOOKUP,
    MEASURED,
    OWNER,
    PACED,
)
from dbclone.models.rows import Hop, Path
from dbclone.models.steps import Bound, Link, Restriction, SharedDates, Step, TableSteps, Variant
from dbclone.plan import Plan, TableRole
from dbclone.privacy.pools import LOCALES
from dbclone.schema import Schema, Table, TableName

DIALECTS = ("sqlite", "postgresql", "mysql")
_MOST_TYPES = 2**16


def require_whole(plan: Plan, models: Sequence[TableModel]) -> None:
    """ValueError or KeyError where anything is named that is not there."""
    require(plan.schema.dialect in DIALECTS, "a schema")
    require([m.table for m in models] == [t.table for t in plan.tables], "a plan")
    for table in plan.schema.tables:
        _require_table(plan.schema, table)
    for planned in plan.tables:
        table = plan.schema.table(planned.table)
        _require_columns(table, [c.column for c in planned.columns], planned.order_by)
        for reference in planned.references:
            _require_columns(table, reference.foreign_key.columns)
            if reference.foreign_key.parent in {m.table for m in models}:  # else it is left out of the clone
                _require_columns(plan.schema.table(reference.foreign_key.parent), reference.foreign_key.parent_columns)
    for number, model in enumerate(models):
        role = plan.tables[number].role
        require((model.steps is not None) == (role is TableRole.SYNTHESISE), "a table")
        require((model.copied is not None) == (role is TableRole.COPY), "a table")
        _Whole(plan.schema, models, number).check()


def _require_table(schema: Schema, table: Table) -> None:
    require(len({c.name for c in table.columns}) == len(table.columns), "a table")
    for key in table.keys:
        _require_columns(table, key.columns)
    for foreign in table.foreign_keys:
        _require_columns(table, foreign.columns)
        _require_columns(schema.table(foreign.parent), foreign.parent_columns)
        require(len(foreign.columns) == len(foreign.parent_columns), "a foreign key")


def _require_columns(table: Table, *names: Iterable[str]) -> None:
    known = {c.name for c in table.columns}
    require(all(known.issuperset(some) for some in names), "a table")


def _require_codes(step: Step, size: float) -> None:
    """That a step draws only codes below ``size``."""
    for variant in step.variants:
        require(variant.tree is None or step.kind == MEASURED or variant.tree.codes.max(initial=0) < size, "a tree")
        known = variant.determined if step.kind != MEASURED else np.zeros(0)
        require(((known >= 0) & (known < size)).all(), "a lookup")


class _Whole:
    """One table's model among all of them, in load order."""

    def __init__(self, schema: Schema, models: Sequence[TableModel], number: int) -> None:
        self._table, self._model = schema.table(models[number].table), models[number]
        self._models = {m.table: m for m in models}
        self._order = {m.table: i for i, m in enumerate(models)}
        self._schema, self._number = schema, number

    def check(self) -> None:
        """Raise unless everything that the model names is there."""
        model, own = self._model, self._model.table
        insertable = [c.name for c in self._table.insertable]
        require([name for name, _ in model.types] == insertable, "a table")
        for _, kind in model.types:
            arrow_type(kind)
        if model.copied is not None:
            require(model.copied.column_names == insertable, "a table")
        self._check_relations()
        self._check_columns()
        if model.steps is not None:
            self._check_steps(model.steps)
        for pointer in model.pointers:
            require(pointer.parent == self._parent(own, pointer.reference), "a reference")
            require(pointer.within == (pointer.parent == own), "a reference")
            self._check_restriction(pointer.restriction, (), pointer.parent)
        for implied in model.implied:
            require(implied.parent == self._parent(own, implied.reference), "a reference")
            require(model.steps is not None and model.steps.owner_table is not None, "a reference")
            self._end(model.steps.owner_table, implied.hops)  # type: ignore[union-attr,arg-type]
        self._check_derived()

    def _check_relations(self) -> None:
        for relation in self._model.relations:
            require(relation.child == self._model.table, "a reference")
            _require_columns(self._table, relation.key.columns)
            _require_columns(self._schema.table(relation.parent), relation.key.parent_columns)
            require(relation.parent in self._models, "a reference")

    def _check_columns(self) -> None:
        model = self._model
        kept = [c.column for c in model.columns]
        _require_columns(self._table, kept, [k.column for k in model.keys], [a.column for a in model.avoided])
        personal = {c.column for c in model.columns if is_personal(c.codec)}
        require({p.name for p in model.personal} == personal, "a column of personal data")
        require({p.locale for p in model.personal} <= {*LOCALES}, "a column of personal data")
        steps = {s.name: s for s in model.steps.steps} if model.steps is not None else {}
        for column in model.columns:
            if column.step in steps:
                require((steps[column.step].kind == MEASURED) == column.measured, "a column")
                require(hasattr(column.codec, "restore" if column.measured else "size"), "a column")
                size = np.inf if column.measured else column.codec.size  # type: ignore[union-attr]
                _require_codes(steps[column.step], size)
                labels = steps[column.step].labels
                require(labels is None or labels.masks.max() < 2**size, "sets of labels")
        require(all(f"column:{name}" in steps for name in personal), "a column of personal data")

    def _check_steps(self, steps: TableSteps) -> None:
        own = self._model.table
        names = [s.name for s in steps.steps]
        require(steps.table == own and len(set(names)) == len(names), "a table's steps")
        require({steps.paced, steps.kind} <= {"", *names}, "a table's steps")
        require((steps.owner is None) == (steps.owner_table is None), "a table's steps")
        if steps.owner is not None and steps.owner_table is not None:
            require(self._parent(own, steps.owner) == steps.owner_table, "a table's steps")
            self._check_drawn_before(steps.owner_table)
            self._check_paths(steps.owner_table, (*steps.context, *steps.numbers))
        for link in steps.links:
            self._check_link(steps, link, names)
        for number, step in enumerate(steps.steps):
            self._check_step(steps, step, names[:number], names)
        if steps.shared is not None:
            self._check_shared(steps, steps.shared, names)

    def _check_shared(self, steps: TableSteps, shared: SharedDates, names: Sequence[str]) -> None:
        require(shared.gate in names[: names.index(shared.step)], "a shared date")
        self._check_drawn_before(shared.table)
        require(self._parent(shared.table, shared.reference) == steps.owner_table, "a shared date")
        other = self._models[shared.table].steps
        require(other is not None, "a shared date")
        own, theirs = ({s.name: s.kind for s in all_steps} for all_steps in (steps.steps, other.steps))  # type: ignore[union-attr]
        require(own[shared.step] == theirs[shared.source] == MEASURED, "a shared date")
        require(own[shared.gate] != MEASURED, "a shared date")

    def _check_link(self, steps: TableSteps, link: Link, names: Sequence[str]) -> None:
        require(link.parent == self._parent(self._model.table, link.reference), "a link")
        require(f"link:{link.reference}" in names and 1 <= link.types <= _MOST_TYPES, "a link")
        self._check_drawn_before(link.parent)
        self._check_paths(link.parent, (*link.context, *link.numbers))
        self._check_restriction(link.restriction, steps.links, link.parent)
        before = {other.reference: other.parent for other in steps.links}
        for known in link.known:
            require(known.source in (BY_OWNER, BY_PREVIOUS, BY_ROW), "a link")
            start = steps.owner_table if known.source == BY_OWNER else before[known.reference]
            require(start is not None and self._end(start, known.hops) == link.parent, "a link")
        self._check_codes_of(link, next(s for s in steps.steps if s.name == f"link:{link.reference}"))
        if link.anchor is not None:
            require(link.anchor.step in names and link.anchor.source in link.numbers, "a link")
            require(len(link.anchor.shares) == link.anchor.distances.size - 1 > 0, "a link")

    def _check_codes_of(self, link: Link, step: Step) -> None:
        """That a link's step draws no code beyond its types (or its copied parents) and the ways to know the parent."""
        copied = self._models[link.parent].copied
        require(not link.direct or copied is not None, "a link")
        codes = 1 + copied.num_rows if link.direct and copied is not None else FIRST_TYPE + link.types
        _require_codes(step, codes + len(link.known))

    def _check_step(self, steps: TableSteps, step: Step, before: Sequence[str], names: Sequence[str]) -> None:
        require(0 <= step.kind <= DIRECT and step.variants, "a step")
        linked = [k for k in steps.links if f"link:{k.reference}" == step.name]
        require(bool(linked) == (step.kind in (LINK, DIRECT)), "a step")
        require(step.nulls is None or step.nulls.source in before, "a step")
        for variant in step.variants:
            known = variant.reference == LOOKUP
            require(known == (variant.tree is None), "a step")
            require(known or (variant.atoms is not None) == (step.kind == MEASURED), "a step")
            self._check_source(steps, variant, names)
        require(step.variants[-1].reference != LOOKUP, "a step")
        require(step.ends is None or step.ends in steps.numbers, "a step")
        if step.labels is not None:
            above = self._models[steps.owner_table].steps if steps.owner_table is not None else None
            require(above is not None and step.labels.step in {s.name for s in above.steps}, "a step")
        for bound in step.bounds:
            self._check_source(steps, bound, names)

    def _check_source(self, steps: TableSteps, counted: Variant | Bound, names: Sequence[str]) -> None:
        """That the number is there from which a step is counted, or by which it is bounded."""
        require(ABSOLUTE <= counted.reference <= PACED, "a step")
        if counted.reference == ABSOLUTE:
            return
        require(counted.source is not None, "a step")
        if counted.reference == OWNER:
            require(counted.source in steps.numbers, "a step")
        elif counted.reference == LINKED:
            require(0 <= counted.link < len(steps.links), "a step")
            require(counted.source in steps.links[counted.link].numbers, "a step")
        else:
            require(counted.source.step in names, "a step")  # type: ignore[union-attr]

    def _check_restriction(self, found: Restriction | None, links: Sequence[Link], parent: TableName) -> None:
        if found is None:
            return
        steps, own = self._model.steps, self._model.table
        sources = {k.reference: k.parent for k in links} | {"self": own, "sibling": parent}
        if steps is not None and steps.owner_table is not None:
            sources["owner"] = steps.owner_table
        require(len(found.left_columns) == len(found.right_columns), "a link")
        left = self._end(sources[found.source], found.left.hops)
        right = self._end(parent, found.right.hops)
        _require_columns(self._schema.table(left), found.left_columns)
        _require_columns(self._schema.table(right), found.right_columns)

    def _check_derived(self) -> None:
        derived, own = self._model.derived, self._model.table
        made = [c.column for c in derived.columns]
        _require_columns(self._table, made)
        for operand in derived.operands:
            _require_columns(self._schema.table(self._end(own, operand.hops)), [operand.column])
        named = {o.name for o in derived.operands} | {c.name for c in self._table.columns}
        for formula in derived.formulas:
            require(formula.target in made and named.issuperset(formula.operands), "a formula")
        for running in derived.running:
            require(running.target in made, "a running sum")
            _require_columns(self._table, running.columns())
            steps = self._model.steps
            if running.start and steps is not None and steps.owner_table is not None:
                _require_columns(self._schema.table(steps.owner_table), [running.start])
        for total in derived.totals:
            self._check_total(total, made)
        for copy in self._model.copies:
            require(self._end(own, copy.hops) == copy.table, "a copied column")
            _require_columns(self._table, [copy.column])
            _require_columns(self._schema.table(copy.table), [copy.source])

    def _check_total(self, total: TotalOf, made: Sequence[str]) -> None:
        require(self._parent(total.child, total.reference) == self._model.table, "a total")
        require(total.child != self._model.table, "a total")
        require(total.total.target in made, "a total")
        used = [total.total.column] if total.total.column else []
        used += [total.total.only.column] if total.total.only is not None else []
        _require_columns(self._schema.table(total.child), used)

    def _check_paths(self, start: TableName, paths: Iterable[Path]) -> None:
        for path in paths:
            end = self._models[self._end(start, path.hops)].steps
            require(end is not None and path.step in {s.name for s in end.steps}, "a path")

    def _check_drawn_before(self, table: TableName) -> None:
        require(self._order[table] < self._number, "an order of tables")

    def _end(self, start: TableName, hops: Iterable[Hop]) -> TableName:
        """The table at the end of the hops."""
        for hop in hops:
            require(hop.parent == self._parent(start, hop.reference), "a path")
            start = hop.parent
        return start

    def _parent(self, table: TableName, reference: str) -> TableName:
        found = [r.parent for r in self._models[table].relations if r.id == reference]
        require(found, "a reference")
        return found[0]
