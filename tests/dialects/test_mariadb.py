"""MariaDB's own ways: its types, zero dates, collations, partitions, triggers and routines, LOCAL files, staging."""

import datetime as dt

import pytest

from dbclone.connection import open_source, open_target
from dbclone.dialects import mysql_source, mysql_stage
from dbclone.errors import TargetError
from dbclone.schema import TypeFamily
from tests import mariadb_server
from tests.dialects.places import Maker, Place, by_name, copy, read
from tests.mariadb_proofs import next_inserts_refused, statements

pytestmark = pytest.mark.mariadb

TYPES = {
    "id": "int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY", "tiny": "tinyint(1)", "flag": "boolean",
    "small": "smallint unsigned", "med": "mediumint", "big": "bigint unsigned", "price": "decimal(10,2) unsigned",
    "huge": "decimal(50,10)", "f": "float", "d": "double", "b1": "bit(1)", "b7": "bit(7)", "y": "year",
    "day": "date NOT NULL DEFAULT '0000-00-00'", "at": "datetime(3)",
    "ts": "timestamp NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()", "clock": "time(2)",
    "span": "time", "c": "char(5)", "v": "varchar(40) CHARACTER SET latin1", "t": "text", "short": "tinytext",
    "e": "enum('a','it''s','B')", "s": "set('x','y','z w')", "doc": "json", "raw": "varbinary(20)",
    "fixed": "binary(4)", "place": "point", "shape": "geometry", "u": "uuid", "ip": "inet6",
    "twice": "int GENERATED ALWAYS AS (med * 2) VIRTUAL", "thrice": "int GENERATED ALWAYS AS (med * 3) STORED",
}  # fmt: skip
ROWS = (
    ("(1, 2, 1, 65535, -8388608, 18446744073709551615, 1.50, 1e39, 0.1, 1.7976931348623157e308, b'1', b'0000101', 2155,"
    " '0000-00-00', '2020-02-29 13:14:15.678', '2020-02-29 13:14:15', '23:59:59.99', '-838:59:59', 'ab', 'é', '\\\\N',"
    " '', 'it''s', 'x,z w', '{\"a\": 1}', x'00FF', x'00000000', point(1.5, 2),"
    " st_geomfromtext('LINESTRING(0 0,1 1)', 4326), '0f8fad5b-d9cb-469f-a165-70867728950e', '::1')"),
    ("(2, 0, 0, 0, 0, 0, 0, 0, 1e-30, 5e-324, b'0', b'0', 1901, '2020-01-01', NULL, NULL, NULL, NULL, '', '',"
    " 'tab\\tline\\nend\\\\', NULL, 'a', '', '[]', '', '', NULL, NULL, NULL, NULL)"),
    ("(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '9999-12-31', '0000-00-00', NULL,"
    " NULL, '25:00:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"),
)


def build_types(place: Place) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in TYPES.items())
    inserted = ", ".join(f'"{name}"' for name in list(TYPES)[:-2])
    place.run(f"CREATE TABLE kinds ({columns}) COMMENT 'it''s\\na table'")
    place.run(*(f"INSERT INTO kinds ({inserted}) VALUES {row}" for row in ROWS))


def test_every_type_of_mariadb_is_copied_exactly(make: Maker) -> None:
    source, target = make("mysql"), make("mysql")
    build_types(source)
    findings = copy(source, target)
    assert [(finding.code, finding.columns, finding.count) for finding in findings] == [
        ("type-fallback", ("day",), 1), ("type-fallback", ("at",), 1)
    ]  # fmt: skip
    source.run("UPDATE kinds SET at = NULL, ts = ts WHERE id = 3")  # a zero date that may be NULL becomes so
    everything = "SELECT * FROM kinds ORDER BY id"
    assert target.rows(everything) == source.rows(everything)
    assert statements(target.url) == statements(source.url)


