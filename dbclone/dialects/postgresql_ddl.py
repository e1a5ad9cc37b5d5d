"""CREATE and ALTER statements for a PostgreSQL target, from a schema in PostgreSQL's terms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dbclone.dialects.base import literal, qualified, quote, quote_all
from dbclone.dialects.postgresql_details import USER_SCHEMA
from dbclone.schema import Check, Column, ForeignKey, Key, Schema, SqlType, Statement, Table, TableName, TypeFamily

CREATE_SCHEMA = "CREATE SCHEMA IF NOT EXISTS "


def create_table(table: Table, present: Mapping[TableName, Table]) -> str:
    """CREATE TABLE with columns and checks; keys, references and indexes come after the load.

    ``present`` are the tables of the clone: a parent of INHERITS that is left out is left out here too.
    """
    theirs = _inheritable(table, present)
    items = [column_definition(c) for c in table.columns if not _inherits(c, theirs.get(c.name, []))]
    known = {check.name for name in table.inherits if name in present for check in present[name].checks}
    # Repeated, a condition would count as the child's own too, and stay when it is dropped from the parent.
    items += [check_definition(check) for check in table.checks if not (check.inherited and check.name in known)]
    inherits = [qualified(name) for name in table.inherits if name in present]
    suffix = f" INHERITS ({', '.join(inherits)})" if inherits else ""
    suffix += f" {table.suffix}" if table.suffix else ""
    body = ",\n  ".join(items)
    return f"CREATE TABLE {qualified(table.name)} (\n  {body}\n){suffix}"


def without_expressions(table: Table) -> tuple[Table, tuple[Statement, ...]]:
    """A table without its checks and defaults, and the statements that add these."""
    defaults = {c.name for c in table.columns if c.default is not None and c.identity is None and c.generated is None}
    columns = tuple(replace(c, default=None) if c.name in defaults else c for c in table.columns)
    alter = f"ALTER TABLE {qualified(table.name)}"
    rest = [
        Statement("column", f"{table.name}.{c.name}", f"{alter} ALTER COLUMN {quote(c.name)} SET DEFAULT {c.default}")
        for c in table.columns
        if c.name in defaults
    ]
    rest += [
        Statement("check", f"{check.name} on {table.name}", f"{alter} ADD {check_definition(check)}")
        for check in table.checks
    ]
    return replace(table, columns=columns, checks=()), tuple(rest)


def with_calls_apart(
    table: Table, functions: Collection[str], present: Collection[TableName]
) -> tuple[Table, tuple[Statement, ...]]:
    """A table without the checks that call one of the ``functions``, and the statements that add these.

    A function may read other tables, which have their rows only when all are loaded.
    """
    calling = [check for check in table.checks if any(f"{name}(" in check.expression for name in functions)]
    rest = tuple(
        Statement(
            "check",
            f"{check.name} on {table.name}",
            f"ALTER TABLE {qualified(table.name)} ADD {check_definition(check)}",
        )
        for check in calling
        if not (check.inherited and any(name in present for name in table.inherits))
    )
    return replace(table, checks=tuple(check for check in table.checks if check not in calling)), rest


def functions_of(schema: Schema) -> frozenset[str]:
    """The schema's own functions, as expressions call them."""
    return frozenset(s.name.partition("(")[0] for s in schema.preamble if s.kind == "function")


def inherited_changes(table: Table, present: Mapping[TableName, Table]) -> Iterator[str]:
    """ALTER TABLE for what a table has made of the columns that it inherits."""
    theirs = _inheritable(table, present)
    for column in table.columns:
        above = theirs.get(column.name, [])
        if not _inherits(column, above) or column.generated is not None:
            continue
        alter = f"ALTER TABLE {qualified(table.name)} ALTER COLUMN {quote(column.name)}"
        if column.default != above[0].default:
            yield f"{alter} {f'SET DEFAULT {column.default}' if column.default is not None else 'DROP DEFAULT'}"
        required = any(not other.nullable and not other.type.not_null for other in above)
        if (not column.nullable and not column.type.not_null) != required:
            yield f"{alter} {'DROP' if required else 'SET'} NOT NULL"


def _inheritable(table: Table, present: Mapping[TableName, Table]) -> dict[str, list[Column]]:
    """Per name the columns of the parents that a table has."""
    found: dict[str, list[Column]] = {}
    for name in table.inherits:
        for column in present[name].columns if name in present else ():
            found.setdefault(column.name, []).append(column)
    return found


def _inherits(column: Column, theirs: Sequence[Column]) -> bool:
    """Whether a column comes from the parents, which must agree on its default if it is not to be repeated.

    Before version 16 a child may not repeat the expression of a generated column that it inherits.
    """
    if any(other.generated is not None for other in theirs):
        return True
    return bool(theirs) and column.inherited and len({other.default for other in theirs}) == 1


