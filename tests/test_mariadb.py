"""The commands on MariaDB: a real schema cloned whole, and whatever is wrong with what a user gives."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from dbclone import errors
from dbclone.connection import open_source
from tests import mariadb_server, postgres_server, real_data
from tests.commands import Outcome, dbclone, small_shop, start
from tests.dialects.places import Place
from tests.mariadb_filler import fill
from tests.mariadb_proofs import next_inserts_refused, statements, violations

pytestmark = pytest.mark.mariadb

ROWS = 200
WHOLE = Path(__file__).parent / "dialects" / "whole_mariadb.sql"
PASSWORD = "s3cr/et?pw"
KILLS = 10


def statements_of(script: str, database: str) -> Iterator[str]:
    """The statements of a schema script, without those that choose a database and the remains of triggers."""
    lines = (line for line in script.splitlines() if not re.match(r"--|DELIMITER|\s*END( IF)?;", line))
    for statement in "\n".join(lines).split(";\n"):
        if statement.strip() and not re.match(r"\s*(DROP SCHEMA|CREATE SCHEMA|USE) ", statement):
            yield statement.replace(f"{database}.", "")


@pytest.fixture(scope="module")
def sakila(mariadb_server_url: str) -> Iterator[str]:
    """The schema of sakila, as it is for MySQL, with some rows in every table: read it only."""
    folder = Path(os.environ.get("DBCLONE_TEST_SCHEMAS", real_data.folder().parent / "schemas"))
    packed = folder / "mysql_sakila_schema.sql.gz"
    if not packed.exists():
        pytest.skip(f"REAL SCHEMAS ABSENT: no {packed.name} in {folder} (set DBCLONE_TEST_SCHEMAS)")
    name = f"dbclone_test_{os.getpid()}_sakila"
    url = mariadb_server.with_database(mariadb_server_url, name)
    mariadb_server.run(mariadb_server_url, f"CREATE DATABASE {name}")
    mariadb_server.run(url, *statements_of(gzip.decompress(packed.read_bytes()).decode(), "sakila"))
    counts = fill(url, ROWS)
    assert min(counts.values()) > 0, counts
    yield url
    mariadb_server.run(mariadb_server_url, f"DROP DATABASE {name}")


def test_sakila_is_cloned_whole(sakila: str, new_mariadb: Callable[[], str]) -> None:
    target = new_mariadb()
    outcome = dbclone("copy", "--json", sakila, target)
    assert outcome.code == 0, outcome.err
    summary = json.loads(outcome.out)
    assert statements(target) == statements(sakila)
    assert len(statements(target)) == 23, "16 tables and 7 views"
    assert violations(target) == []
    assert next_inserts_refused(target) == []
    assert {table["table"] for table in summary["tables"] if not table["synthetic_rows"]} == set()
    assert {line["fate"] for line in summary["ledger"]} <= {"modelled", "kept by construction", "copied", "recreated"}
    features = Place("mysql", target).rows("SELECT count(DISTINCT special_features) FROM film")
    assert features > [(3,)], "sets are made of their labels"


def test_all_that_mariadb_can_hold_is_cloned(new_mariadb: Callable[[], str]) -> None:
    source, target = new_mariadb(), new_mariadb()
    _, *paragraphs = WHOLE.read_text().strip().split("\n\n")
    mariadb_server.run(source, *paragraphs)
    outcome = dbclone("copy", "--json", source, target)
    assert outcome.code == 0, outcome.err
    assert statements(target) == statements(source)
    assert violations(target) == []
    empty = Place("mysql", target).rows("SHOW CREATE TABLE emptied")
    assert "AUTO_INCREMENT=777" in str(empty), "a counter without rows stays where it is"
    lost = {line["kind"] for line in json.loads(outcome.out)["ledger"] if line["fate"] == "dropped"}
    assert lost == {"history"}


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_sakila_is_cloned_into_other_products(
    sakila: str, dialect: str, new_mariadb: Callable[[], str], make: Callable[[str], Place]
) -> None:
    there, back = make(dialect), new_mariadb()
    outcome = dbclone("copy", "--json", sakila, there.url)
    assert outcome.code == 0, outcome.err
    dropped = {line["name"] for line in json.loads(outcome.out)["ledger"] if line["fate"] == "dropped"}
    assert "film_list" in " ".join(dropped), "views are told as lost"
    outcome = dbclone("copy", "--json", there.url, back)
    assert outcome.code == 0, outcome.err
    assert violations(back) == []
    assert next_inserts_refused(back) == []
    with open_source(sakila) as source, open_source(back) as clone:
        keys = ({(t.name.name, k.columns) for t in s.reflect().tables for k in t.foreign_keys} for s in (source, clone))
        assert next(keys) == next(keys)


# --- sources that cannot be used -------------------------------------------------------------------------------------


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Runs ``copy SOURCE target``, which has to fail with the given exit code: its one sentence."""

    def run(source: object, error: type[errors.DbcloneError], target: object = tmp_path / "x.sqlite") -> str:
        outcome = dbclone("copy", source, target)
        assert (outcome.code, outcome.out) == (error.exit_code, ""), outcome.err
        return outcome.sentence

    return run


