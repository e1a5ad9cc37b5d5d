"""What completes a PostgreSQL table or stands beside the tables, as statements that the catalogue itself spells.

Each query returns ``Definition`` rows: ``relation`` is the table that the statement belongs to, 0 if it belongs to
none, ``name`` what the ledger calls it, ``text`` the whole statement.  All names come out qualified, as the session's
search path is empty.
"""

from __future__ import annotations

from dbclone.dialects.base import literal

USER_SCHEMA = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def not_of_extension(catalogue: str, oid: str) -> str:
    """A condition: the object is the user's, not one that an extension brought or that belongs to a type."""
    kinds = "('e', 'i')" if catalogue in ("pg_proc", "pg_cast") else "('e')"
    return (
        f"NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.{catalogue}'"
        f"::pg_catalog.regclass AND e.objid = {oid} AND e.deptype IN {kinds})"
    )


_TABLE = (
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND "
    f"{USER_SCHEMA} AND {not_of_extension('pg_class', 'c.oid')}"
)


_COLUMN_NAME = "n.nspname || '.' || c.relname || '.' || a.attname"


def _of_table(kind: str, text: str, rest: str, own: str = "", name: str = "") -> str:
    """Statements that ``format`` makes of a relation ``c`` and of what ``rest`` joins to it.

    ``own`` is the name that it has within the relation, if it has one; ``name`` stands for another way to name it.
    """
    name = name or (f"{own} || ' on ' || " if own else "") + "n.nspname || '.' || c.relname"
    return (
        f"SELECT n.nspname AS schema, {name} AS name, '{kind}' AS kind, pg_catalog.format({text}) AS text,"
        f" c.oid::int8 AS relation FROM {_TABLE} {rest}"
    )


_ENABLE = "'ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.oid::pg_catalog.regclass"
_ROW_SECURITY = _of_table("row security", _ENABLE, "WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity")

_FORCE = "'ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', c.oid::pg_catalog.regclass"
_FORCED_ROW_SECURITY = _of_table(
    "forced row security", _FORCE, "WHERE c.relkind IN ('r', 'p') AND c.relforcerowsecurity"
)

_POLICY = """'CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, c.oid::pg_catalog.regclass,
  CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
    ELSE 'ALL' END,
  (SELECT pg_catalog.string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
    pg_catalog.pg_get_userbyid(r)) END, ', ') FROM pg_catalog.unnest(p.polroles) AS r),
  ' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
  ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')'"""
_POLICIES = _of_table("policy", _POLICY, "JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid", "p.polname")

_CLUSTER = _of_table(
    "cluster",
    "'ALTER TABLE %s CLUSTER ON %I', c.oid::pg_catalog.regclass, x.relname",
    """JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisclustered
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid""",
)

_IDENTITY = """'ALTER TABLE ONLY %s REPLICA IDENTITY %s', c.oid::pg_catalog.regclass,
  CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' ELSE 'USING INDEX ' || (
    SELECT pg_catalog.quote_ident(x.relname) FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) END"""
_REPLICA_IDENTITY = _of_table("replica identity", _IDENTITY, "WHERE c.relkind IN ('r', 'p') AND c.relreplident <> 'd'")

_COLUMN = """JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"""


def _of_column(kind: str, what: str, value: str, where: str) -> str:
    text = f"'ALTER TABLE ONLY %s ALTER COLUMN %I SET {what}', c.oid::pg_catalog.regclass, a.attname, {value}"
    return _of_table(kind, text, f"{_COLUMN} WHERE c.relkind IN ('r', 'p', 'm') AND {where}", name=_COLUMN_NAME)


