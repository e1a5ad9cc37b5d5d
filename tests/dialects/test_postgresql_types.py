"""Every type that a PostgreSQL server has, and arrays of them, through a copy of rows and through a whole clone."""

import json
import re
from collections.abc import Callable

import pytest

from tests.commands import dbclone
from tests.dialects.places import Place, copy

pytestmark = pytest.mark.postgres

BUILT_IN: dict[str, tuple[str, ...]] = {
    "aclitem": ("=r/postgres",),
    "bit": ("0", "1"),
    "bool": ("t", "f"),
    "box": ("(2,2),(1,1)", "(0.5,1e10),(-3,-4)"),
    "bpchar": ("", "a b", "ü"),
    "bytea": ("\\x", "\\x00ff5c0a"),
    "char": ("a", "Z"),
    "cid": ("0", "4294967295"),
    "cidr": ("10.0.0.0/8", "2001:db8::/32"),
    "circle": ("<(1,2),3>",),
    "date": ("0001-01-01", "9999-12-31", "2024-02-29", "infinity", "-infinity", "0044-03-15 BC"),
    "datemultirange": ("{}", "{[2020-01-01,2021-01-01)}"),
    "daterange": ("empty", "(,)", "[2020-01-01,2021-01-01)", "[2020-01-01,infinity)"),
    "float4": ("0", "-1.5", "1e-37", "NaN", "Infinity"),
    "float8": ("0", "1e308", "5e-324", "NaN", "-Infinity"),
    "gtsvector": (),
    "inet": ("10.0.0.1", "10.0.0.1/8", "::1"),
    "int2": ("-32768", "0", "32767"),
    "int2vector": ("1 2 3",),
    "int4": ("-2147483648", "0", "2147483647"),
    "int4multirange": ("{}", "{[1,3),[7,9)}"),
    "int4range": ("empty", "(,)", "[1,5)"),
    "int8": ("-9223372036854775808", "0", "9223372036854775807"),
    "int8multirange": ("{[1,3)}",),
    "int8range": ("[1,5)", "[9223372036854775806,)"),
    "interval": ("0", "1 mon -2 days 03:04:05.000006", "178000000 years", "-1 year"),
    "json": ('{"a": [1, null, "x"]}', "[]", "null", '"ü"'),
    "jsonb": ('{"a": {"b": []}}', "1", "{}"),
    "jsonpath": ("$.a[*] ? (@ > 3)",),
    "line": ("{1,-1,0}",),
    "lseg": ("[(0,0),(1,1)]",),
    "macaddr": ("08:00:2b:01:02:03",),
    "macaddr8": ("08:00:2b:01:02:03:04:05",),
    "money": ("$1.50", "-$92,233,720,368,547,758.08", "$0.00"),
    "name": ("", "a_name"),
    "numeric": ("0.0", "-1.1", "NaN", "Infinity", "1234567890123456789012345678.5"),
    "nummultirange": ("{[1.5,2.5]}",),
    "numrange": ("[1.5,2.5)", "(,1e50)"),
    "oid": ("0", "4294967295"),
    "oidvector": ("1 2",),
    "path": ("[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"),
    "pg_brin_bloom_summary": (),
    "pg_brin_minmax_multi_summary": (),
    "pg_dependencies": (),
    "pg_lsn": ("0/0", "16/B374D848"),
    "pg_mcv_list": (),
    "pg_ndistinct": (),
    "pg_node_tree": (),
    "pg_snapshot": ("10:20:10,14,15",),
    "point": ("(1,2)", "(-1e300,0.1)"),
    "polygon": ("((0,0),(1,1),(2,0))",),
    "refcursor": ("cursor", ""),
    "regclass": ("pg_class",),
    "regcollation": ('"C"',),
    "regconfig": ("english",),
    "regdictionary": ("simple",),
    "regnamespace": ("pg_catalog",),
    "regoper": ("pg_catalog.||/",),
    "regoperator": ("+(integer,integer)",),
    "regproc": ("now",),
    "regprocedure": ("sum(integer)",),
    "regrole": ("pg_monitor",),
    "regtype": ("integer", "text[]"),
    "text": ("", "plain", "日本 \\N é \t\n\r \"q\" 'q' , ; \\.", "NULL"),
    "tid": ("(0,1)", "(4294967295,65535)"),
    "time": ("00:00:00", "23:59:59.999999", "24:00:00"),
    "timestamp": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "infinity", "2024-02-29 12:00:00"),
    "timestamptz": ("0001-01-02 00:00:00+14", "9999-12-30 23:59:59-12", "-infinity", "2024-03-31 02:30:00+02"),
    "timetz": ("10:00:00+02", "00:00:00-12:30"),
    "tsmultirange": ("{[2020-01-01,2021-01-01)}",),
    "tsquery": ("'fat' & 'rat'", "!'a':*", ""),
    "tsrange": ("[2020-01-01 08:00,2020-01-01 09:00)",),
    "tstzmultirange": ("{[2020-01-01 00:00+00,)}",),
    "tstzrange": ("[2020-01-01 08:00+02,2020-01-01 09:00+02)",),
    "tsvector": ("", "'a':1A 'b c':2,3"),
    "txid_snapshot": ("10:20:10,14,15",),
    "unknown": (),
    "uuid": ("00000000-0000-0000-0000-000000000000", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    "varbit": ("", "10101"),
    "varchar": ("", "short"),
    "xid": ("0", "4294967295"),
    "xid8": ("0", "18446744073709551615"),
    "xml": ("<a/>", "<a b=\"c\">d</a>", "text"),
}  # fmt: skip
"""Values of each type; none where the server takes no input for it."""
EXTENSIONS = {
    "citext": {"citext": ("Ada", "")},
    "cube": {"cube": ("(1, 2),(3, 4)", "(0)")},
    "hstore": {"hstore": ('"a"=>"1", "b"=>NULL', "")},
    "isn": {"isbn13": ("978-0-11-000222-4",), "ean13": ("978-0-11-000222-4",)},
    "ltree": {"ltree": ("Top.Science", ""), "lquery": ("Top.*",)},
    "seg": {"seg": ("1.5 .. 2.5",)},
    "intarray": {"query_int": ("1&(2|3)",)},
    "postgis": {"geometry": ("POINT(1 2)",)},
    "vector": {"vector": ("[1,2,3]",)},
}
"""Types of the extensions that a server may have at hand."""
FEW, MANY = 9, 60
"""Rows of a table: none of their values is held by enough of them to be kept; most are."""
UNREPRESENTABLE = r"infinity|BC|NaN|24:00"
"""What only PostgreSQL has: read as NULL, and told."""


