"""SQL conditions to trees."""

from __future__ import annotations

from sqlglot.errors import SqlglotError

from dbclone.conditions.coercion import NotUnderstood
from dbclone.conditions.comparisons import CONDITION_READERS
from dbclone.conditions.parser import Parser, parse
from dbclone.conditions.scalars import SCALAR_READERS
from dbclone.conditions.tree import UNKNOWN, ColumnValue, Condition, Node, parts
from dbclone.schema import Column, Table

_READERS = {**SCALAR_READERS, **CONDITION_READERS}


def expression(sql: str, table: Table, dialect: str) -> Node | None:
    """Any expression over the columns of a table, or None if a part of it is not understood."""
    try:
        return Parser(_READERS, table, dialect).read(parse(sql, dialect))
    except (SqlglotError, RecursionError, NotUnderstood):
        return None


def understand(sql: str, table: Table, dialect: str, value: Column | None = None) -> Condition | None:
    """A CHECK's condition on the rows of a table, or None if nothing of it is understood.

    ``dialect`` is the one in which it is written; ``value`` the column that VALUE means in a domain's condition.
    """
    parser = Parser(_READERS, table, dialect, value)
    try:
        tree = parser.condition(parse(sql, dialect))
    except (SqlglotError, RecursionError):
        return None
    if tree == UNKNOWN:
        return None
    used = {part.name for part in parts(tree) if isinstance(part, ColumnValue)}
    return Condition(tree, tuple(c.name for c in table.columns if c.name in used), parser.complete)
