"""What the catalogue of a MariaDB or MySQL database says, as typed rows: a handful of queries on information_schema.

All run in a mode in which the server prints names in backticks and texts in single quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from dbclone.dialects.mysql_session import MysqlError, Session, is_mariadb

_HERE = "TABLE_SCHEMA = DATABASE()"


@dataclass(frozen=True)
class TableRow:
    name: str
    kind: str
    """'BASE TABLE', 'VIEW', 'SEQUENCE', 'SYSTEM VERSIONED'."""
    engine: str | None


@dataclass(frozen=True)
class ColumnRow:
    table: str
    name: str
    default: str | None
    nullable: bool
    data_type: str
    column_type: str
    length: int | None
    precision: int | None
    scale: int | None
    fraction: int | None
    """Digits of fractional seconds."""
    collation: str | None
    extra: str
    expression: str | None
    comment: str


_COLUMNS = f"""
SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT, IS_NULLABLE, lower(DATA_TYPE), COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH,
  NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, COLLATION_NAME, lower(EXTRA), GENERATION_EXPRESSION,
  COLUMN_COMMENT
FROM information_schema.COLUMNS WHERE {_HERE} ORDER BY TABLE_NAME, ORDINAL_POSITION"""


@dataclass(frozen=True)
class IndexPart:
    """One part of an index, in order."""

    table: str
    index: str
    unique: bool
    column: str | None
    prefix: int | None
    """So many characters of it, or None for all."""
    descending: bool
    kind: str
    """'BTREE', 'FULLTEXT', 'SPATIAL', 'HASH'."""


_INDEXES = f"""
SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE = 0, COLUMN_NAME, SUB_PART, coalesce(COLLATION, '') = 'D', INDEX_TYPE
FROM information_schema.STATISTICS WHERE {_HERE} ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"""


@dataclass(frozen=True)
class ReferencePart:
    """One column of a foreign key, in order."""

    table: str
    name: str
    column: str
    parent_schema: str
    parent: str
    parent_column: str
    on_update: str
    on_delete: str


_REFERENCES = """
SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME,
  k.REFERENCED_COLUMN_NAME, r.UPDATE_RULE, r.DELETE_RULE
FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
  ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
WHERE k.TABLE_SCHEMA = DATABASE() AND r.CONSTRAINT_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_NAME IS NOT NULL
ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION"""


@dataclass(frozen=True)
class CheckRow:
    table: str
    name: str
    condition: str


_CHECKS = {
    True: """SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
      WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1, 2""",
    False: """SELECT t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c
      JOIN information_schema.TABLE_CONSTRAINTS t USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)
      WHERE c.CONSTRAINT_SCHEMA = DATABASE() AND t.CONSTRAINT_TYPE = 'CHECK' ORDER BY 1, 2""",
}


@dataclass(frozen=True)
class Definition:
    """A view, trigger, routine or event: kind, name, table of a trigger, and the whole statement or '' if hidden."""

    kind: str
    name: str
    table: str
    text: str


MODE = re.compile(r" /\* sql_mode=([A-Z_,]*)(?: time_zone=([\w+:/-]+))? \*/\Z")
"""At the end of a definition: the mode in which the server must read it, and the time zone of an event."""


@dataclass(frozen=True)
class Catalogue:
    mariadb: bool
    database: str
    tables: list[TableRow]
    columns: dict[str, list[ColumnRow]]
    indexes: dict[str, list[IndexPart]]
    references: dict[str, list[ReferencePart]]
    checks: dict[str, list[CheckRow]]
    create: dict[str, str]
    """CREATE TABLE or CREATE SEQUENCE, by name."""
    positions: dict[str, int]
    """The next number of each sequence."""
    definitions: list[Definition]


_Row = TypeVar("_Row", ColumnRow, IndexPart, ReferencePart, CheckRow)


def read_catalogue(session: Session) -> Catalogue:
    """Everything that a clone needs to know, in the session's current snapshot."""
    mariadb = is_mariadb(session)
    query = f"SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE {_HERE} ORDER BY 1"
    tables = [TableRow(*row) for row in session.rows(query)]
    own = [table.name for table in tables]
    return Catalogue(
        mariadb=mariadb,
        database=session.database,
        tables=tables,
        columns=_grouped(map(_column, session.rows(_COLUMNS))),
        indexes=_grouped(
            IndexPart(t, name, unique == "1", column, _number(prefix), descending == "1", kind)
            for t, name, unique, column, prefix, descending, kind in session.rows(_INDEXES)
        ),
        references=_grouped(ReferencePart(*row) for row in session.rows(_REFERENCES)),
        checks=_grouped(CheckRow(t, name, _unescaped(text, mariadb)) for t, name, text in _checks(session, mariadb)),
        create={
            table.name: without_database(_create(session, table), session.database, own)
            for table in tables
            if "VIEW" not in table.kind
        },
        positions={
            table.name: int(session.scalar(f"SELECT next_not_cached_value FROM {backticked(table.name)}"))
            for table in tables
            if table.kind == "SEQUENCE"
        },
        definitions=list(read_definitions(session)),
    )