_STATISTICS_TARGETS = _of_column("statistics target", "STATISTICS %s", "a.attstattarget", "a.attstattarget >= 0")
_INDEX_STATISTICS_TARGETS = f"""
SELECT n.nspname AS schema, {_COLUMN_NAME} AS name, 'statistics target' AS kind,
  pg_catalog.format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', c.oid::pg_catalog.regclass, a.attnum,
    a.attstattarget) AS text, i.indrelid::int8 AS relation
FROM {_TABLE} {_COLUMN} JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE a.attstattarget >= 0"""
# Only the options that users may set: a server may keep marks of its own beside them, which another would refuse.
_OPTIONS = """(SELECT pg_catalog.string_agg(o, ', ') FROM pg_catalog.unnest(a.attoptions) AS o
  WHERE pg_catalog.split_part(o, '=', 1) IN ('n_distinct', 'n_distinct_inherited'))"""
_COLUMN_OPTIONS = _of_column("column option", "(%s)", _OPTIONS, f"{_OPTIONS} IS NOT NULL")
_COLUMN_STORAGE = _of_column(
    "column storage",
    "STORAGE %s",
    "CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END",
    "a.attstorage <> t.typstorage",
)
_COLUMN_COMPRESSION = _of_column(
    "column compression",
    "COMPRESSION %s",
    "CASE pg_catalog.to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' ELSE 'lz4' END",
    "pg_catalog.to_jsonb(a) ->> 'attcompression' IN ('p', 'l')",
)

_TOAST = """'ALTER TABLE %s SET (%s)', c.oid::pg_catalog.regclass,
  (SELECT pg_catalog.string_agg('toast.' || o, ', ') FROM pg_catalog.unnest(s.reloptions) AS o)"""
_TOAST_OPTIONS = _of_table(
    "storage parameter",
    _TOAST,
    """JOIN pg_catalog.pg_class s ON s.oid = c.reltoastrelid AND s.reloptions IS NOT NULL
WHERE c.relkind IN ('r', 'm')""",
)

_TRIGGER = """JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
  AND coalesce(pg_catalog.to_jsonb(t) ->> 'tgparentid', '0') = '0'"""
# What a partition has of its whole's triggers comes by itself, but may be switched otherwise.
_INHERITED_TRIGGER = """JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
  JOIN pg_catalog.pg_trigger above ON above.oid = (pg_catalog.to_jsonb(t) ->> 'tgparentid')::pg_catalog.oid
    AND above.tgenabled <> t.tgenabled
WHERE NOT above.tgisinternal OR above.tgconstraint = 0
ORDER BY (SELECT count(*) FROM pg_catalog.pg_partition_ancestors(c.oid))"""
_RULE = "JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'"
_TRIGGERS = _of_table("trigger", "'%s', pg_catalog.pg_get_triggerdef(t.oid)", _TRIGGER, "t.tgname")
_RULES = _of_table("rule", "'%s', pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid), ';')", _RULE, "r.rulename")


def _switch(what: str, state: str, name: str) -> str:
    return (
        f"'ALTER TABLE %s %s {what} %I', c.oid::pg_catalog.regclass, CASE {state} WHEN 'D' THEN 'DISABLE'"
        f" WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, {name}"
    )


_TRIGGER_SWITCHES = _of_table(
    "trigger state", _switch("TRIGGER", "t.tgenabled", "t.tgname"), f"{_TRIGGER} WHERE t.tgenabled <> 'O'", "t.tgname"
)
_PARTITIONS_TRIGGER_SWITCHES = _of_table(
    "trigger state", _switch("TRIGGER", "t.tgenabled", "t.tgname"), _INHERITED_TRIGGER, "t.tgname"
)
_RULE_SWITCHES = _of_table(
    "rule state", _switch("RULE", "r.ev_enabled", "r.rulename"), f"{_RULE} WHERE r.ev_enabled <> 'O'", "r.rulename"
)

_EXTENDED_STATISTICS = _of_table(
    "statistics",
    "'%s', pg_catalog.pg_get_statisticsobjdef(x.oid)",
    "JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = c.oid",
    "x.stxname",
)

