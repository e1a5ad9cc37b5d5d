"""What stands around a PostgreSQL database's tables: what they need, what follows them, and what no clone has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dbclone.dialects.base import literal, quote
from dbclone.dialects.postgresql_catalogue import Catalogue, Definition, Sequence
from dbclone.dialects.postgresql_ddl import CREATE_SCHEMA
from dbclone.dialects.postgresql_types import create_types
from dbclone.schema import Omission, Schema, Statement, TableName


def preamble(catalogue: Catalogue) -> Iterator[Statement]:
    """Schemas, extensions, collations, types, sequences and functions, all of which tables may use."""
    for schema in catalogue.schemas:
        yield Statement("schema", schema.name, CREATE_SCHEMA + quote(schema.name), schema.name)
    for extension in catalogue.extensions:
        sql = f"CREATE EXTENSION IF NOT EXISTS {quote(extension.name)} WITH SCHEMA {quote(extension.schema)}"
        yield Statement("extension", extension.name, sql)
    for collation in catalogue.collations:
        name = TableName(collation.schema, collation.name)
        sql = f"CREATE COLLATION {dotted(name)} ({collation.text})"
        yield Statement("collation", str(name), sql, collation.schema)
    own = [kind for kind in catalogue.types.values() if kind.own]
    yield from create_types(own, catalogue.attributes)
    yield from map(statement_of, catalogue.before_tables)
    for sequence in catalogue.sequences:
        if sequence.dependency != "i":
            yield from _create_sequence(sequence)
    for function in catalogue.functions:
        # Not OR REPLACE: a function that the target has is not overwritten.
        sql = function.text.replace("CREATE OR REPLACE ", "CREATE ", 1)
        yield Statement(function.kind, function.name, sql, function.schema)


def epilogue(catalogue: Catalogue, details: Iterable[Definition]) -> Iterator[Statement]:
    """Views with their indexes, and the details that belong to no table."""
    for view in catalogue.views:
        name = f"{view.schema}.{view.name}"
        yield Statement(view.kind, name, f"CREATE {view.kind.upper()}{view.text}", view.schema)
        for index in catalogue.indexes.get(view.relation, []):
            yield Statement("index", f"{index.name} on {name}", index.definition, view.schema)
    yield from map(statement_of, details)


def omissions(catalogue: Catalogue) -> Iterator[Omission]:
    """What the catalogue has that is not recreated, and why."""
    for relation in catalogue.relations:
        if relation.kind == "f":
            reason = "its rows are those of another server"
            yield Omission("foreign table", f"{relation.schema}.{relation.name}", reason)
    for lost in catalogue.left_out:
        yield Omission(lost.kind, lost.name, lost.text)


_SETTING = re.compile(r"current_setting\(\s*'([^']+)'", re.IGNORECASE)
_EXECUTES = re.compile(r" EXECUTE (?:FUNCTION|PROCEDURE) ([^()]+)\(")


def settings_asked(schema: Schema) -> Iterator[tuple[Statement, tuple[str, ...]]]:
    """Policies, triggers, rules and views that ask the session for settings, and which; triggers by their function."""
    functions = {s.name.partition("(")[0]: s.sql for s in schema.preamble if s.kind == "function"}
    own = (statement for table in schema.tables for statement in table.completions)
    for statement in (*own, *schema.epilogue):
        called = _EXECUTES.search(statement.sql) if statement.kind == "trigger" else None
        text = statement.sql + (functions.get(called.group(1), "") if called else "")
        names = tuple(dict.fromkeys(_SETTING.findall(text)))
        if names and statement.kind != "comment":
            yield statement, names


def statement_of(definition: Definition) -> Statement:
    """A definition that is a whole statement."""
    return Statement(definition.kind, definition.name, definition.text, definition.schema)


def _create_sequence(sequence: Sequence) -> Iterator[Statement]:
    """The sequence, where the source's stands if no column tells what is in use."""
    name = TableName(sequence.schema, sequence.name)
    sql = f"CREATE SEQUENCE {dotted(name)} AS {sequence.type} {sequence_settings(sequence)}"
    yield Statement("sequence", str(name), sql, sequence.schema)
    if not sequence.used and sequence.last is not None:
        sql = f"SELECT pg_catalog.setval({literal(dotted(name))}, {sequence.last})"
        yield Statement("sequence", str(name), sql, sequence.schema)


def sequence_settings(sequence: Sequence) -> str:
    """A sequence's settings, as CREATE SEQUENCE takes them."""
    return (
        f"INCREMENT BY {sequence.increment} MINVALUE {sequence.minimum} MAXVALUE {sequence.maximum}"
        f" START WITH {sequence.start} CACHE {sequence.cache} {'CYCLE' if sequence.cycles else 'NO CYCLE'}"
    )


def is_usual(sequence: Sequence) -> bool:
    """Whether an identity column gets such a sequence by itself."""
    found = sequence.increment, sequence.minimum, sequence.start, sequence.cache, sequence.cycles
    return found == (1, 1, 1, 1, False)


def dotted(name: TableName) -> str:
    """A name as an identifier with its schema."""
    return f"{quote(name.schema)}.{quote(name.name)}"
