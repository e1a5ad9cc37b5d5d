"""What PostgreSQL's catalogue says, as typed rows: a dozen queries, whatever the number of tables.

All run with an empty search path, so that every name in an expression or definition comes out qualified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row

from dbclone.dialects.postgresql_aggregates import AGGREGATE
from dbclone.dialects.postgresql_details import BEFORE_TABLES, DETAILS, LEFT_OUT, USER_SCHEMA, not_of_extension
from dbclone.dialects.postgresql_operators import OPERATORS_AND_CASTS
from dbclone.dialects.postgresql_privileges import PRIVILEGES


def _own(catalogue: str, oid: str) -> str:
    return f"{USER_SCHEMA} AND {not_of_extension(catalogue, oid)}"


@dataclass(frozen=True)
class Relation:
    """A table: kind 'r' ordinary, 'p' partitioned, 'f' foreign."""

    oid: int
    schema: str
    name: str
    kind: str
    persistence: str
    is_partition: bool
    partition_key: str | None
    bound: str | None
    parents: list[int]
    storage: str | None
    """Storage parameters, as WITH takes them."""
    condition: str | None
    """Of a partition: which rows of its root it holds."""


_RELATIONS = f"""
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relpersistence::text AS persistence,
  c.relispartition AS is_partition, pg_catalog.pg_get_partkeydef(c.oid) AS partition_key,
  pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
  ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
  pg_catalog.array_to_string(c.reloptions, ', ') AS storage,
  CASE WHEN c.relispartition THEN pg_catalog.pg_get_partition_constraintdef(c.oid) END AS condition
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {_own("pg_class", "c.oid")}
ORDER BY n.nspname, c.relname"""


@dataclass(frozen=True)
class Attribute:
    relation: int
    name: str
    sql: str
    type: int
    modifier: int
    not_null: bool
    expression: str | None
    """Default, or expression of a generated column."""
    identity: str
    generated: str
    collation: str | None
    local: bool


_COLLATION = """(SELECT pg_catalog.quote_ident(o.nspname) || '.' || pg_catalog.quote_ident(l.collname)
    FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace o ON o.oid = l.collnamespace
    WHERE l.oid = {0} AND l.oid <> (SELECT b.typcollation FROM pg_catalog.pg_type b WHERE b.oid = {1}))"""
"""A collation that is not the one of a type."""
_COLUMN_COLLATION = _COLLATION.format("a.attcollation", "a.atttypid")
_DOMAIN_COLLATION = _COLLATION.format("t.typcollation", "t.typbasetype")
_RANGE_COLLATION = _COLLATION.format("r.rngcollation", "r.rngsubtype")

_ATTRIBUTES = f"""
SELECT a.attrelid AS relation, a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS sql,
  a.atttypid AS type, a.atttypmod AS modifier, a.attnotnull AS not_null,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression, a.attidentity::text AS identity,
  a.attgenerated::text AS generated,
  {_COLUMN_COLLATION} AS collation,
  a.attislocal AS local
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'c') AND {USER_SCHEMA}
ORDER BY a.attrelid, a.attnum"""


@dataclass(frozen=True)
class Type:
    """A type: kind 'b' base, 'd' domain, 'e' enum, 'c' composite, 'r' range."""

    oid: int
    schema: str
    name: str
    sql: str
    kind: str
    category: str
    base: int
    modifier: int
    base_sql: str | None
    element: int
    not_null: bool
    default: str | None
    labels: list[str]
    checks: list[str]
    check_names: list[str]
    not_valid: list[str]
    """Names of checks that are not proven for all values of the source."""
    subtype: str | None
    relation: int
    range_options: str
    """What a range type has besides its subtype."""
    collation: str | None
    """Of a domain, where it is not that of its base type."""
    own: bool
    """True for a type of the user's: not built in, not an extension's, not a table's row type or an array of them."""


_TYPES = f"""
SELECT t.oid, n.nspname AS schema, t.typname AS name, pg_catalog.format_type(t.oid, NULL) AS sql,
  t.typtype::text AS kind, t.typcategory::text AS category, t.typbasetype AS base, t.typtypmod AS modifier,
  CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END AS base_sql,
  t.typelem AS element, t.typnotnull AS not_null, t.typdefault AS "default",
  ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
    WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
  ARRAY(SELECT pg_catalog.pg_get_expr(k.conbin, 0) FROM pg_catalog.pg_constraint k
    WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS checks,
  ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k
    WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS check_names,
  ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k
    WHERE k.contypid = t.oid AND k.contype = 'c' AND NOT k.convalidated ORDER BY k.conname) AS not_valid,
  {_DOMAIN_COLLATION} AS collation,
  coalesce((SELECT CASE WHEN r.rngsubdiff <> 0 THEN ', SUBTYPE_DIFF = ' || r.rngsubdiff::pg_catalog.regproc ELSE '' END
    || coalesce((SELECT ', SUBTYPE_OPCLASS = ' || pg_catalog.quote_ident(o.nspname) || '.'
      || pg_catalog.quote_ident(p.opcname) FROM pg_catalog.pg_opclass p
      JOIN pg_catalog.pg_namespace o ON o.oid = p.opcnamespace WHERE p.oid = r.rngsubopc AND NOT p.opcdefault), '')
    || coalesce(', COLLATION = ' || {_RANGE_COLLATION}, '')
    || coalesce(', MULTIRANGE_TYPE_NAME = '
      || (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid::pg_catalog.regtype, '')
    FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid), '') AS range_options,
  (SELECT pg_catalog.format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid) AS subtype,
  t.typrelid AS relation,
  {_own("pg_type", "t.oid")} AND t.typtype IN ('e', 'd', 'r')
    OR {_own("pg_type", "t.oid")} AND t.typtype = 'c'
      AND (SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid) = 'c' AS own
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
ORDER BY t.oid"""


