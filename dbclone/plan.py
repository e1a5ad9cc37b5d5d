"""The plan: what will happen to each table and column, as frozen data, decided before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dbclone.findings import Finding
from dbclone.schema import ForeignKey, Schema, TableName


class TableRole(StrEnum):
    SYNTHESISE = "synthesise"
    COPY = "copy as reference"
    EMPTY = "leave empty"


class ReferenceRole(StrEnum):
    """What a foreign key does when rows are generated."""

    OWNER = "owner"
    """Its child counts drive the table: the rows of one parent are one family, drawn in sequence."""
    LINK = "link"
    """A further parent, chosen for rows that already exist; its own parent table is generated before."""
    SELF = "self"
    """Refers to the same table."""
    DEFERRED = "deferred"
    """Its parent table is generated later (a cycle); filled in a second phase."""
    NULLED = "nulled"
    """Its parent is left out of the clone, or has no rows: always NULL."""


class ColumnRole(StrEnum):
    KEY = "key"
    """A surrogate or natural key column, given new values that are unique."""
    REFERENCE = "reference"
    """A column of a foreign key: takes the value of the parent row that is chosen."""
    VALUE = "value"
    """Modelled by the engine."""
    NULLED = "nulled"
    """Always NULL: it referred to a table that is left out of the clone or empty (see ReferenceRole.NULLED)."""
    GENERATED = "generated"
    """Computed by the database; never read nor written."""


@dataclass(frozen=True)
class ReferencePlan:
    foreign_key: ForeignKey
    role: ReferenceRole
    reason: str
    path: tuple[ForeignKey, ...] = ()
    """If not empty, the owner determines this reference: starting from the owner's row, these keys lead to the row
    that is referred to, in all rows of the source (a line's customer is that of its order).  NULLs remain possible."""
    within: tuple[ForeignKey, ...] = ()
    """If not empty, this reference determines the owner: starting from the row that is referred to, these keys lead to
    the owner's row, in all rows of the source (a diagnosis' visit is one of its patient's)."""


@dataclass(frozen=True)
class ColumnPlan:
    column: str
    role: ColumnRole
    kind: str
    """What the column *is*: boolean, categorical, numeric, temporal, text, identifier, structured, opaque, pii:<x>."""
    reason: str
    """The evidence for role and kind, free of data values."""


@dataclass(frozen=True)
class Holding:
    """How persons hold the rows of a table that refers to none: by the rows of a table of links."""

    links: TableName
    key: ForeignKey
    """The key of the table of links that refers to what is held."""


@dataclass(frozen=True)
class TablePlan:
    table: TableName
    role: TableRole
    reason: str
    rows: int
    """Rows in the source."""
    references: tuple[ReferencePlan, ...] = ()
    """Owner first (if there is one), then links in the order in which they are drawn."""
    columns: tuple[ColumnPlan, ...] = ()
    order_by: tuple[str, ...] = ()
    """Sort key of the rows of one owner; empty means the primary key's order."""
    held_through: ForeignKey | None = None
    """The key that leads to the entity to which a row belongs."""
    held_by: Holding | None = None
    """The links by which an entity holds the row; with neither, each row is an entity of its own."""

    @property
    def owner(self) -> ForeignKey | None:
        """The foreign key whose child counts drive the table."""
        return next((r.foreign_key for r in self.references if r.role is ReferenceRole.OWNER), None)

    def column(self, name: str) -> ColumnPlan:
        """The plan of the column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.column == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Plan:
    schema: Schema
    """The schema of the clone: tables left out are gone, with their foreign keys."""
    tables: tuple[TablePlan, ...]
    """In load order: a table stands after the parents of all its references but SELF and DEFERRED ones."""
    findings: tuple[Finding, ...] = ()
    _by_name: dict[TableName, TablePlan] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {t.table: t for t in self.tables})

    def table(self, name: TableName) -> TablePlan:
        """The plan of the table of that name; KeyError if there is none."""
        return self._by_name[name]

    def entity(self, name: TableName) -> TableName:
        """The table whose rows are the entities to which the rows of a table belong, in whom k is counted."""
        above = self.holder(name)
        return name if above is None else self.entity(above)

    def holder(self, name: TableName) -> TableName | None:
        """The table whose rows are, or belong to, the entities of this table's rows."""
        plan = self.table(name)
        if plan.held_by is not None:
            return plan.held_by.links if plan.held_by.links in self._by_name else None
        key = plan.held_through
        return key.parent if key is not None and key.parent in self._by_name else None
