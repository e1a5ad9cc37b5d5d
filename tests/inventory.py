"""Everything that a PostgreSQL database holds, from the server's own catalogue, as the ledger calls it."""

from collections.abc import Mapping, Sequence

from tests.filler import Connection

_RELATION = "n.nspname || '.' || c.relname"
_RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
_CONSTRAINT = "k.conname || ' on ' || " + _RELATION
_OTHERS = {
    "aggregate": ("pg_proc", "prokind = 'a'"),
    "function": ("pg_proc", "prokind IN ('f', 'w')"),
    "procedure": ("pg_proc", "prokind = 'p'"),
    "domain": ("pg_type", "typtype = 'd'"),
    "enum": ("pg_type", "typtype = 'e'"),
    "range type": ("pg_type", "typtype = 'r'"),
    "composite type": ("pg_type", "typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c'"),
    "text search dictionary": ("pg_ts_dict", "true"),
    "text search configuration": ("pg_ts_config", "true"),
    "operator": ("pg_operator", "true"),
    "cast": ("pg_cast", "true"),
    "publication": ("pg_publication", "true"),
    "event trigger": ("pg_event_trigger", "true"),
    "foreign table": ("pg_class", "relkind = 'f'"),
    "view": ("pg_class", "relkind = 'v'"),
    "materialized view": ("pg_class", "relkind = 'm'"),
    "sequence": ("pg_class", "relkind = 'S'"),
    "table": ("pg_class", "relkind IN ('r', 'p') AND NOT relispartition"),
    "partition": ("pg_class", "relkind IN ('r', 'p') AND relispartition"),
    "schema": ("pg_namespace", "true"),
    "collation": ("pg_collation", "true"),
}
"""Kind, and where to find its members, which the server itself names."""
_NAMES = {
    "pg_class": "nspname || '.' || relname FROM pg_namespace WHERE oid = relnamespace",
    "pg_type": "nspname || '.' || typname FROM pg_namespace WHERE oid = typnamespace",
    "pg_ts_dict": "nspname || '.' || dictname FROM pg_namespace WHERE oid = dictnamespace",
    "pg_ts_config": "nspname || '.' || cfgname FROM pg_namespace WHERE oid = cfgnamespace",
    "pg_collation": "nspname || '.' || collname FROM pg_namespace WHERE oid = collnamespace",
    "pg_namespace": "nspname",
    "pg_proc": "o.oid::regprocedure::text",
}
_OF_CATALOGUE = """
SELECT '{kind}', (SELECT {name}) FROM {catalogue} o WHERE {where} AND o.oid >= {first}
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalogue}'::regclass AND e.objid = o.oid
    AND e.deptype IN ('e', 'i') AND NOT (e.deptype = 'i' AND '{kind}' = 'sequence'))
  AND coalesce((pg_identify_object('{catalogue}'::regclass, o.oid, 0)).schema, '') !~ '^pg_|^information_schema$'
  {more}"""
_CONSTRAINTS = "('p', 'primary key'), ('u', 'unique key'), ('f', 'foreign key'), ('c', 'check'), ('x', 'exclusion')"
_OF_TABLES = (
    f"""SELECT v.kind, {_CONSTRAINT} FROM pg_constraint k JOIN {_RELATIONS} ON c.oid = k.conrelid
    JOIN (VALUES {_CONSTRAINTS}) AS v (type, kind) ON v.type = k.contype
    WHERE k.conparentid = 0 AND NOT (c.relispartition AND NOT k.conislocal)""",
    f"""SELECT 'index', x.relname || ' on ' || {_RELATION} FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    JOIN {_RELATIONS} ON c.oid = i.indrelid WHERE NOT x.relispartition
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))""",
    f"""SELECT 'column', {_RELATION} || '.' || a.attname FROM pg_attribute a JOIN {_RELATIONS} ON c.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition""",
    f"""SELECT 'trigger', t.tgname || ' on ' || {_RELATION} FROM pg_trigger t JOIN {_RELATIONS} ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgparentid = 0""",
    f"""SELECT 'rule', r.rulename || ' on ' || {_RELATION} FROM pg_rewrite r JOIN {_RELATIONS} ON c.oid = r.ev_class
    WHERE r.rulename <> '_RETURN'""",
    f"""SELECT 'policy', p.polname || ' on ' || {_RELATION} FROM pg_policy p JOIN {_RELATIONS} ON c.oid = p.polrelid""",
    f"""SELECT 'statistics', s.stxname || ' on ' || {_RELATION} FROM pg_statistic_ext s
    JOIN {_RELATIONS} ON c.oid = s.stxrelid""",
)  # fmt: skip
_USERS = " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.oid >= 16384"
_EXTENSIONS = "SELECT 'extension', extname FROM pg_extension WHERE extname <> 'plpgsql'"


def inventory(connection: Connection) -> set[str]:
    """Kind and name of everything, but for settings, comments, and what extensions brought or partitions inherit."""
    named = "(pg_identify_object('{}'::regclass, o.oid, 0)).identity"
    queries = [
        _OF_CATALOGUE.format(
            kind=kind,
            name=_NAMES.get(catalogue, named.format(catalogue)),
            catalogue=catalogue,
            where=where,
            first=2200 if kind == "schema" else 16384,
            more="AND nspname !~ '^pg_|^information_schema$'" if kind == "schema" else "",
        )
        for kind, (catalogue, where) in _OTHERS.items()
    ]
    queries += [sql + (_USERS if "WHERE" in sql else _USERS.replace(" AND", " WHERE", 1)) for sql in _OF_TABLES]
    connection.execute("SET search_path = ''")
    rows = connection.execute(" UNION ALL ".join([*queries, _EXTENSIONS]).encode()).fetchall()
    connection.execute("RESET search_path")
    return {f"{kind} {name}" for kind, name in rows}


def unaccounted(ledger: Sequence[Mapping[str, str]], source: set[str], target: set[str]) -> list[str]:
    """What the ledger keeps silent about, tells twice, claims although it is not so, or drops without a reason."""
    lines = {f"{line['kind']} {line['name']}": line for line in ledger}
    wrong = [f"no line: {subject}" for subject in sorted(source - lines.keys())]
    wrong += [f"no reason: {subject}" for subject, line in lines.items() if not line["reason"]]
    for subject in sorted(source & lines.keys()):
        if (lines[subject]["fate"] == "dropped") is (subject in target):
            wrong.append(f"{lines[subject]['fate']}, but {'there' if subject in target else 'not there'}: {subject}")
    kinds = {subject.split(" ")[0] for subject in source}
    invented = [s for s, line in lines.items() if s not in source and s.split(" ")[0] in kinds and s in target]
    return wrong + [f"not in the source: {subject}" for subject in invented] + ["twice"] * (len(ledger) - len(lines))