def as_text(column: Column) -> Column:
    """The column where the server has not its type: a plain text."""
    kind = SqlType(TypeFamily.TEXT, "text")
    return replace(column, type=kind, default=None, generated=None, collation=None, identity=None)


def check_definition(check: Check) -> str:
    """A condition as CREATE TABLE takes it."""
    return f"CONSTRAINT {quote(check.name)} CHECK ({check.expression}){' NO INHERIT' if check.no_inherit else ''}"


def column_definition(column: Column) -> str:
    """A column as CREATE TABLE takes it."""
    parts = [quote(column.name), column.type.sql]
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    elif column.identity in ("always", "by default"):
        parts.append(f"GENERATED {column.identity.upper()} AS IDENTITY")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if not column.nullable and not column.type.not_null:
        parts.append("NOT NULL")
    return " ".join(parts)


def key_statements(table: Table) -> Iterator[str]:
    """Primary and unique keys, but for those that a unique index among the indexes stands for."""
    name, indexed = qualified(table.name), {index.name for index in table.indexes}
    if table.primary_key:
        key = table.primary_key
        definition = key.definition or f"PRIMARY KEY ({quote_all(key.columns)})"
        yield f"ALTER TABLE {name} ADD {_named(key)} {definition}"
    for key in table.uniques:
        if key.name not in indexed:
            nulls = "" if key.nulls_distinct else " NULLS NOT DISTINCT"
            definition = key.definition or f"UNIQUE{nulls} ({quote_all(key.columns)})"
            yield f"ALTER TABLE {name} ADD {_named(key)} {definition}"


def partitioned(schema: Schema) -> frozenset[TableName]:
    """The tables that have partitions."""
    return frozenset(t.name for t in schema.tables if any(statement.kind == "partition" for statement in t.attachments))


def foreign_key_statements(table: Table, parted: Collection[TableName]) -> Iterator[str]:
    """ALTER TABLE that adds the foreign keys, and with it proves them: to the table, or to its partitions one by one.

    A key to one of the ``parted`` tables makes the server add one per partition, under the first names that are free:
    those of the table's other keys would be taken, so conditions that are always true hold these until their keys come.
    """
    declared = [
        (qualified(place), quote(name), _foreign_key(key))
        for key in table.foreign_keys
        for place, name in key.declared_by or ((table.name, key.name),)
    ]
    reserved = len(declared) > 1 and any(key.parent in parted for key in table.foreign_keys)
    if reserved:
        for place, name, _ in declared:
            yield f"ALTER TABLE {place} ADD CONSTRAINT {name} CHECK (true) NOT VALID"
    for place, name, definition in declared:
        free = f"DROP CONSTRAINT {name}, " if reserved else ""
        yield f"ALTER TABLE {place} {free}ADD CONSTRAINT {name} {definition}"


def _foreign_key(key: ForeignKey) -> str:
    columns = f" ({quote_all(key.set_columns)})" if key.set_columns else ""
    text = (
        f"FOREIGN KEY ({quote_all(key.columns)}) REFERENCES {qualified(key.parent)} ({quote_all(key.parent_columns)})"
        f"{' MATCH FULL' if key.match_full else ''} ON DELETE {key.on_delete}{columns} ON UPDATE {key.on_update}"
    )
    if key.deferrable:
        text += " DEFERRABLE INITIALLY " + ("DEFERRED" if key.initially_deferred else "IMMEDIATE")
    return text


def copy_statement(table: Table, columns: Iterable[str], binary: bool) -> str:
    """COPY into the named columns."""
    form = "FORMAT binary" if binary else "FORMAT csv"
    return f"COPY {qualified(table.name)} ({quote_all(columns)}) FROM STDIN ({form})"


def _named(key: Key) -> str:
    return f"CONSTRAINT {quote(key.name)}"


def hides_rows(statement: Statement) -> bool:
    """Whether a statement lets policies apply to the table's owner."""
    return statement.kind == "forced row security"


def schemas_of(schema: Schema) -> tuple[str, ...]:
    """The schemas in which the clone has tables, types or functions."""
    made = [statement.name for statement in schema.preamble if statement.kind == "schema"]
    return tuple(dict.fromkeys([*(table.name.schema for table in schema.tables), *made]))


_WHOLE = """
WITH RECURSIVE whole (oid) AS (
  SELECT pg_catalog.unnest('{int2, int4, int8, numeric}'::pg_catalog.regtype[])::pg_catalog.oid
  UNION SELECT t.oid FROM pg_catalog.pg_type t JOIN whole w ON w.oid = t.typbasetype)"""
"""Types of whole numbers, and domains over them."""