def column_type(name: str) -> str:
    return {"char": '"char"', "bit": "bit(1)", "varchar": "varchar(20)", "bpchar": "char(4)"}.get(name, name)


def build(place: Place, values: dict[str, tuple[str, ...]], number: int) -> None:
    """A table per type: a value, a value that must be there, and arrays, each NULL in some rows; else NULL alone."""
    with place.connect() as connection:
        for name, texts in values.items():
            kind, table = column_type(name), f'"of_{name}"'
            if not texts:
                connection.execute(f"CREATE TABLE {table} (id integer PRIMARY KEY, a {kind})".encode())
                connection.execute(f"INSERT INTO {table} SELECT n FROM generate_series(1, {number}) AS n".encode())
                continue
            columns = f"id integer PRIMARY KEY, a {kind}, b {kind}[], c {kind} NOT NULL"
            connection.execute(f"CREATE TABLE {table} ({columns})".encode())
            plain = [text for text in texts if not re.search(UNREPRESENTABLE, text, re.IGNORECASE)]
            rows = [
                (i, text if i % 7 else None, [text, None] if i % 5 else [], plain[i % len(plain)])
                for i, text in enumerate(texts[i % len(texts)] for i in range(number))
            ]
            insert = f"INSERT INTO {table} VALUES (%s, %s::text::{kind}, %s::text[]::{kind}[], %s::text::{kind})"
            with connection.cursor() as cursor:
                cursor.executemany(insert.encode(), rows)


def has(place: Place, extension: str) -> bool:
    found = place.rows(f"SELECT 1 FROM pg_available_extensions WHERE name = '{extension}'")
    if found:
        place.run(f"CREATE EXTENSION {extension}")
    return bool(found)


def every_type(place: Place, number: int) -> dict[str, tuple[str, ...]]:
    """Fill a database with a table per type; the values that were written."""
    present = {name for (name,) in place.rows(
        "SELECT typname::text FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'r', 'm') AND NOT (typelem <> 0 AND typcategory = 'A' AND typarray = 0)"
    )}  # fmt: skip
    assert present <= BUILT_IN.keys(), "types of this server without a value here"
    values = {name: texts for name, texts in BUILT_IN.items() if name in present and name != "unknown"}
    for extension, types in EXTENSIONS.items():
        if has(place, extension):
            values |= types
    build(place, values, number)
    return values


def test_values_of_every_type_arrive_as_they_were(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    values = every_type(source, FEW)
    copy(source, target)
    representable = f"WHERE a IS NOT NULL AND a !~* '{UNREPRESENTABLE}'"
    for name, texts in values.items():
        arrays = ", b::text" if texts else ""
        shown = f'SELECT * FROM (SELECT id, a::text{arrays} FROM "of_{name}") AS t {representable} ORDER BY id'
        assert target.rows(shown) == source.rows(shown), name


@pytest.mark.parametrize("number", [FEW, MANY])
def test_a_clone_has_every_type_and_tells_which_it_does_not_model(number: int, new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    values = every_type(source, number)
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    lines = {line["name"]: line for line in json.loads(outcome.out)["ledger"] if line["kind"] == "column"}
    counts = " UNION ALL ".join(f"SELECT '{name}', count(*)::int FROM \"of_{name}\"" for name in values)
    assert dict(target.rows(counts)) == dict.fromkeys(values, number)
    types = """SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid::regclass::text ~ '^"?of_.*' AND attnum > 0 ORDER BY 1, 2"""
    assert target.rows(types) == source.rows(types)
    assert "not modelled" in lines["public.of_pg_lsn.c"]["reason"]
    assert "not modelled" not in lines["public.of_int4.c"]["reason"]


def test_a_type_that_the_target_lacks_becomes_text(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TYPE odd",
        "CREATE FUNCTION odd_in(cstring) RETURNS odd LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
        "CREATE FUNCTION odd_out(odd) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
        "CREATE TYPE odd (INPUT = odd_in, OUTPUT = odd_out)",
        "CREATE TABLE t (id integer PRIMARY KEY, o odd NOT NULL DEFAULT 'x', os odd[], n odd)",
        "INSERT INTO t SELECT n, n::text::odd, ARRAY['a'::odd], NULL FROM generate_series(1, 30) AS n",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    assert target.rows("SELECT count(*), count(o) FROM t") == [(30, 30)]
    lines = {f"{line['kind']} {line['name']}": line for line in json.loads(outcome.out)["ledger"]}
    assert lines["base type public.odd"]["fate"] == "dropped"
    assert "the column is text" in lines["column public.t.o"]["reason"]
