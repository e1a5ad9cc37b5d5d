"""What a clone's schema lacks of its source's: tables, columns, keys and references, whatever the products are."""

from __future__ import annotations

from collections.abc import Iterator

from dbclone.dialects.translation import translate
from dbclone.findings import Finding, Severity
from dbclone.schema import Schema, Table, TableName


def missing_parts(clone: Schema, source: Schema) -> tuple[Finding, ...]:
    """One violation for each table, column, key or foreign key of ``source`` that ``clone`` has not.

    A source of another product is compared in the clone's own terms.  Case of names does not count; constraints are
    known by their columns, as products name them differently.
    """
    source, _ = translate(source, clone.dialect)
    theirs = {_key(table.name): table for table in clone.tables}
    found: list[Finding] = []
    for table in source.tables:
        twin = theirs.get(_key(table.name))
        if twin is None:
            found.append(_finding(table.name, (), "the table of the source is missing"))
        else:
            found += _missing_in_table(twin, table)
    return tuple(found)


def _missing_in_table(clone: Table, source: Table) -> Iterator[Finding]:
    columns = {column.name.lower() for column in clone.columns}
    for column in source.columns:
        if column.name.lower() not in columns:
            yield _finding(clone.name, (column.name,), "the column is missing")
    keys = {_lower(key.columns) for key in clone.keys}
    for key in source.keys:
        if _lower(key.columns) not in keys:
            yield _finding(clone.name, key.columns, "the key over these columns is missing")
    references = {(_lower(fk.columns), _key(fk.parent)) for fk in clone.foreign_keys}
    for fk in source.foreign_keys:
        if (_lower(fk.columns), _key(fk.parent)) not in references:
            yield _finding(clone.name, fk.columns, f"the foreign key to {fk.parent} is missing")


def _finding(table: TableName, columns: tuple[str, ...], message: str) -> Finding:
    return Finding(Severity.VIOLATION, "missing", table, columns, message)


def _key(name: TableName) -> tuple[str, str]:
    return name.schema.lower(), name.name.lower()


def _lower(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(column.lower() for column in columns))