_EXTENDED_STATISTICS_TARGETS = _of_table(
    "statistics target",
    "'ALTER STATISTICS %I.%I SET STATISTICS %s', s.nspname, x.stxname, pg_catalog.to_jsonb(x) ->> 'stxstattarget'",
    """JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = c.oid
  JOIN pg_catalog.pg_namespace s ON s.oid = x.stxnamespace
WHERE (pg_catalog.to_jsonb(x) ->> 'stxstattarget')::int >= 0""",
    "x.stxname",
)

_VIEW_DEFAULTS = _of_table(
    "view default",
    "'ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', c.oid::pg_catalog.regclass, a.attname,"
    " pg_catalog.pg_get_expr(d.adbin, d.adrelid)",
    f"{_COLUMN} JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind = 'v'",
    name=_COLUMN_NAME,
)

# Comments on what an extension brought are the extension's, and so is one on itself that is not the user's own.
_COMMENTS = r"""
SELECT coalesce(n.nspname, '') AS schema, 'on ' || o.type || ' ' || o.identity AS name, 'comment' AS kind,
  pg_catalog.format('COMMENT ON %s %s IS %L',
    CASE WHEN o.type IN ('table constraint', 'domain constraint') THEN 'CONSTRAINT'
      WHEN o.type LIKE '%column' THEN 'COLUMN' WHEN o.type = 'statistics object' THEN 'STATISTICS'
      ELSE pg_catalog.upper(o.type) END,
    CASE WHEN o.type = 'domain constraint' THEN pg_catalog.regexp_replace(o.identity, ' on ', ' ON DOMAIN ')
      ELSE o.identity END, d.description) AS text,
  coalesce(CASE d.classoid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass
      THEN coalesce((SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = d.objoid), d.objoid)
    WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass
      THEN (SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.oid = d.objoid)
    WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass
      THEN (SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.oid = d.objoid)
    WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass
      THEN (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = d.objoid)
    WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      THEN (SELECT r.ev_class FROM pg_catalog.pg_rewrite r WHERE r.oid = d.objoid)
    WHEN 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
      THEN (SELECT x.stxrelid FROM pg_catalog.pg_statistic_ext x WHERE x.oid = d.objoid) END, 0)::int8 AS relation
FROM pg_catalog.pg_description d,
  LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = o.schema
WHERE (d.objoid >= 16384 OR o.type = 'extension') AND o.identity IS NOT NULL
  AND (o.type <> 'extension' OR d.description <> ALL(
    SELECT x.comment FROM pg_catalog.pg_available_extensions x WHERE x.name = (
      SELECT y.extname FROM pg_catalog.pg_extension y WHERE y.oid = d.objoid) AND x.comment IS NOT NULL))
  AND coalesce(o.schema, '') !~ '^pg_' AND coalesce(o.schema, '') <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid
    AND e.deptype = 'e')
UNION ALL
SELECT n.nspname, 'on schema ' || n.nspname, 'comment',
  pg_catalog.format('COMMENT ON SCHEMA %I IS %L', n.nspname, d.description), 0
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_description d ON d.objoid = n.oid
  AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
WHERE n.nspname = 'public' AND d.description <> 'standard public schema'"""

_MEANING = (
    "(s.name IN ('search_path', 'timezone', 'datestyle', 'intervalstyle', 'bytea_output', 'default_text_search_config',"
    " 'extra_float_digits', 'xmlbinary', 'xmloption'))"
)
"""A setting that says what SQL means; others are about how a server is run, or the application's own."""
_SETTINGS = """
SELECT '' AS schema, s.name, 'database setting' AS kind, {text} AS text, 0::int8 AS relation
FROM pg_catalog.pg_db_role_setting d JOIN pg_catalog.pg_database b ON b.oid = d.setdatabase, LATERAL (
  SELECT pg_catalog.lower(pg_catalog.split_part(c, '=', 1)) AS name,
    pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) AS value FROM pg_catalog.unnest(d.setconfig) AS c) AS s
WHERE b.datname = pg_catalog.current_database() AND d.setrole = 0 AND {where}"""
# The name of the target's database is known only there; a list is stored as it is to be written.
_SET = """pg_catalog.format('DO %L', pg_catalog.format(
    'BEGIN EXECUTE pg_catalog.format(%L, pg_catalog.current_database()); END',
    'ALTER DATABASE %I SET ' || pg_catalog.quote_ident(s.name) || ' TO '
    || pg_catalog.replace(CASE s.name WHEN 'search_path' THEN coalesce(nullif(s.value, ''), '''''')
      ELSE pg_catalog.quote_literal(s.value) END, '%', '%%')))"""