SEQUENCES_IN_USE = f"""{_WHOLE}
SELECT pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(s.relname), p.seqincrement > 0,
  pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.relname), pg_catalog.quote_ident(a.attname)
FROM pg_catalog.pg_sequence p JOIN pg_catalog.pg_class s ON s.oid = p.seqrelid
  JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
  JOIN (
    SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i' AND d.refobjsubid > 0
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  ) u ON u.sequence = s.oid
  JOIN pg_catalog.pg_class t ON t.oid = u.relation AND t.relkind IN ('r', 'p') AND NOT t.relispartition
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.number
WHERE a.atttypid IN (SELECT w.oid FROM whole w)
ORDER BY 1"""
"""Sequence, whether it ascends, and each table and integer column that takes its values from it."""


SEQUENCES_APART = f"""{_WHOLE}
SELECT pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(s.relname),
  pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(t.relname), pg_catalog.quote_ident(a.attname),
  pg_catalog.regexp_replace(s.relname, '_|(id|pk|seq|sequence|gen|generator)(_|$)', '', 'g')
    = pg_catalog.replace(t.relname, '_', '')
FROM pg_catalog.pg_sequence p JOIN pg_catalog.pg_class s ON s.oid = p.seqrelid AND p.seqincrement > 0
  JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
  JOIN pg_catalog.pg_class t ON t.relnamespace = sn.oid AND t.relkind IN ('r', 'p') AND NOT t.relispartition
  JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p' AND pg_catalog.cardinality(k.conkey) = 1
  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1] AND a.attidentity = ''
    AND NOT a.atthasdef AND a.atttypid IN (SELECT w.oid FROM whole w)
WHERE {USER_SCHEMA.replace("n.", "sn.")}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = s.oid AND (d.deptype IN ('a', 'i', 'e'))
    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refobjid = s.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.conrelid = t.oid AND f.contype = 'f'
    AND a.attnum = ANY(f.conkey))
ORDER BY 1, 2"""
"""Sequence that no column uses, a key in its schema that nothing fills, and whether their names go together.

Applications draw their keys from such sequences themselves; which from which, the catalogue does not say.
"""


def position_apart_statement(sequence: str, uses: Iterable[tuple[str, str]]) -> str:
    """Put a sequence of the application's behind the keys that are counted, and not before where it stands."""
    reaches = " UNION ALL ".join(
        f"SELECT max({column})::int8 AS reach FROM {table} HAVING max({column}) <= 100 * count(*)"
        for table, column in uses
    )
    place = f"{literal(sequence)}::pg_catalog.regclass"
    return (
        "SELECT pg_catalog.setval(p.seqrelid::pg_catalog.regclass, least(greatest(u.reach, p.seqmin), p.seqmax))"
        f" FROM pg_catalog.pg_sequence p, (SELECT max(reach) AS reach FROM ({reaches}"
        f" UNION ALL SELECT pg_catalog.pg_sequence_last_value({place})) AS all_uses) AS u"
        f" WHERE p.seqrelid = {place} AND u.reach IS NOT NULL"
    )


def position_statement(sequence: str, ascending: bool, uses: Iterable[tuple[str, str]]) -> str:
    """Put a sequence behind the values in use, or where it starts if there are none."""
    extreme = "max" if ascending else "min"
    reaches = " UNION ALL ".join(f"SELECT {extreme}({column})::int8 AS reach FROM {table}" for table, column in uses)
    return (
        "SELECT pg_catalog.setval(p.seqrelid::pg_catalog.regclass,"
        " CASE WHEN u.reach IS NULL THEN p.seqstart ELSE least(greatest(u.reach, p.seqmin), p.seqmax) END,"
        " u.reach IS NOT NULL)"
        f" FROM pg_catalog.pg_sequence p, (SELECT {extreme}(reach) AS reach FROM ({reaches}) AS all_uses) AS u"
        f" WHERE p.seqrelid = {literal(sequence)}::pg_catalog.regclass"
    )


USER_TABLES = """
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND e.objid = c.oid AND e.deptype = 'e')"""

_DROP_STATEMENTS = """
SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
    WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname), 1 AS place
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND NOT c.relispartition
  AND n.nspname = ANY(ARRAY[{schemas}]::pg_catalog.name[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = c.oid AND (e.deptype = 'e'
    OR c.relkind = 'S' AND e.deptype IN ('a', 'i') AND e.refobjsubid > 0)
    AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
UNION ALL
SELECT format('DROP %s IF EXISTS %s CASCADE', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE'
    ELSE 'FUNCTION' END, p.oid::pg_catalog.regprocedure), 2
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(ARRAY[{schemas}]::pg_catalog.name[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e'
    AND e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
UNION ALL
SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname), 3
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = ANY(ARRAY[{schemas}]::pg_catalog.name[]) AND (t.typtype IN ('e', 'd', 'r')
    OR t.typtype = 'c' AND (SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid) = 'c')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = t.oid AND e.deptype = 'e'
    AND e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
ORDER BY place"""


def drop_query(schemas: Iterable[str]) -> str:
    """A query for the statements that drop every object of the user's in the schemas; extensions keep theirs."""
    return _DROP_STATEMENTS.format(schemas=", ".join(map(literal, schemas)))
