"""Reads one condition: its logic, its columns, and through readers by type of node all else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, TypeAlias

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbclone.conditions.coercion import NUMERIC_AFFINITY, TEXT_AFFINITY, Coercion, NotUnderstood, text_constant
from dbclone.conditions.tree import UNKNOWN, Call, ColumnValue, Constant, Kind, Node
from dbclone.schema import Column, SqlType, Table, TypeFamily

Sql: TypeAlias = Any
"""A node of sqlglot's trees; the name of their base class differs between its versions."""
Reader: TypeAlias = "Callable[[Parser, Sql], Node]"
Readers: TypeAlias = Mapping[str, Reader]
"""By the name of the node's class; 'Func' reads what has no reader of its own."""

_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}
_KINDS = {
    TypeFamily.BOOLEAN: Kind.BOOLEAN, TypeFamily.INTEGER: Kind.INTEGER, TypeFamily.DECIMAL: Kind.DECIMAL,
    TypeFamily.FLOAT: Kind.FLOAT, TypeFamily.TEXT: Kind.TEXT, TypeFamily.ENUM: Kind.TEXT, TypeFamily.UUID: Kind.TEXT,
    TypeFamily.JSON: Kind.TEXT, TypeFamily.DATE: Kind.DATE, TypeFamily.TIME: Kind.CLOCK,
    TypeFamily.TIMESTAMP: Kind.MOMENT,
}  # fmt: skip
_ORDERING = ("lt", "le", "gt", "ge")
_CASED = ("_bin", "_cs")
_C_COLLATIONS = ("C", "POSIX", "ucs_basic")


@lru_cache(maxsize=1_024)
def parse(sql: str, dialect: str) -> Sql:
    """The expression as sqlglot reads it, to be looked at only; SqlglotError if it cannot.

    Large schemas say the same of hundreds of columns.
    """
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        # As part of a query: a lone REPLACE(...) would be taken for a statement.
        return sqlglot.parse_one(f"SELECT {sql}", read=_DIALECTS[dialect]).expressions[0]
    except (IndexError, AttributeError) as error:
        raise SqlglotError(str(error)) from error
    finally:
        logger.disabled = before


class Parser:
    """Reads one condition.  ``complete`` turns false where a part of it is not understood."""

    def __init__(self, readers: Readers, table: Table, dialect: str, value: Column | None = None) -> None:
        self._readers = readers
        self.sqlite = dialect == "sqlite"
        self.dialect = dialect
        self.complete = True
        self.mysql = dialect == "mysql"
        self.coercion = Coercion(self.sqlite, self.mysql)
        self.columns = table.columns
        self._value = value
        self.divisors: list[Node] = []

    def condition(self, sql: Sql) -> Node:
        """A condition of which parts may stay UNKNOWN."""
        sql = bare(sql)
        if isinstance(sql, (exp.And, exp.Or)):
            name = "and" if isinstance(sql, exp.And) else "or"
            return Call(name, (self.condition(sql.this), self.condition(sql.expression)), Kind.BOOLEAN)
        if isinstance(sql, exp.Not):
            return Call("not", (self.condition(sql.this),), Kind.BOOLEAN)
        try:
            return self._atom(sql)
        except NotUnderstood:
            self.complete = False
            return UNKNOWN

    def _atom(self, sql: Sql) -> Node:
        """PostgreSQL refuses a row that would divide by zero: such a row counts as violating."""
        self.divisors = []
        found = self.coercion.truth(self.read(sql))
        guards = [] if self.sqlite else self.divisors
        zero = Constant(0, Kind.INTEGER)
        return reduce(
            lambda tree, divisor: Call("and", (Call("ne", (divisor, zero), Kind.BOOLEAN), tree), Kind.BOOLEAN),
            guards,
            found,
        )

    def read(self, sql: Sql) -> Node:
        """Any expression; NotUnderstood if a part of it is not."""
        sql = bare(sql)
        if isinstance(sql, exp.Column):
            return _read_column(self, sql)
        reader = self._readers.get(type(sql).__name__) or self._readers["Func"]
        return reader(self, sql)

    def truth(self, sql: Sql) -> Node:
        """A condition that is understood as a whole."""
        return self.coercion.truth(self.read(sql))

    def column(self, sql: Sql) -> Column | None:
        """The column that an expression is, if it is one."""
        sql = bare(sql)
        if not isinstance(sql, exp.Column):
            return None
        if self._value is not None and sql.name.upper() == "VALUE":
            return self._value
        same = (c for c in self.columns if c.name == sql.name)
        alike = (c for c in self.columns if c.name.lower() == sql.name.lower())
        return next(same, None) or (next(alike, None) if self.dialect != "postgresql" else None)

    def compare(self, name: str, left: Sql, right: Sql) -> Node:
        """A comparison of two expressions under their collation."""
        one, other = self.coercion.alike([self.read(left), self.read(right)])
        if Kind.TEXT in (one.kind, other.kind):
            one, other = self._collated(name, (left, one), (right, other))
        return Call(name, (one, other), Kind.BOOLEAN)

    def _collated(self, name: str, left: tuple[Sql, Node], right: tuple[Sql, Node]) -> tuple[Node, Node]:
        if self.mysql:
            return self._collated_in_mysql(name, left, right)
        collation = next((c for c in map(self._collation, (left[0], right[0])) if c), "")
        if self.sqlite:
            return _folded(left[1], collation), _folded(right[1], collation)
        if name in _ORDERING:
            labels = next((c.type.values for c in map(self.column, (left[0], right[0])) if c and c.type.values), ())
            if labels:
                ranks = tuple(map(text_constant, labels))
                return Call("rank", (left[1], *ranks), Kind.INTEGER), Call("rank", (right[1], *ranks), Kind.INTEGER)
            if collation not in _C_COLLATIONS:
                raise NotUnderstood  # the order of letters is the server's business
        return left[1], right[1]

    def _collated_in_mysql(self, name: str, left: tuple[Sql, Node], right: tuple[Sql, Node]) -> tuple[Node, Node]:
        collation = self._of_columns(left[0], right[0])
        if name in _ORDERING and not collation.endswith("_bin"):
            raise NotUnderstood  # the order of letters is the server's business
        return _under(left[1], collation), _under(right[1], collation)

    def caseless(self, sql: Sql) -> bool:
        """Whether patterns meet a text in any case: in MariaDB its collation says so."""
        return self.mysql and not self._of_columns(sql).endswith(_CASED)

    def _of_columns(self, *sqls: Sql) -> str:
        """MariaDB's collation of expressions: that of their columns, of which a binary one prevails."""
        columns = (self.column(part) for sql in sqls for part in sql.find_all(exp.Column))
        found = [column.collation for column in columns if column is not None and column.collation]
        return next((name for name in found if name.endswith("_bin")), found[0] if found else "")

    def _collation(self, sql: Sql) -> str:
        sql = bare(sql)
        if isinstance(sql, exp.Collate):
            return str(sql.expression.name).strip('"')
        column = self.column(sql)
        if column is None or column.collation is None:
            return ""
        return column.collation.rpartition(".")[2].strip('"')