def _create(session: Session, table: TableRow) -> str:
    kind = "SEQUENCE" if table.kind == "SEQUENCE" else "TABLE"
    return str(session.rows(f"SHOW CREATE {kind} {backticked(table.name)}")[0][1])


def backticked(name: str) -> str:
    """A name as the server itself delimits it."""
    return "`" + name.replace("`", "``") + "`"


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _column(row: tuple[str, ...]) -> ColumnRow:
    table, name, default, nullable, data_type, column_type, *numbers, collation, extra, expression, comment = row
    length, precision, scale, fraction = map(_number, numbers)
    return ColumnRow(
        table, name, default, nullable == "YES", data_type, column_type, length, precision, scale, fraction,
        collation, extra, expression or None, comment,
    )  # fmt: skip


def _checks(session: Session, mariadb: bool) -> list[tuple[str, ...]]:
    try:
        return session.rows(_CHECKS[mariadb])
    except MysqlError:  # MySQL before 8.0.16 has none
        return []


def _unescaped(text: str, mariadb: bool) -> str:
    """MySQL prints the quotes of literals with a backslash."""
    return text if mariadb else text.replace("\\'", "'")


def _grouped(rows: Iterator[_Row]) -> dict[str, list[_Row]]:
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        groups.setdefault(row.table, []).append(row)
    return groups


_ROUTINES = "SELECT ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"
_VIEWS = f"SELECT TABLE_NAME, '' FROM information_schema.VIEWS WHERE {_HERE} ORDER BY 1"
_TRIGGERS = """SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY EVENT_OBJECT_TABLE, ACTION_ORDER"""
_EVENTS = "SELECT EVENT_NAME, '' FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1"
_OBJECTS: tuple[tuple[str, str, int, int | None], ...] = (
    ("FUNCTION", f"{_ROUTINES} AND ROUTINE_TYPE = 'FUNCTION' ORDER BY 1", 2, 1),
    ("PROCEDURE", f"{_ROUTINES} AND ROUTINE_TYPE = 'PROCEDURE' ORDER BY 1", 2, 1),
    ("VIEW", _VIEWS, 1, None),
    ("TRIGGER", _TRIGGERS, 2, 1),
    ("EVENT", _EVENTS, 3, 1),
)
"""Kind, query for names and tables, and in which columns SHOW CREATE gives the statement and its mode."""
_ZONE = 2
"""In which column it gives the time zone of an event."""


def read_definitions(session: Session) -> Iterator[Definition]:
    """Views, triggers, routines and events of the session's database, without their definers."""
    own = [name for (name,) in session.rows(_NAMES)]
    for kind, query, at, mode in _OBJECTS:
        for name, table in session.rows(query):
            try:
                shown = session.rows(f"SHOW CREATE {kind} {backticked(name)}")[0]
            except MysqlError:
                shown = ("",) * 4
            zone = f" time_zone={shown[_ZONE]}" if kind == "EVENT" else ""
            # No mode at all is one too: a clone that took this session's would read quotes and numbers otherwise.
            ending = "" if mode is None else f" /* sql_mode={shown[mode] or ''}{zone} */"
            statement = _recreated(shown[at] or "", ending)
            yield Definition(kind, name, table, without_database(statement, session.database, own))


_NAMES = f"""SELECT TABLE_NAME FROM information_schema.TABLES WHERE {_HERE}
UNION SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"""
_WORDS_BEFORE = re.compile(r"\ACREATE\s+(?:OR REPLACE\s+)?(?:ALGORITHM\s*=\s*UNDEFINED\s+)?", re.IGNORECASE)
_DEFINER = re.compile(
    r"\A(ALGORITHM\s*=\s*\w+\s+)?DEFINER\s*=\s*(?:`(?:[^`]|``)*`@`(?:[^`]|``)*`|\S+)\s+", re.IGNORECASE
)


def _recreated(text: str, ending: str) -> str:
    """The statement as another user can run it, with its mode at the end."""
    if not text:
        return ""
    text = _DEFINER.sub(lambda found: found[1] or "", _WORDS_BEFORE.sub("", text))
    return f"CREATE {text}{ending}"


_STRINGS = re.compile(r"('(?:[^'\\]|''|\\.)*')", re.DOTALL)


def without_database(text: str, database: str, own: Iterable[str]) -> str:
    """SQL in which names of tables and routines are not qualified by their own database: they mean the clone's."""
    names = "|".join(re.escape(word) for name in own for word in (name, backticked(name)))
    word = rf"(?:{re.escape(backticked(database))}|{re.escape(database)})"
    qualified = re.compile(rf"(?<![\w`.@$]){word}\s*\.\s*(?=(?:{names})(?![\w$`]))")
    return "".join(part if at % 2 else qualified.sub("", part) for at, part in enumerate(_STRINGS.split(text)))