def test_what_values_say_decides_what_a_type_means(make: Maker) -> None:
    source = make("mysql")
    build_types(source)
    schema, rows, _ = read(source)
    families = {column.name: column.type.family for column in schema.tables[0].columns}
    assert families["tiny"] is TypeFamily.INTEGER, "it holds more than 0 and 1"
    assert families["flag"] is families["b1"] is TypeFamily.BOOLEAN
    assert families["big"] is TypeFamily.DECIMAL, "it holds more than 64 bits with a sign do"
    assert (families["clock"], families["span"]) == (TypeFamily.TIME, TypeFamily.INTERVAL)
    first = by_name(rows)["kinds"][0]
    told = {name: first[name] for name in ("tiny", "big", "f", "day", "span", "s", "b7", "shape", "ts", "raw")}
    assert told == {
        "tiny": 2, "big": 18446744073709551615.0, "f": 0.1, "day": None, "span": "-838:59:59", "s": "x,z w",
        "b7": "0000101", "shape": "SRID=4326;LINESTRING(0 0,1 1)",
        "ts": dt.datetime(2020, 2, 29, 13, 14, 15, tzinfo=dt.UTC), "raw": b"\x00\xff",
    }  # fmt: skip


def test_rows_that_may_be_longer_than_a_packet_are_read_column_by_column(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make("mysql")
    build_types(source)
    _, as_lines, _ = read(source)
    monkeypatch.setattr(mysql_source, "_SHORT_BYTES", 1 << 40)
    assert read(source)[1] == as_lines


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_type_of_mariadb_has_a_place_elsewhere(make: Maker, dialect: str) -> None:
    source, target = make("mysql"), make(dialect)
    build_types(source)
    source.run("UPDATE kinds SET day = '2000-01-01', huge = 5 WHERE id = 1")
    copy(source, target)
    mine, theirs = by_name(read(source)[1])["kinds"], by_name(read(target)[1])["kinds"]
    if dialect == "postgresql":  # whose intervals are printed otherwise
        assert [row.pop("span") for row in theirs] == ["-838:59:59", None, "25:00:00"]
        assert [row.pop("span") for row in mine]
    for row in mine:
        row["thrice"] = row["med"] and row["med"] * 3  # type: ignore[operator]
    assert [{name: row[name] for name in mine[0] if name in row} for row in theirs] == [
        {name: row[name] for name in mine[0] if name in theirs[0]} for row in mine
    ]


SURROUNDINGS = (
    ("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, name varchar(30) COLLATE utf8mb4_general_ci, body text,"
    " UNIQUE KEY start (name(3)), FULLTEXT KEY words (body), KEY back (name DESC, id))"),
    ("CREATE TABLE log (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (year(at))"
    " (PARTITION old VALUES LESS THAN (2000), PARTITION rest VALUES LESS THAN MAXVALUE)"),
    ("CREATE TABLE child (id int PRIMARY KEY, t int, CONSTRAINT up FOREIGN KEY (t) REFERENCES t (id)"
    " ON DELETE CASCADE ON UPDATE SET NULL) ROW_FORMAT=COMPRESSED"),
    "CREATE SEQUENCE numbers START WITH 5",
    "CREATE TABLE drawn (id int DEFAULT nextval(numbers), x int)",
    "CREATE FUNCTION half(x int) RETURNS int DETERMINISTIC RETURN x / 2",
    "CREATE PROCEDURE note(IN n int) INSERT INTO {db}.log VALUES (n, '2020-01-01')",
    "CREATE TRIGGER keep AFTER INSERT ON t FOR EACH ROW BEGIN INSERT INTO {db}.log VALUES (NEW.id, '2021-01-01'); END",
    "CREATE VIEW b_first AS SELECT t.id, {db}.half(t.id) AS h FROM {db}.t",
    "CREATE VIEW a_second AS SELECT * FROM b_first WHERE h > 0",
    "CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE id < 0",
)


def build_surroundings(place: Place) -> None:
    database = place.url.rpartition("/")[2]
    place.run(*(statement.replace("{db}", database) for statement in SURROUNDINGS))
    place.run("INSERT INTO t (id, name) VALUES (7, 'abc'), (8, 'xyz')", "INSERT INTO child VALUES (1, 7)",
              "INSERT INTO drawn (x) VALUES (1)")  # fmt: skip


def without(database: str, text: str) -> str:
    return text.replace(f"{database}.", "").replace(f"`{database}`.", "").replace(f'"{database}".', "")


def test_what_stands_around_the_tables_is_recreated(make: Maker) -> None:
    source, target = make("mysql"), make("mysql")
    build_surroundings(source)
    target.run("CREATE TABLE t (id int)", "CREATE VIEW a_second AS SELECT 1", "CREATE PROCEDURE gone() SELECT 1")
    assert copy(source, target, clean=True) == ()
    name, other = (place.url.rpartition("/")[2] for place in (source, target))
    assert {key: without(other, text) for key, text in statements(target.url).items()} == {
        key: without(name, text) for key, text in statements(source.url).items()
    }
    assert target.rows("SELECT count(*) FROM log") == source.rows("SELECT count(*) FROM log") == [(2,)]
    target.run("INSERT INTO t (name) VALUES ('new')", "CALL note(3)", "INSERT INTO drawn (x) VALUES (2)")
    assert target.rows("SELECT x FROM drawn WHERE id > 5") == [(2,)]
    assert target.rows("SELECT max(id) FROM t") == [(9,)], "the next number"
    assert target.rows("SELECT id FROM log ORDER BY 1") == [(3,), (7,), (8,), (9,)], "trigger and procedure work here"
    assert source.rows("SELECT count(*) FROM log") == [(2,)]
    assert next_inserts_refused(target.url) == []


def test_triggers_and_events_keep_the_mode_and_time_zone_that_they_were_written_in(make: Maker) -> None:
    source, target = make("mysql"), make("mysql")
    source.run(
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n tinyint, name varchar(9))",
        "INSERT INTO t (n) VALUES (1), (2)",
        "SET time_zone = '+05:00', sql_mode = ''",
        'CREATE TRIGGER signed BEFORE INSERT ON t FOR EACH ROW SET NEW.name = "new", NEW.n = NEW.n + 500',
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
        "CREATE FUNCTION slash() RETURNS varchar(9) DETERMINISTIC RETURN '\\'",
        "CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 10:00:00' DO DELETE FROM t WHERE id < 0",
    )
    assert copy(source, target) == ()
    for question in (
        "SELECT SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
        "SELECT SQL_MODE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()",
        "SELECT SQL_MODE, TIME_ZONE, STARTS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
    ):
        assert target.rows(question) == source.rows(question)
    target.run("INSERT INTO t (n) VALUES (3)")
    assert target.rows("SELECT n, name FROM t WHERE id = 3") == [(127, "new")]
    assert target.rows("SELECT slash()") == [("\\",)]


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_another_product_cannot_have_is_told(make: Maker, dialect: str) -> None:
    source, target = make("mysql"), make(dialect)
    build_surroundings(source)
    told = {finding.subject or finding.code for finding in copy(source, target)}
    assert told >= {
        "function half", "procedure note", "trigger keep on t", "view a_second", "event tidy", "collation",
    }  # fmt: skip


