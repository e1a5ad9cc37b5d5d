"""Owners and grants of a PostgreSQL database, as statements; roles are those of the server and may lack in another.

Each query returns ``Definition`` rows.  Only differences from what an object has by itself are told: a GRANT for what
was given, a REVOKE for what was taken away.
"""

from __future__ import annotations

from dbclone.dialects.postgresql_details import USER_SCHEMA, not_of_extension


def _thing(word: str, name: str, columns: tuple[str, str, str], kind: str, rest: str) -> str:
    """Objects with their word in GRANT, spelling, name, access list, usual access list, owner."""
    spelled, access, owner = columns
    usual = f"pg_catalog.acldefault({kind}, {owner})"
    return (
        f"SELECT {word} AS word, {spelled} AS spelled, {name} AS name, {access} AS access, {usual} AS usual,"
        f" {owner} AS owner FROM {rest}"
    )


def _rest(catalogue: str, alias: str, namespace: str, where: str) -> str:
    own = not_of_extension(catalogue, f"{alias}.oid")
    join = f"JOIN pg_catalog.pg_namespace n ON n.oid = {alias}.{namespace} AND {USER_SCHEMA}"
    return f"pg_catalog.{catalogue} {alias} {join} WHERE {where} AND {own}"


_RELATIONS = _thing(
    "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END",
    "n.nspname || '.' || c.relname",
    ("c.oid::pg_catalog.regclass::text", "c.relacl", "c.relowner"),
    "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"",
    _rest("pg_class", "c", "relnamespace", "c.relkind IN ('r', 'p', 'v', 'm', 'S')"),
)
_SCHEMAS = f"""
SELECT 'SCHEMA', pg_catalog.quote_ident(n.nspname), n.nspname, n.nspacl, coalesce((SELECT i.initprivs
    FROM pg_catalog.pg_init_privs i WHERE i.objoid = n.oid
    AND i.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass), pg_catalog.acldefault('n', n.nspowner)),
  n.nspowner
FROM pg_catalog.pg_namespace n WHERE {USER_SCHEMA} AND {not_of_extension("pg_namespace", "n.oid")}"""
_FUNCTIONS = _thing(
    "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'ROUTINE' ELSE 'FUNCTION' END",
    "p.oid::pg_catalog.regprocedure::text",
    ("p.oid::pg_catalog.regprocedure::text", "p.proacl", "p.proowner"),
    "'f'",
    _rest("pg_proc", "p", "pronamespace", "true"),
)
_TYPES = _thing(
    "'TYPE'",
    "n.nspname || '.' || t.typname",
    ("pg_catalog.format_type(t.oid, NULL)", "t.typacl", "t.typowner"),
    "'T'",
    _rest(
        "pg_type",
        "t",
        "typnamespace",
        "(t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c'"
        " AND (SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid) = 'c')",
    ),
)


def _owned(word: str, catalogue: str, prefix: str) -> str:
    """Objects that have an owner, but nothing that could be granted."""
    identity = f"(pg_catalog.pg_identify_object('pg_catalog.{catalogue}'::pg_catalog.regclass, x.oid, 0)).identity"
    nothing = "NULL::pg_catalog.aclitem[]"
    rest = _rest(catalogue, "x", f"{prefix}namespace", "true")
    return f"SELECT '{word}', {identity}, {identity}, {nothing}, {nothing}, x.{prefix}owner FROM {rest}"


_OWNED = (
    _owned("COLLATION", "pg_collation", "coll"),
    _owned("OPERATOR", "pg_operator", "opr"),
    _owned("STATISTICS", "pg_statistic_ext", "stx"),
    _owned("TEXT SEARCH CONFIGURATION", "pg_ts_config", "cfg"),
    _owned("TEXT SEARCH DICTIONARY", "pg_ts_dict", "dict"),
)
_THINGS = " UNION ALL ".join((_RELATIONS, _SCHEMAS, _FUNCTIONS, _TYPES, *_OWNED))
_ROLE = "CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END"
_OPTION = "CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
_LISTED = "pg_catalog.string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)"


def _given(more: str, less: str) -> str:
    """Privileges of one access list that another has not."""
    columns = "grantee, privilege_type, is_grantable"
    return (
        f"LATERAL (SELECT {columns} FROM pg_catalog.aclexplode({more})"
        f" EXCEPT SELECT {columns} FROM pg_catalog.aclexplode({less})) AS x"
    )