_DATABASE_SETTINGS = _SETTINGS.format(text=_SET, where=_MEANING)

DETAILS = (
    _COLUMN_STORAGE, _COLUMN_COMPRESSION, _COLUMN_OPTIONS, _TOAST_OPTIONS, _STATISTICS_TARGETS,
    _INDEX_STATISTICS_TARGETS, _EXTENDED_STATISTICS, _EXTENDED_STATISTICS_TARGETS, _CLUSTER, _REPLICA_IDENTITY,
    _VIEW_DEFAULTS, _TRIGGERS, _TRIGGER_SWITCHES, _PARTITIONS_TRIGGER_SWITCHES, _RULES, _RULE_SWITCHES, _POLICIES,
    _ROW_SECURITY, _FORCED_ROW_SECURITY, _COMMENTS, _DATABASE_SETTINGS,
)  # fmt: skip
"""In an order in which the statements mostly work; the target tries the rest again."""


def _own(catalogue: str, oid: str) -> str:
    return f"{USER_SCHEMA} AND {not_of_extension(catalogue, oid)}"


_DICTIONARIES = f"""
SELECT n.nspname AS schema, n.nspname || '.' || d.dictname AS name, 'text search dictionary' AS kind,
  pg_catalog.format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %I.%I%s)', n.nspname, d.dictname, m.nspname,
    t.tmplname, ', ' || d.dictinitoption) AS text, 0::int8 AS relation
FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
  JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate
  JOIN pg_catalog.pg_namespace m ON m.oid = t.tmplnamespace
WHERE {_own("pg_ts_dict", "d.oid")}"""

_CONFIGURATIONS = f"""
SELECT n.nspname AS schema, n.nspname || '.' || f.cfgname AS name, 'text search configuration' AS kind,
  pg_catalog.format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, f.cfgname, m.nspname,
    p.prsname) AS text, 0::int8 AS relation
FROM pg_catalog.pg_ts_config f JOIN pg_catalog.pg_namespace n ON n.oid = f.cfgnamespace
  JOIN pg_catalog.pg_ts_parser p ON p.oid = f.cfgparser JOIN pg_catalog.pg_namespace m ON m.oid = p.prsnamespace
WHERE {_own("pg_ts_config", "f.oid")}
UNION ALL
SELECT n.nspname, n.nspname || '.' || f.cfgname, 'text search configuration',
  pg_catalog.format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s', n.nspname, f.cfgname, k.alias,
    (SELECT pg_catalog.string_agg(m.mapdict::pg_catalog.regdictionary::text, ', ' ORDER BY m.mapseqno)
     FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = f.oid AND m.maptokentype = k.tokid)), 0
FROM pg_catalog.pg_ts_config f JOIN pg_catalog.pg_namespace n ON n.oid = f.cfgnamespace,
  LATERAL pg_catalog.ts_token_type(f.cfgparser) AS k
WHERE {_own("pg_ts_config", "f.oid")} AND EXISTS (SELECT FROM pg_catalog.pg_ts_config_map m
  WHERE m.mapcfg = f.oid AND m.maptokentype = k.tokid)"""

BEFORE_TABLES = (_DICTIONARIES, _CONFIGURATIONS)
"""Statements whose objects the tables' columns and indexes may use."""