def test_conditions_that_mariadb_does_not_take_are_told(make: Maker) -> None:
    source, target = make("postgresql"), make("mysql")
    source.run(
        'CREATE TABLE p (id serial PRIMARY KEY, CONSTRAINT counted CHECK (id > 0), "  " integer)',
        "CREATE TABLE c (p integer REFERENCES p ON UPDATE CASCADE, CONSTRAINT looked CHECK (p > 0))",
        "INSERT INTO p VALUES (1, 2)",
        "INSERT INTO c VALUES (1)",
    )
    said = {(finding.code, finding.subject) for finding in copy(source, target)}
    assert said == {("check", "check counted on public.p"), ("action", "foreign key c_p_fkey on public.c")}
    assert target.rows("SELECT * FROM p JOIN c ON c.p = p.id") == [(1, 2, 1)]


def test_rows_are_inserted_where_files_may_not_be_sent(make: Maker) -> None:
    source, target = make("mysql"), make("mysql")
    build_types(source)
    copy(source, Place("mysql", target.url + "?local_infile=0"))
    source.run("UPDATE kinds SET at = NULL, ts = ts WHERE id = 3")
    everything = "SELECT * FROM kinds ORDER BY id"
    assert target.rows(everything) == source.rows(everything)


def test_a_user_who_may_not_create_databases_can_fill_an_empty_one(
    make: Maker, mariadb_server_url: str
) -> None:
    source, target = make("mysql"), make("mysql")
    build_surroundings(source)
    name = target.url.rpartition("/")[2]
    user = f"{name}_user"
    mariadb_server.run(mariadb_server_url, f"CREATE USER {user}@'%' IDENTIFIED BY 'x'",
                       f"GRANT ALL ON {name}.* TO {user}@'%'")  # fmt: skip
    try:
        limited = Place("mysql", target.url.replace("//root@", f"//{user}:x@"))
        source.run("DROP EVENT tidy")
        with open_source(source.url) as opened, open_target(limited.url) as never_committed:
            never_committed.create(opened.reflect(), clean=False)
        assert target.rows("SHOW TABLES") == []
        copy(source, limited)
        assert target.rows("SELECT name FROM t ORDER BY id") == [("abc",), ("xyz",)]
        with pytest.raises(TargetError, match="grant ALL ON"):
            copy(source, limited, clean=True)
    finally:
        mariadb_server.run(mariadb_server_url, f"DROP USER {user}@'%'")