def bare(sql: Sql) -> Sql:
    """Without parentheses."""
    while isinstance(sql, exp.Paren):
        sql = sql.this
    return sql


def _folded(node: Node, collation: str) -> Node:
    """A text as SQLite's collation sees it."""
    if collation.upper() == "NOCASE":
        return Call("ascii lower", (node,), Kind.TEXT)
    if collation.upper() == "RTRIM":
        return Call("trim right", (node, text_constant(" ")), Kind.TEXT)
    if collation.upper() not in ("", "BINARY"):
        raise NotUnderstood
    return node


def _under(node: Node, collation: str) -> Node:
    """A text as MariaDB's collation sees it: most ignore case, and spaces at the end."""
    if not collation.endswith(_CASED):
        node = Call("lower", (node,), Kind.TEXT)
    if "_nopad_" in collation or "_0900_" in collation:
        return node
    return Call("trim right", (node, text_constant(" ")), Kind.TEXT)


def column_value(column: Column, sqlite: bool) -> Node:
    """A column as a node: of its kind, as the product stores it."""
    found, declared = column.type, column.type.sql.upper()
    kind = _KINDS.get(found.family, Kind.OPAQUE)
    if sqlite:
        return ColumnValue(column.name, Kind.FLOAT if kind is Kind.DECIMAL else kind, _form(found, kind))
    node = ColumnValue(column.name, kind)
    if kind is Kind.FLOAT and declared in ("REAL", "FLOAT4"):
        return Call("single", (node,), Kind.FLOAT)
    if kind is Kind.TEXT and found.family is TypeFamily.TEXT and declared.startswith(("CHARACTER(", "CHAR(", "BPCHAR")):
        return Call("trim right", (node, text_constant(" ")), Kind.TEXT)
    return node


def _form(found: SqlType, kind: Kind) -> str:
    """How SQLite stores the values, and what it converts others to that they meet (its rules of affinity)."""
    declared = found.sql.upper()
    textual = any(word in declared for word in ("CHAR", "CLOB", "TEXT")) and "INT" not in declared
    if kind is Kind.TEXT:
        return TEXT_AFFINITY if textual else ""
    if kind in (Kind.DECIMAL, Kind.FLOAT):
        real = any(word in declared for word in ("REAL", "FLOA", "DOUB")) and "INT" not in declared
        return "" if real else NUMERIC_AFFINITY
    return found.storage


def _read_column(parser: Parser, sql: Sql) -> Node:
    column = parser.column(sql)
    if column is not None:
        if column.generated is not None:
            return _generated(parser, column)
        return column_value(column, parser.sqlite)
    if parser.sqlite and isinstance(sql.this, exp.Identifier) and sql.this.quoted:
        return text_constant(sql.name)  # SQLite takes a quoted name that no column has for a text
    raise NotUnderstood


def _generated(parser: Parser, column: Column) -> Node:
    """What a generated column is made from, rounded as its type rounds."""
    try:
        node = parser.read(parse(column.generated or "", parser.dialect))
    except SqlglotError as error:
        raise NotUnderstood from error
    wanted = _KINDS.get(column.type.family, Kind.OPAQUE)
    if not parser.sqlite and wanted is Kind.DECIMAL and column.type.scale is not None:
        return Call("round", (node, Constant(column.type.scale, Kind.INTEGER)), node.kind)
    if node.kind is wanted or (parser.sqlite and wanted in (Kind.DECIMAL, Kind.FLOAT) and node.kind is Kind.FLOAT):
        return node
    raise NotUnderstood
