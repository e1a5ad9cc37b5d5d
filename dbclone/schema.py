"""What a database is made of, as frozen values independent of any product.  Keys are always tuples of columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class TypeFamily(StrEnum):
    """What a SQL type can hold, whatever its spelling in a product."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    ENUM = "enum"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    BYTES = "bytes"
    ARRAY = "array"
    OPAQUE = "opaque"


@dataclass(frozen=True, order=True)
class TableName:
    """A table's name; ``schema`` is empty where the product has no schemas or the default one is meant."""

    schema: str
    name: str

    def __hash__(self) -> int:
        """By the name alone, which is looked up more often than two schemas have a table of one name."""
        return hash(self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class SqlType:
    """A column type: its family, its exact spelling in its own dialect, and its limits where it has any."""

    family: TypeFamily
    sql: str
    length: int | None = None
    """Longest text in characters, or None for no limit."""
    precision: int | None = None
    """Decimal digits of a DECIMAL; bits of an INTEGER (16, 32, 64; MySQL's also 8 and 24)."""
    scale: int | None = None
    """Digits after the point of a DECIMAL; fractional-second digits of a TIMESTAMP or TIME."""
    with_time_zone: bool = False
    unsigned: bool = False
    """Of a number: none below zero, and in an INTEGER's bits twice as many above."""
    values: tuple[str, ...] = ()
    """Labels of an ENUM, in their declared order."""
    item: SqlType | None = None
    """Element type of an ARRAY."""
    storage: str = ""
    """How values look where the product leaves it open (SQLite): for temporal values their text with every digit as 0
    (``0000-00-00 00:00:00``), for booleans the pair ``f/t``; empty means the product's usual form."""
    checks: tuple[str, ...] = ()
    """Conditions of a domain on its ``VALUE``, in the source's dialect."""
    not_null: bool = False
    """It is the type, a domain, that forbids NULL; the column does not say so itself."""
    constant: str = ""
    """Of an OPAQUE type: text of some valid value, for columns that must have one; empty if none is known."""


@dataclass(frozen=True)
class Column:
    name: str
    type: SqlType
    nullable: bool = True
    default: str | None = None
    """SQL expression in the source's dialect."""
    generated: str | None = None
    """Expression of a generated column (never inserted), or None."""
    identity: str | None = None
    """'always', 'by default' (SQL identity), 'serial' (owned sequence), 'rowid' (SQLite integer key), or None."""
    collation: str | None = None
    """Name of a collation other than the default one, quoted as the source's dialect wants it."""
    inherited: bool = False
    """Comes from a table of ``Table.inherits``; the table itself does not declare it."""


@dataclass(frozen=True)
class Key:
    """A primary key or a total UNIQUE constraint/index over plain columns."""

    name: str
    columns: tuple[str, ...]
    nulls_distinct: bool = True
    definition: str = ""
    """The constraint after its name, in the source's dialect, where it says more than this (INCLUDE, DEFERRABLE)."""


@dataclass(frozen=True)
class Virtual:
    """That no database declares a foreign key, and which rows it is about (see ``virtual_keys``)."""

    where: tuple[str, str] | None = None
    """Discriminator: a column, and the text of its value in the rows that the key is about; None: all rows."""
    nothing: str | None = None
    """Text of the value that stands for no parent, where that is not NULL (0, say)."""
    orphans: float = 0.0
    """Share of the referring rows of the source whose parent does not exist: a clone may have no larger one."""
    unique: bool = False
    """No key of the parent is declared over the columns that are referred to, but no two of its rows have the same."""


@dataclass(frozen=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    parent: TableName
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferrable: bool = False
    initially_deferred: bool = False
    match_full: bool = False
    """NULL in all columns or in none."""
    set_columns: tuple[str, ...] = ()
    """The only columns that ON DELETE SET NULL or SET DEFAULT sets; empty means all."""
    declared_by: tuple[tuple[TableName, str], ...] = ()
    """Partitions that declare it, each with its own name for it; empty if the table itself does."""
    not_valid: bool = False
    """Not proven for all rows of the source (PostgreSQL's NOT VALID); the clone's satisfy it."""
    virtual: Virtual | None = None
    """Not None if no database declares it: no target creates it."""

    def __hash__(self) -> int:
        """By what nearly always tells keys apart: they are looked up by the thousand."""
        return hash((self.name, self.columns, self.parent.name))


@dataclass(frozen=True)
class Check:
    name: str
    expression: str
    """The condition without the word CHECK, in the source's dialect."""
    no_inherit: bool = False
    """Holds for this table's own rows only, not for tables that inherit from it (PostgreSQL)."""
    not_valid: bool = False
    """As in ``ForeignKey``."""
    inherited: bool = False
    """Comes from a table of ``Table.inherits``; the table itself does not declare it."""


@dataclass(frozen=True)
class Index:
    """An index that is not a constraint; ``ddl`` is its whole statement in the source's dialect.

    A total unique index over plain columns stands here and, under the same name, among ``Table.uniques``.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool
    ddl: str
    items: tuple[str, ...] = ()
    """What it is over, each a column or an expression in the source's dialect; empty where that is not known."""
    condition: str = ""
    """The rows that it covers, in the source's dialect; empty means all."""
    nulls_distinct: bool = True


@dataclass(frozen=True)
class Exclusion:
    """An EXCLUDE constraint over plain columns: no two rows may match in all elements."""

    name: str
    elements: tuple[tuple[str, str], ...]
    """Column and operator."""
    condition: str = ""
    """The rows that it covers, in the source's dialect; empty means all."""


@dataclass(frozen=True)
class Statement:
    """What recreates something besides tables, columns, keys, checks and indexes, and what that is."""

    kind: str
    """'view', 'trigger', 'function', 'comment'…"""
    name: str
    """As the product identifies it: 'app.t', 'app.f(integer)', 'x on app.t' for what is a table's own."""
    sql: str
    """In the source's dialect; empty if it comes about with its table (the sequence of an identity column)."""
    schema: str = ""
    """The schema that holds it, where it belongs to one and to no table."""

    @property
    def subject(self) -> str:
        """Its line in the ledger; several statements may serve one thing."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Omission:
    """Something of the source that a clone goes without, and why."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True)
class Table:
    name: TableName
    columns: tuple[Column, ...]
    primary_key: Key | None = None
    uniques: tuple[Key, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    ddl: str | None = None
    """CREATE TABLE in the source's own words, where the product keeps it (SQLite)."""
    inherits: tuple[TableName, ...] = ()
    """Tables of which this one is a child by INHERITS (PostgreSQL); each table's rows are its own only."""
    suffix: str = ""
    """What follows the column list in CREATE TABLE, in the source's dialect (PARTITION BY ..., WITHOUT ROWID)."""
    attachments: tuple[Statement, ...] = ()
    """What completes the table once it exists: its partitions, its sequences' ownership."""
    exclusions: tuple[Exclusion, ...] = ()
    """Those over plain columns; all of them stand among the completions."""
    completions: tuple[Statement, ...] = ()
    """What follows the load, keys and indexes: exclusion constraints, triggers, policies, comments, settings."""
    narrower: tuple[Index, ...] = ()
    """Unique indexes and keys of single partitions, with the rows that these hold as condition; no statements."""
    within: tuple[tuple[TableName, Check], ...] = ()
    """Conditions and NOT NULLs of single partitions, as what they ask of all rows of the table; no statements."""
    whole: Table | None = None
    """The table as the database has it, where this one has other columns for virtual keys (see ``virtual_keys``)."""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Primary key first, then the unique keys."""
        return ((self.primary_key,) if self.primary_key else ()) + self.uniques

    @property
    def insertable(self) -> tuple[Column, ...]:
        """Columns that a load writes: all but the generated ones."""
        return tuple(c for c in self.columns if c.generated is None)


@dataclass(frozen=True)
class Schema:
    dialect: str
    """'sqlite', 'postgresql' or 'mysql' (MariaDB too)."""
    tables: tuple[Table, ...]
    preamble: tuple[Statement, ...] = ()
    """What tables may need: schemas, types, domains, sequences, functions."""
    epilogue: tuple[Statement, ...] = ()
    """What follows the load and the constraints: views and the like."""
    omissions: tuple[Omission, ...] = ()
    """What a clone of it has not."""
    privileges: tuple[Statement, ...] = ()
    """Owners and grants, for a clone that is to have them."""
    _by_name: dict[TableName, Table] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {t.name: t for t in self.tables})

    def table(self, name: TableName) -> Table:
        """The table of that name; KeyError if there is none."""
        return self._by_name[name]