def test_a_host_where_nothing_answers(refused: Callable[..., str]) -> None:
    port = postgres_server.free_port()
    sentence = refused(f"mysql://me:{PASSWORD}@127.0.0.1:{port}/db", errors.ConnectionFailed)
    assert sentence == f"Cannot connect to mysql://me@127.0.0.1:{port}/db: nothing answers at this host and port."


def test_a_host_that_does_not_exist(refused: Callable[..., str]) -> None:
    assert "host name is unknown" in refused("mariadb://no-such-host.invalid/db", errors.ConnectionFailed)


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_wrong_password_is_refused_and_never_printed(
    mariadb_server_url: str, debug: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBCLONE_DEBUG", debug)
    place = mariadb_server_url.rpartition("@")[2].rstrip("/")
    outcome = dbclone("copy", f"mysql://no_such_user:{PASSWORD}@{place}/test", tmp_path / "x.sqlite")
    assert outcome.code == errors.ConnectionFailed.exit_code
    assert "refuses this user or password" in outcome.err
    assert "s3cr" not in outcome.err + outcome.out


def test_a_database_that_does_not_exist(refused: Callable[..., str], mariadb_server_url: str) -> None:
    url = mariadb_server.with_database(mariadb_server_url, "no_such_database")
    assert "no database of this name" in refused(url, errors.ConnectionFailed)


def test_an_empty_database(refused: Callable[..., str], new_mariadb: Callable[[], str]) -> None:
    assert "has no tables" in refused(new_mariadb(), errors.SourceError)


def test_no_permission_to_read_a_table(
    refused: Callable[..., str], new_mariadb: Callable[[], str], mariadb_server_url: str
) -> None:
    url = new_mariadb()
    name = url.rpartition("/")[2]
    user = f"{name}_reader"
    mariadb_server.run(
        url, "CREATE TABLE open_to_all (id int PRIMARY KEY)", "CREATE TABLE secret (id int PRIMARY KEY)",
        f"CREATE USER {user}@'%' IDENTIFIED BY 'x'", f"GRANT SELECT ON {name}.open_to_all TO {user}@'%'",
        f"GRANT INSERT ON {name}.secret TO {user}@'%'",
    )  # fmt: skip
    try:
        place = mariadb_server_url.rpartition("@")[2].rstrip("/")
        sentence = refused(f"mysql://{user}:x@{place}/{name}", errors.SourceError)
    finally:
        mariadb_server.run(url, f"DROP USER {user}@'%'")
    assert "No permission to read table secret" in sentence


# --- targets that cannot be used -------------------------------------------------------------------------------------


def test_target_is_the_source_under_another_name(new_mariadb: Callable[[], str]) -> None:
    url = new_mariadb()
    mariadb_server.run(url, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    other = url.replace("mysql://", "mariadb://").replace("127.0.0.1", "localhost") + "?connect_timeout=5"
    outcome = dbclone("copy", url, other, "--clean", "--yes")
    assert outcome.code == errors.TargetError.exit_code
    assert "same database" in outcome.sentence
    assert Place("mysql", url).rows("SELECT id FROM t") == [(1,)]


def test_target_is_not_empty(refused: Callable[..., str], new_mariadb: Callable[[], str], tmp_path: Path) -> None:
    url = new_mariadb()
    mariadb_server.run(url, "CREATE TABLE kept (id int PRIMARY KEY)")
    shop = small_shop(tmp_path / "shop.sqlite")
    assert "--clean" in refused(shop, errors.TargetError, url)
    assert Place("mysql", url).rows("SHOW TABLES") == [("kept",)]


# --- killed half-way -------------------------------------------------------------------------------------------------


def copied(source: object, target: str) -> Outcome:
    return dbclone("copy", source, target, "--clean", "--yes", "-q")


def stage_of(target: str) -> str:
    """The beginning of the names of the databases beside the target."""
    return f"dbclone_{sha256(target.rpartition('/')[2].encode()).hexdigest()[:12]}_"


def wait_for(place: Place, sql: str, process: "subprocess.Popen[str]", seconds: float = 60) -> bool:
    """Wait for rows; False if the process ends before."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        if place.rows(sql):
            return True
        time.sleep(0.002)
    return False


def test_a_run_that_is_killed_leaves_the_target_as_it_was_and_the_next_one_succeeds(
    new_mariadb: Callable[[], str], tmp_path: Path
) -> None:
    shop, model, target = small_shop(tmp_path / "shop.sqlite"), tmp_path / "shop.model", new_mariadb()
    assert dbclone("fit", shop, "-o", model, "-q").code == 0
    place, command = Place("mysql", target), ("generate", model, target, "--clean", "--yes")
    old = (
        "CREATE TABLE kept (id int PRIMARY KEY)", "INSERT INTO kept VALUES (1)",
        "CREATE TRIGGER t BEFORE INSERT ON kept FOR EACH ROW SET NEW.id = NEW.id",
        "CREATE VIEW v AS SELECT * FROM kept",
    )  # fmt: skip
    place.run(*old)
    before, rng, killed, lasts = statements(target), random.Random(7), 0, 0.5
    begun = f"SHOW DATABASES LIKE '{stage_of(target)}new'"
    for _ in range(KILLS):
        process = start(*command)
        writing = wait_for(place, begun, process)
        time.sleep(lasts * rng.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if statements(target) == before:
            killed += writing
            assert place.rows("SELECT id FROM kept") == [(1,)]
        else:  # it was done before it was killed, or so far that the next run brings it to its end
            dbclone("generate", model, target, "-q")  # refused: the target is not empty
            assert {name for _, name in statements(target)} == {"customer", "purchase", "status", "voucher"}
            assert violations(target) == []
            place.run("SET foreign_key_checks = 0", "DROP TABLE customer, purchase, status, voucher", *old)
            lasts /= 2
    assert killed >= KILLS // 2, "while it wrote"
    assert dbclone(*command).code == 0
    assert violations(target) == []
    assert sorted(name for _, name in statements(target)) == ["customer", "purchase", "status", "voucher"]
    assert place.rows(f"SHOW DATABASES LIKE '{stage_of(target)}%'") == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_ends_around_the_change_of_tables_is_brought_to_an_end(
    new_mariadb: Callable[[], str], tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one moment at which the target is neither old nor new: the next run undoes it, or completes it."""
    from dbclone.dialects.mysql_session import Session
    from dbclone.dialects.mysql_stage import Stage

    source, target = new_mariadb(), new_mariadb()
    mariadb_server.run(source, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (5)",
                       "CREATE VIEW new_view AS SELECT * FROM t")  # fmt: skip
    mariadb_server.run(target, "CREATE TABLE kept (id int PRIMARY KEY)", "CREATE VIEW old_view AS SELECT * FROM kept",
                       "CREATE TRIGGER old_trigger BEFORE INSERT ON kept FOR EACH ROW SET NEW.id = 7")  # fmt: skip
    before = statements(target)
    execute = Session.execute

    def interrupted(session: Session, sql: str) -> int:
        if sql.startswith("RENAME TABLE"):
            if moment == "after":
                execute(session, sql)
            session.connection._force_close()  # as if the process were gone
            raise KeyboardInterrupt
        return execute(session, sql)

    with monkeypatch.context() as dying:
        dying.setattr(Session, "execute", interrupted)
        dying.setattr(Stage, "discard", lambda _: None)
        assert copied(source, target).code != 0
    assert "dbclone" in str(dbclone("copy", source, target).err), "refused: it is not empty, but made whole again"
    if moment == "before":
        assert statements(target) == before
    else:
        assert sorted(name for _, name in statements(target)) == ["new_view", "t"]
    assert copied(source, target).code == 0
    assert sorted(name for _, name in statements(target)) == ["new_view", "t"]