def test_two_runs_do_not_write_one_target(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_stage, "_LOCK_SECONDS", 0)
    target = make("mysql")
    with open_target(target.url), pytest.raises(TargetError, match="Another run"), open_target(target.url):
        pass


def test_a_reference_that_ignores_case_is_read_as_its_parent_is_written(make: Maker) -> None:
    source, target = make("mysql"), make("mysql")
    source.run(
        "CREATE TABLE p (code varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY)",
        "CREATE TABLE c (id int PRIMARY KEY, code varchar(9) COLLATE utf8mb4_general_ci, n int,"
        " FOREIGN KEY (code) REFERENCES p (code))",
        "INSERT INTO p VALUES ('Ab'), ('X')",
        "INSERT INTO c VALUES (1, 'aB', 1), (2, 'x ', 2), (3, NULL, 3)",
    )
    copy(source, target)
    assert target.rows("SELECT code FROM c ORDER BY id") == [("Ab",), ("X",), (None,)]


def test_the_source_is_never_written(make: Maker) -> None:
    source = make("mysql")
    source.run("CREATE TABLE t (id int PRIMARY KEY)")
    with open_source(source.url) as opened:
        opened.reflect()
        with pytest.raises(Exception, match="Cannot read"):
            opened.count("INSERT INTO t VALUES (1)")
    assert source.rows("SELECT count(*) FROM t") == [(0,)]


def test_a_key_that_is_longer_than_an_index_can_be_is_told_by_its_length(make: Maker) -> None:
    source, target = make("sqlite"), make("mysql")
    source.run("CREATE TABLE t (a text, b text, c text, PRIMARY KEY (a, b))", "CREATE INDEX long ON t (c)")
    source.insert("t", [("x" * 300, "y" * 384, "z" * 100_000)])
    copy(source, target)
    assert target.rows("SELECT length(a), length(b), length(c) FROM t") == [(300, 384, 100_000)]