@dataclass(frozen=True)
class Constraint:
    """A constraint: kind 'p' primary key, 'u' unique, 'f' foreign key, 'c' check, 'x' exclusion."""

    relation: int
    name: str
    kind: str
    columns: list[str]
    parent: int
    parent_columns: list[str]
    on_delete: str
    on_update: str
    deferrable: bool
    deferred: bool
    definition: str
    condition: str | None
    nulls_distinct: bool
    inherited: bool
    """True where it is a partition's copy of its root's constraint."""
    validated: bool
    no_inherit: bool
    operators: list[str]
    """Of an exclusion constraint, one for each element."""
    predicate: str | None


_COLUMN_NAMES = (
    "ARRAY(SELECT a.attname::text FROM pg_catalog.unnest({keys}) WITH ORDINALITY AS u(number, place)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = {relation} AND a.attnum = u.number ORDER BY u.place)"
)
_CONSTRAINTS = f"""
SELECT k.conrelid AS relation, k.conname AS name, k.contype::text AS kind,
  {_COLUMN_NAMES.format(keys="k.conkey", relation="k.conrelid")} AS columns, k.confrelid AS parent,
  {_COLUMN_NAMES.format(keys="k.confkey", relation="k.confrelid")} AS parent_columns,
  k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
  k.condeferrable AS deferrable, k.condeferred AS deferred,
  pg_catalog.pg_get_constraintdef(k.oid) AS definition,
  CASE k.contype WHEN 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) END AS condition,
  coalesce((SELECT NOT (pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean
    FROM pg_catalog.pg_index i WHERE i.indexrelid = k.conindid), true) AS nulls_distinct,
  k.conparentid <> 0 OR (k.contype = 'c' AND NOT k.conislocal) AS inherited,
  k.convalidated AS validated, k.connoinherit AS no_inherit,
  ARRAY(SELECT o.oprname::text FROM pg_catalog.unnest(k.conexclop) WITH ORDINALITY AS u(number, place)
    JOIN pg_catalog.pg_operator o ON o.oid = u.number ORDER BY u.place) AS operators,
  (SELECT pg_catalog.pg_get_expr(i.indpred, i.indrelid) FROM pg_catalog.pg_index i
    WHERE i.indexrelid = k.conindid AND k.contype = 'x') AS predicate
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND {USER_SCHEMA}
ORDER BY k.conrelid, k.conname"""


@dataclass(frozen=True)
class IndexRow:
    relation: int
    name: str
    definition: str
    unique: bool
    total: bool
    """Covers every row by plain columns only."""
    columns: list[str]
    items: list[str]
    condition: str | None
    nulls_distinct: bool


_INDEXES = f"""
SELECT i.indrelid AS relation, x.relname AS name, pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
  i.indisunique AS unique, i.indpred IS NULL AND i.indexprs IS NULL AS total,
  {_COLUMN_NAMES.format(keys="(i.indkey::int2[])[0:i.indnkeyatts - 1]", relation="i.indrelid")} AS columns,
  CASE WHEN i.indisunique THEN ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, n::int, false)
    FROM pg_catalog.generate_series(1, i.indnkeyatts) AS n) ELSE '{{}}' END AS items,
  pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS condition,
  coalesce(NOT (pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, true) AS nulls_distinct
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND NOT x.relispartition AND c.relkind IN ('r', 'p', 'm') AND {_own("pg_class", "c.oid")}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
    WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY i.indrelid, x.relname"""


@dataclass(frozen=True)
class Sequence:
    oid: int
    schema: str
    name: str
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycles: bool
    owner: int | None
    column: str | None
    dependency: str | None
    """'a' owned by a serial column, 'i' an identity's own."""
    used: bool
    """A column has it or draws its default from it."""
    persistence: str
    """'u' unlogged, else 'p'."""
    last: int | None
    """The number that was drawn last; None if none was, or the user may not see it."""


