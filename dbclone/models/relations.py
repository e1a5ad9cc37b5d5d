"""The foreign keys of a table as the engine uses them: who refers to whom, in which role, determined by what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dbclone.models.rows import Hop, reference_id
from dbclone.plan import Plan, ReferenceRole, TablePlan, TableRole
from dbclone.schema import ForeignKey, Table, TableName


@dataclass(frozen=True)
class Relation:
    """A foreign key in use: who refers to whom, and in which role."""

    id: str
    child: TableName
    key: ForeignKey
    role: ReferenceRole
    direct: bool
    """The parent is copied as it is."""
    path: tuple[Hop, ...] = ()
    """If not empty, the owner determines the parent: follow these hops from the owner's row."""

    @property
    def parent(self) -> TableName:
        return self.key.parent


def relations_of(plan: Plan, table: TablePlan) -> tuple[Relation, ...]:
    """The table's foreign keys, owner first; a copied parent is never an owner but a category."""
    found = []
    chosen = {t.table for t in plan.tables}
    for reference in table.references:
        if reference.foreign_key.parent not in chosen:
            continue  # left out of the clone: its columns are NULL by their own role
        role = reference.role
        if role is ReferenceRole.NULLED or plan.table(reference.foreign_key.parent).role is TableRole.EMPTY:
            role = ReferenceRole.NULLED
        path = _hops(plan, table, reference.path) if role is ReferenceRole.LINK else ()
        copied = plan.table(reference.foreign_key.parent).role is TableRole.COPY
        direct = copied and role is not ReferenceRole.NULLED and not path
        if direct and role is ReferenceRole.OWNER:
            role = ReferenceRole.LINK
        identity = reference_id(table.table, reference.foreign_key)
        found.append(Relation(identity, table.table, reference.foreign_key, role, direct, path))
    if not any(r.role is ReferenceRole.OWNER for r in found):
        found = [replace(r, path=()) for r in found]
    return tuple({r.id: r for r in reversed(found)}.values())[::-1]  # a key declared twice is one relation


def _hops(plan: Plan, table: TablePlan, path: tuple[ForeignKey, ...]) -> tuple[Hop, ...]:
    at, hops = table.owner.parent if table.owner else table.table, []
    for key in path:
        hops.append(Hop(reference_id(at, key), key.parent))
        at = key.parent
    return tuple(hops)


def owner_of(relations: tuple[Relation, ...]) -> Relation | None:
    """The relation whose child counts drive the table, if any."""
    return next((r for r in relations if r.role is ReferenceRole.OWNER), None)


def families_keep_apart(table: Table, owner: Relation | None, link: Relation) -> bool:
    """Whether a key of the table forbids that one family refers to the same parent twice."""
    own = set(owner.key.columns) if owner else set()
    return any(set(link.key.columns) <= set(key.columns) <= own | set(link.key.columns) for key in table.keys)