# A sequence that belongs to a column has the owner of its table, and a schema made by the server that of the database.
_OWNERS = f"""
SELECT '' AS schema, t.name || ' by ' || pg_catalog.pg_get_userbyid(t.owner) AS name, 'owner' AS kind,
  pg_catalog.format('ALTER %s %s OWNER TO %I', t.word, t.spelled, pg_catalog.pg_get_userbyid(t.owner)) AS text,
  0::int8 AS relation
FROM ({_THINGS}) AS t WHERE pg_catalog.pg_get_userbyid(t.owner) <> 'pg_database_owner'
  AND NOT (t.word = 'SEQUENCE' AND EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = t.spelled::pg_catalog.regclass
    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))"""
_WORD = "CASE WHEN t.word LIKE '%VIEW' THEN 'TABLE' ELSE t.word END"
_GRANTS = f"""
SELECT '' AS schema, t.name || ' to ' || {_ROLE} || {_OPTION} AS name, 'grant' AS kind, pg_catalog.format(
  'GRANT %s ON %s %s TO %s%s', {_LISTED}, {_WORD}, t.spelled, {_ROLE}, {_OPTION}) AS text, 0::int8 AS relation
FROM ({_THINGS}) AS t, {_given("t.access", "t.usual")} GROUP BY t.name, t.word, t.spelled, x.grantee, x.is_grantable"""
_REVOKES = f"""
SELECT '' AS schema, t.name || ' from ' || {_ROLE} AS name, 'revocation' AS kind, pg_catalog.format(
  'REVOKE %s ON %s %s FROM %s', {_LISTED}, {_WORD}, t.spelled, {_ROLE}) AS text, 0::int8 AS relation
FROM ({_THINGS}) AS t, {_given("t.usual", "t.access")} WHERE t.access IS NOT NULL
GROUP BY t.name, t.word, t.spelled, x.grantee"""
_COLUMN_GRANTS = f"""
SELECT '' AS schema, n.nspname || '.' || c.relname || '.' || a.attname || ' to ' || {_ROLE} || {_OPTION} AS name,
  'grant' AS kind, pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', pg_catalog.string_agg(x.privilege_type || ' ('
    || pg_catalog.quote_ident(a.attname) || ')', ', ' ORDER BY x.privilege_type), c.oid::pg_catalog.regclass,
    {_ROLE}, {_OPTION}) AS text, 0::int8 AS relation
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND {USER_SCHEMA}, pg_catalog.aclexplode(a.attacl) AS x
WHERE NOT a.attisdropped AND {not_of_extension("pg_class", "c.oid")}
GROUP BY n.nspname, c.relname, a.attname, c.oid, x.grantee, x.is_grantable"""
_FOR_WHAT = """CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
  WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END"""
_USUAL = """CASE WHEN d.defaclnamespace = 0 THEN pg_catalog.acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'
  ELSE d.defaclobjtype END, d.defaclrole) END"""


def _default(verb: str, preposition: str, difference: str, option: str) -> str:
    """ALTER DEFAULT PRIVILEGES: what objects to come will have."""
    where = "coalesce(' IN SCHEMA ' || pg_catalog.quote_ident(n.nspname), '')"
    text = f"'ALTER DEFAULT PRIVILEGES FOR ROLE %I%s {verb} %s ON %s {preposition} %s%s'"
    return f"""
SELECT '' AS schema, pg_catalog.lower({_FOR_WHAT}) || ' of ' || pg_catalog.pg_get_userbyid(d.defaclrole)
  || pg_catalog.lower({where}) || ' {preposition.lower()} ' || {_ROLE} || {option} AS name,
  'default privilege' AS kind, pg_catalog.format({text}, pg_catalog.pg_get_userbyid(d.defaclrole), {where}, {_LISTED},
  {_FOR_WHAT}, {_ROLE}, {option}) AS text, 0::int8 AS relation
FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace, {difference}
GROUP BY n.nspname, d.defaclrole, d.defaclobjtype, x.grantee, x.is_grantable"""


_DEFAULTS = (
    _default("GRANT", "TO", _given("d.defaclacl", _USUAL), _OPTION),
    _default("REVOKE", "FROM", _given(_USUAL, "d.defaclacl"), "''"),
)

PRIVILEGES = (_OWNERS, _REVOKES, _GRANTS, _COLUMN_GRANTS, *_DEFAULTS)
"""In the order in which they must run: what an object's owner has by itself depends on who that is."""
