"""Unique indexes over some rows or over expressions, and ranges that must not overlap, hold in a clone."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from dbclone.conditions.ranges import moved_apart, parse, unclear_exclusions
from dbclone.conditions.uniques import unclear_indexes, unique_indexes_of
from dbclone.dialects.sqlite_ddl import read_index
from dbclone.schema import Column, Exclusion, Index, Key, SqlType, Table, TableName, TypeFamily
from tests.commands import dbclone
from tests.dialects.places import Place

INTEGER = SqlType(TypeFamily.INTEGER, "integer", precision=32)
TEXT = SqlType(TypeFamily.TEXT, "text")


def table(*indexes: Index, exclusions: tuple[Exclusion, ...] = (), range_type: str = "int4range") -> Table:
    columns = (
        Column("a", INTEGER),
        Column("t", TEXT),
        Column("r", SqlType(TypeFamily.OPAQUE, range_type)),
    )
    return Table(TableName("public", "x"), columns, indexes=indexes, exclusions=exclusions)


def unique(*items: str, condition: str = "", nulls_distinct: bool = True) -> Index:
    return Index("i", (), True, "", items, condition, nulls_distinct)


ROWS = {"a": pa.array([1, 1, 1, None, None]), "t": pa.array(["x", "X", "y", "x", "x"])}


@pytest.mark.parametrize(
    ("index", "again"),
    [
        (unique("a", condition="t = 'x'"), []),
        (unique("a", condition="a = 1"), [1, 2]),
        (unique("lower(t)"), [1, 3, 4]),
        (unique("a", "lower(t)"), [1]),
        (unique("a", "lower(t)", nulls_distinct=False), [1, 4]),
    ],
)
def test_rows_that_repeat_are_found(index: Index, again: list[int]) -> None:
    (found,) = unique_indexes_of(table(index), "postgresql")
    assert found.repeating(ROWS, 5).tolist() == again


def test_an_index_that_is_not_understood_is_told() -> None:
    odd = table(unique("mystery(a)"))
    assert unique_indexes_of(odd, "postgresql") == ()
    assert [finding.code for finding in unclear_indexes(odd, "postgresql")] == ["unclear-index"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int4range", "[1,5)"),
        ("numrange", "[1.5,2.25)"),
        ("daterange", "[2024-01-01,2024-02-01)"),
        ("tsrange", '["2024-01-01 08:00:00","2024-01-01 09:30:00")'),
    ],
)
def test_a_range_is_read_and_printed_alike(kind: str, text: str) -> None:
    assert str(parse(text, kind)) == text


@pytest.mark.parametrize("text", ["empty", "[1,)", "(,5)", "[5,1)", "{[1,2)}"])
def test_other_ranges_are_not_understood(text: str) -> None:
    assert parse(text, "int4range") is None


def test_ranges_of_equal_rows_are_moved_apart() -> None:
    apart = table(exclusions=(Exclusion("e", (("a", "="), ("r", "&&"))),))
    columns = {
        "a": pa.array([1, 1, 2, 1, None]),
        "r": pa.array(["[0,10)", "[5,8)", "[5,8)", "[30,31)", "[0,9)"]),
    }
    moved = moved_apart(apart, columns, "postgresql")
    assert moved["r"].to_pylist() == ["[0,10)", "[10,13)", "[5,8)", "[30,31)", "[0,9)"]


def test_an_exclusion_that_is_not_understood_is_told() -> None:
    odd = table(exclusions=(Exclusion("e", (("r", "-|-"),)),))
    assert [finding.code for finding in unclear_exclusions(odd, "postgresql")] == ["unclear-exclusion"]


def test_they_hold_in_a_clone(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TABLE room (id integer PRIMARY KEY)",
        "CREATE TABLE booking (id integer PRIMARY KEY, room_id integer NOT NULL REFERENCES room, guest text NOT NULL,"
        " state text NOT NULL, during int4range NOT NULL, EXCLUDE USING gist (during WITH &&))",
        "CREATE UNIQUE INDEX one_open ON booking (room_id) WHERE state = 'open'",
        "CREATE UNIQUE INDEX once_a_day ON booking (lower(during), room_id)",
        "INSERT INTO room SELECT generate_series(1, 40)",
        "INSERT INTO booking SELECT n, n % 40 + 1, 'guest ' || n % 9, CASE WHEN n <= 40 THEN 'open' ELSE 'done' END,"
        " int4range(n * 10, n * 10 + 1 + n % 9) FROM generate_series(1, 200) AS n",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    kept = "SELECT count(*) FROM pg_class WHERE relname IN ('one_open', 'once_a_day', 'booking_during_excl')"
    assert target.rows(kept) == [(3,)]
    assert target.rows("SELECT count(*) > 190 FROM booking") == [(True,)]


def test_bookings_of_a_room_keep_apart_and_their_hours(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TABLE booking (id serial PRIMARY KEY, room int4range NOT NULL, during tstzrange NOT NULL,"
        " cancelled boolean NOT NULL, EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (NOT cancelled))",
        # Ten rooms are booked at the same hours, so that their ranges are nobody's; the eleventh at its own.
        "INSERT INTO booking (room, during, cancelled) SELECT int4range(n % 10, n % 10 + 1),"
        " tstzrange(day, day + interval '90 min'), n % 11 = 0 FROM generate_series(1, 400) AS n,"
        " LATERAL (SELECT timestamptz '2023-01-01 10:15+00' + n / 10 * interval '1 day' AS day) AS d",
        "INSERT INTO booking (room, during, cancelled) SELECT '[10,11)', tstzrange(day, day + interval '90 min'), false"
        " FROM generate_series(1, 100) AS n,"
        " LATERAL (SELECT timestamptz '2023-01-01 16:45+00' + n * interval '1 day' AS day) AS d",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    lasting = "SELECT DISTINCT upper(during) - lower(during) = '90 min' FROM booking"
    assert target.rows(lasting) == [(True,)]
    assert target.rows("SELECT count(*) > 400 FROM booking") == [(True,)]


def test_an_exclusion_of_equal_values_is_a_unique_index() -> None:
    equal = table(exclusions=(Exclusion("e", (("a", "="), ("t", "=")), "t <> 'y'"),))
    (found,) = unique_indexes_of(equal, "postgresql")
    assert found.repeating({**ROWS, "t": pa.array(["x", "x", "y", "x", "x"])}, 5).tolist() == [1]
    assert unclear_exclusions(equal, "postgresql") == []


def test_ranges_outside_the_condition_of_an_exclusion_stay() -> None:
    apart = table(exclusions=(Exclusion("e", (("r", "&&"),), "a = 1"),))
    columns = {"a": pa.array([1, 2, 1]), "r": pa.array(["[0,10)", "[5,8)", "[5,8)"])}
    assert moved_apart(apart, columns, "postgresql")["r"].to_pylist() == ["[0,10)", "[5,8)", "[10,13)"]


def test_a_key_over_a_generated_column_is_one_over_its_expression() -> None:
    columns = (Column("a", INTEGER), Column("b", INTEGER, generated="a % 10"))
    keyed = Table(TableName("", "x"), columns, uniques=(Key("k", ("b",)),))
    (found,) = unique_indexes_of(keyed, "sqlite")
    assert found.repeating({"a": pa.array([1, 2, 11, None])}, 4).tolist() == [2]


@pytest.mark.parametrize(
    ("sql", "items", "condition"),
    [
        ('CREATE UNIQUE INDEX i ON t (a, "b c" DESC)', ("a", '"b c"'), ""),
        ("CREATE UNIQUE INDEX i ON t(lower(a), b COLLATE NOCASE ASC) WHERE b > '(' ;", ("lower(a)", "b"), "b > '('"),
        ("create unique index i on t(a) /* where */ where a IS NOT NULL", ("a",), "a IS NOT NULL"),
    ],
)
def test_an_index_of_sqlite_is_read(sql: str, items: tuple[str, ...], condition: str) -> None:
    assert read_index(sql) == (items, condition)


def test_they_hold_in_a_clone_on_sqlite(tmp_path: Path) -> None:
    source, target = (Place("sqlite", str(tmp_path / f"{name}.sqlite")) for name in ("source", "target"))
    source.run(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, login TEXT NOT NULL, nick TEXT COLLATE NOCASE, "
        "state TEXT NOT NULL, room INTEGER NOT NULL, slot INTEGER GENERATED ALWAYS AS (room * 10) STORED)",
        "CREATE UNIQUE INDEX one_open ON account (room) WHERE state = 'open'",
        "CREATE UNIQUE INDEX login_once ON account (lower(login))",
        "CREATE UNIQUE INDEX nick_once ON account (nick, state)",
        "CREATE UNIQUE INDEX slot_once ON account (slot, state)",
        *(
            f"INSERT INTO account (id, login, nick, state, room) VALUES ({n}, 'User{n}', 'N{n % 150}',"
            f" '{'open' if n < 40 else f'closed {n // 40}'}', {n % 40})"
            for n in range(200)
        ),
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    assert target.rows("SELECT count(*) > 195 FROM account") == [(1,)]
    assert target.rows("PRAGMA integrity_check") == [("ok",)]
    fates = {line["name"].split(" ")[0]: line["fate"] for line in json.loads(outcome.out)["ledger"]}
    assert fates["one_open"] == fates["login_once"] == "kept by construction"


def test_addresses_that_are_unique_among_the_living_are_so_in_a_clone(tmp_path: Path) -> None:
    """As most applications that delete softly have it; the addresses are made up, and with the names of their rows."""
    source, target = (Place("sqlite", str(tmp_path / end)) for end in ("s.sqlite", "t.sqlite"))
    draw = random.Random(1)
    users = []
    for n in range(600):
        first, last = draw.choice(("Ann", "Bob", "Cid", "Eva")), draw.choice(("Ames", "Burr", "Cole"))
        gone = n % 3 == 0
        email = f"{first}.{last}{n % 40 if gone else n}@corp.com"
        users.append(f"({n}, '{email}', '{first}', '{last}', " + ("'2024-01-05')" if gone else "NULL)"))
    source.run(
        "CREATE TABLE users (id integer PRIMARY KEY, email text, first_name text, last_name text, deleted_at date)",
        "CREATE UNIQUE INDEX one_living ON users (lower(email)) WHERE deleted_at IS NULL",
        f"INSERT INTO users VALUES {', '.join(users)}",
    )
    outcome = dbclone("copy", source.url, target.url)
    assert outcome.code == 0, outcome.err
    assert target.rows("SELECT count(*) FROM users") == [(600,)]
    [(rows, emails)] = target.rows("SELECT count(*), count(DISTINCT lower(email)) FROM users WHERE deleted_at IS NULL")
    assert rows == emails
    named = "SELECT count(*) FROM users WHERE instr(lower(email), lower(last_name)) > 0"
    assert target.rows(named)[0][0] > 570


def test_what_partitions_ask_of_their_own_rows_holds_in_a_clone(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TABLE sale (kind text NOT NULL, day date NOT NULL, price integer, note text DEFAULT 'none')"
        " PARTITION BY LIST (kind)",
        "CREATE TABLE cheap PARTITION OF sale (note DEFAULT 'cheap', CHECK (price < 40)) FOR VALUES IN ('a', 'b')",
        "CREATE TABLE dear PARTITION OF sale (price NOT NULL, CONSTRAINT dearer CHECK (price >= 30))"
        " FOR VALUES IN ('c') PARTITION BY RANGE (day)",
        "CREATE TABLE old PARTITION OF dear FOR VALUES FROM (MINVALUE) TO ('2020-01-01')",
        "CREATE TABLE new PARTITION OF dear (CONSTRAINT inflated CHECK (price > 80))"
        " FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)",
        "CREATE TABLE others PARTITION OF sale (CONSTRAINT noted CHECK (note IS NOT NULL)) DEFAULT",
        # Prices, days and kinds are drawn together, so that some rows of each would break what their partition asks.
        "INSERT INTO sale SELECT kind, day, CASE WHEN kind IN ('a', 'b') THEN n % 40 WHEN kind = 'd' THEN n % 200"
        " WHEN day < '2020-01-01' THEN 30 + n % 60 ELSE 81 + n % 60 END, CASE WHEN kind = 'd' OR n % 3 = 0 THEN 'x' END"
        " FROM generate_series(1, 900) AS n, LATERAL (SELECT (ARRAY['a', 'b', 'c', 'd'])[1 + n % 7 % 4] AS kind,"
        " date '2018-06-01' + n * 7 % 1200 AS day) AS drawn",
        "UPDATE sale SET price = NULL WHERE kind <> 'c' AND price % 5 = 0",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    assert target.rows("SELECT count(*) FROM sale") == [(900,)]
    fates = {line["name"]: line["fate"] for line in json.loads(outcome.out)["ledger"] if line["kind"] == "check"}
    assert set(fates.values()) == {"kept by construction"}
    assert len(fates) == 4
    own = (
        "SELECT c.relname, a.attname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relispartition ORDER BY 1, 2"
    )
    assert target.rows(own) == source.rows(own)


def test_what_a_partition_by_hash_asks_holds_in_a_clone(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        'CREATE TABLE visit ("Who" integer NOT NULL, day date NOT NULL, n integer, state text)'
        " PARTITION BY LIST (state)",
        "CREATE TABLE closed PARTITION OF visit FOR VALUES IN ('closed')",
        "CREATE TABLE still PARTITION OF visit FOR VALUES IN ('open') PARTITION BY HASH (\"Who\")",
        "CREATE TABLE even PARTITION OF still FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE odd PARTITION OF still FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        'CREATE UNIQUE INDEX once_a_day ON even (day, "Who")',
        "INSERT INTO visit SELECT i % 40, date '2024-01-01' + i, i % 12, CASE WHEN i % 3 = 0 THEN 'closed' ELSE 'open'"
        " END FROM generate_series(1, 600) AS i",
        "UPDATE even SET n = n + 4",
        "ALTER TABLE even ADD CONSTRAINT many CHECK (n > 3)",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    kept = {"many on public.even", "once_a_day on public.even"}
    fates = {e["name"]: e["fate"] for e in json.loads(outcome.out)["ledger"] if e["name"] in kept}
    assert fates == {"many on public.even": "kept by construction", "once_a_day on public.even": "recreated"}
    assert target.rows("SELECT count(*) > 570 FROM visit") == [(True,)]
    assert target.rows("SELECT count(*) > 0 FROM closed WHERE n <= 3") == [(True,)]


def test_a_unique_index_of_one_partition_holds_in_a_clone(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TABLE ticket (kind text NOT NULL, seat integer NOT NULL, price integer) PARTITION BY LIST (kind)",
        "CREATE TABLE seated PARTITION OF ticket FOR VALUES IN ('stalls', 'balcony')",
        "CREATE TABLE standing PARTITION OF ticket FOR VALUES IN ('standing')",
        "CREATE UNIQUE INDEX seat_once ON seated (kind, seat)",
        "INSERT INTO ticket SELECT (ARRAY['stalls', 'balcony', 'standing'])[1 + n % 3], CASE n % 3 WHEN 2 THEN 0"
        " ELSE n END, n % 7 FROM generate_series(1, 300) AS n",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    assert target.rows("SELECT count(*) FROM pg_class WHERE relname = 'seat_once'") == [(1,)]
    assert target.rows("SELECT count(*) > 270 FROM ticket") == [(True,)]