_SEQUENCES = f"""
SELECT c.oid, n.nspname AS schema, c.relname AS name, pg_catalog.format_type(s.seqtypid, NULL) AS type,
  s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache,
  s.seqcycle AS cycles, d.refobjid AS owner, a.attname AS column, d.deptype::text AS dependency,
  d.objid IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_depend u WHERE u.refobjid = c.oid
    AND u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass) AS used,
  c.relpersistence::text AS persistence,
  CASE WHEN pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT')
    THEN pg_catalog.pg_sequence_last_value(c.oid) END AS last
FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {_own("pg_class", "c.oid")}
ORDER BY n.nspname, c.relname"""


@dataclass(frozen=True)
class Definition:
    """A whole statement, or the part of one, that recreates something."""

    schema: str
    name: str
    """Bare where ``text`` is a part, else as the ledger has it."""
    kind: str
    text: str
    relation: int = 0


_SCHEMAS = f"""
SELECT n.nspname AS schema, n.nspname AS name, 'schema' AS kind, '' AS text
FROM pg_catalog.pg_namespace n WHERE {_own("pg_namespace", "n.oid")} ORDER BY 1"""

_EXTENSIONS = """
SELECT n.nspname AS schema, x.extname AS name, 'extension' AS kind, '' AS text
FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql' ORDER BY x.oid"""

_COLLATIONS = f"""
SELECT n.nspname AS schema, l.collname AS name, 'collation' AS kind,
  CASE l.collprovider WHEN 'i' THEN 'PROVIDER = icu, LOCALE = ' || pg_catalog.quote_literal(coalesce(
      pg_catalog.to_jsonb(l) ->> 'colllocale', pg_catalog.to_jsonb(l) ->> 'colliculocale', l.collcollate))
    ELSE 'LC_COLLATE = ' || pg_catalog.quote_literal(l.collcollate)
      || ', LC_CTYPE = ' || pg_catalog.quote_literal(l.collctype) END
  || CASE WHEN l.collisdeterministic THEN '' ELSE ', DETERMINISTIC = false' END AS text
FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
WHERE {_own("pg_collation", "l.oid")} ORDER BY l.oid"""

_FUNCTIONS = f"""
SELECT n.nspname AS schema, p.oid::pg_catalog.regprocedure::text AS name,
  CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END
  AS kind, CASE WHEN p.prokind = 'a' THEN {AGGREGATE} ELSE pg_catalog.pg_get_functiondef(p.oid) END AS text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE {_own("pg_proc", "p.oid")} ORDER BY p.oid"""

_VIEWS = f"""
SELECT n.nspname AS schema, c.relname AS name, CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind,
  pg_catalog.format(' %I.%I%s AS %s%s', n.nspname, c.relname,
    ' WITH (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')',
    pg_catalog.rtrim(pg_catalog.pg_get_viewdef(c.oid), ';'),
    CASE WHEN c.relispopulated THEN '' ELSE ' WITH NO DATA' END) AS text, c.oid::int8 AS relation
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND {_own("pg_class", "c.oid")} ORDER BY c.oid"""

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Catalogue:
    relations: list[Relation]
    attributes: dict[int, list[Attribute]]
    types: dict[int, Type]
    constraints: dict[int, list[Constraint]]
    indexes: dict[int, list[IndexRow]]
    sequences: list[Sequence]
    schemas: list[Definition]
    extensions: list[Definition]
    collations: list[Definition]
    functions: list[Definition]
    views: list[Definition]
    before_tables: list[Definition]
    details: list[Definition]
    privileges: list[Definition]
    left_out: list[Definition]


def read_catalogue(connection: psycopg.Connection[Any]) -> Catalogue:
    """Everything that a clone needs to know, in the connection's current snapshot."""

    def rows(kind: type[_Row], sql: str) -> list[_Row]:
        with connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(sql.encode()).fetchall()

    return Catalogue(
        relations=rows(Relation, _RELATIONS),
        attributes=_grouped(rows(Attribute, _ATTRIBUTES)),
        types={row.oid: row for row in rows(Type, _TYPES)},
        constraints=_grouped(rows(Constraint, _CONSTRAINTS)),
        indexes=_grouped(rows(IndexRow, _INDEXES)),
        sequences=rows(Sequence, _SEQUENCES),
        schemas=rows(Definition, _SCHEMAS),
        extensions=rows(Definition, _EXTENSIONS),
        collations=rows(Definition, _COLLATIONS),
        functions=rows(Definition, _FUNCTIONS),
        views=rows(Definition, _VIEWS),
        before_tables=[row for sql in (*BEFORE_TABLES, *OPERATORS_AND_CASTS) for row in rows(Definition, sql)],
        details=[row for sql in DETAILS for row in rows(Definition, sql)],
        privileges=[row for sql in PRIVILEGES for row in rows(Definition, sql)],
        left_out=[row for sql in LEFT_OUT for row in rows(Definition, sql)],
    )


_OfRelation = TypeVar("_OfRelation", Attribute, Constraint, IndexRow)


def _grouped(rows: list[_OfRelation]) -> dict[int, list[_OfRelation]]:
    groups: dict[int, list[_OfRelation]] = {}
    for row in rows:
        groups.setdefault(row.relation, []).append(row)
    return groups