_CODE = "it rests on functions of the server's own"
_CLUSTER_WIDE = "it belongs to how this server is run, not to the schema"
_CLASSES = (
    ("pg_opclass", "opcnamespace", _CODE),
    ("pg_opfamily", "opfnamespace", _CODE),
    ("pg_conversion", "connamespace", _CODE),
    ("pg_ts_parser", "prsnamespace", _CODE),
    ("pg_ts_template", "tmplnamespace", _CODE),
    ("pg_language", "", _CODE),
    ("pg_transform", "", _CODE),
    ("pg_am", "", _CODE),
    ("pg_event_trigger", "", _CLUSTER_WIDE),
    ("pg_publication", "", "it would send the rows of the clone to those who subscribed to the source"),
    ("pg_foreign_server", "", _CLUSTER_WIDE),
    ("pg_foreign_data_wrapper", "", _CLUSTER_WIDE),
)


def _objects(catalogue: str, namespace: str, reason: str) -> str:
    """Objects of a kind that is not recreated: what the server calls them."""
    among = f"JOIN pg_catalog.pg_namespace n ON n.oid = x.{namespace} AND {USER_SCHEMA}" if namespace else ""
    return (
        f"SELECT '' AS schema, o.identity AS name, o.type AS kind, {literal(reason)} AS text, 0::int8 AS relation"
        f" FROM pg_catalog.{catalogue} x {among}, LATERAL pg_catalog.pg_identify_object("
        f"'pg_catalog.{catalogue}'::pg_catalog.regclass, x.oid, 0) AS o"
        f" WHERE x.oid >= 16384 AND {not_of_extension(catalogue, 'x.oid')}"
    )


_BASE_TYPES = f"""
SELECT n.nspname AS schema, n.nspname || '.' || t.typname AS name, 'base type' AS kind, {literal(_CODE)} AS text,
  0::int8 AS relation
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'b' AND t.typcategory <> 'A' AND {_own("pg_type", "t.oid")}"""
_OTHER_SETTINGS = _SETTINGS.format(
    text="CASE WHEN s.name LIKE '%.%' THEN 'it is the application''s own, and may hold secrets'"
    f" ELSE {literal(_CLUSTER_WIDE)} END",
    where=f"NOT {_MEANING}",
)
_TABLESPACES = _of_table(
    "tablespace",
    "'%s', 'it is a place on the disks of this server'",
    "JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace",
    "s.spcname",
)
_SUBSCRIPTIONS = f"""
SELECT '' AS schema, s.subname AS name, 'subscription' AS kind, {literal(_CLUSTER_WIDE)} AS text, 0::int8 AS relation
FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database b ON b.oid = s.subdbid
WHERE b.datname = pg_catalog.current_database()"""
_USER_MAPPINGS = f"""
SELECT '' AS schema, u.usename || ' on server ' || u.srvname AS name, 'user mapping' AS kind,
  {literal(_CLUSTER_WIDE)} AS text, 0::int8 AS relation
FROM pg_catalog.pg_user_mappings u"""
_LARGE_OBJECTS = """
SELECT '' AS schema, pg_catalog.format('(%s)', count(*)) AS name, 'large object data' AS kind,
  'what they hold is not understood, and nothing says whose it is' AS text, 0::int8 AS relation
FROM pg_catalog.pg_largeobject_metadata HAVING count(*) > 0"""
_TYPED_TABLES = _of_table(
    "row type", "'the table has columns of its own instead of being OF its type'", "WHERE c.reloftype <> 0"
)

LEFT_OUT = (
    *(_objects(*found) for found in _CLASSES),
    _BASE_TYPES,
    _TYPED_TABLES,
    _TABLESPACES,
    _SUBSCRIPTIONS,
    _USER_MAPPINGS,
    _LARGE_OBJECTS,
    _OTHER_SETTINGS,
)
"""What is not recreated, to be told: ``kind`` and ``name`` say what, ``text`` why."""
