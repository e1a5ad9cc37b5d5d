"""A run that is killed leaves a PostgreSQL target as it was, and the next one succeeds; the source is only read."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from dbclone.examples import build_postgresql
from tests.commands import dbclone, start
from tests.dialects.places import Place

pytestmark = pytest.mark.postgres

KILLS = 10
WITHIN = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dbclone'
  AND backend_xid IS NOT NULL"""
CONNECTED = WITHIN.rpartition("AND")[0]
HELD = """SELECT c.oid::regclass::text, c.relfilenode FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^(pg_|information_schema)' ORDER BY 1"""
WRITTEN = """SELECT tup_inserted, tup_updated, tup_deleted FROM pg_stat_database WHERE datname = current_database()"""


def wait(connection: "psycopg.Connection[tuple[int]]", sql: str, most: int, seconds: float = 30) -> bool:
    """Wait until a count is above ``most`` (or, if that is negative, 0); False if it takes too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        row = connection.execute(sql.encode()).fetchone()
        if row is not None and (row[0] > most if most >= 0 else row[0] == 0):
            return True
        time.sleep(0.005)
    return False


def test_whenever_it_is_killed_the_target_is_as_it_was_and_the_next_run_succeeds(
    new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    build_postgresql("shop", source.url, scale=0.1, extras=True)
    assert dbclone("fit", source.url, "-o", tmp_path / "shop.model", "--quiet").code == 0
    target.run("CREATE TABLE precious (x integer)", "INSERT INTO precious VALUES (1), (2)")
    before, command = target.rows(HELD), ("generate", tmp_path / "shop.model", target.url, "--clean", "--yes")
    lasts, killed = 1.0, 0
    with psycopg.connect(target.url, autocommit=True) as watch:
        for moment in random.Random(8).sample(range(100), KILLS):
            process = start(*command)
            assert wait(watch, WITHIN, 0), process.communicate(timeout=5)
            time.sleep(lasts * moment / 100)
            process.kill()
            process.communicate(timeout=30)
            assert wait(watch, CONNECTED, -1)
            if target.rows(HELD) == before:
                killed += 1
                assert target.rows("SELECT x FROM precious ORDER BY x") == [(1,), (2,)]
            else:  # it was done before it was killed: then all of it is there
                assert dbclone("check", target.url, "--against", source.url).code == 0
                target.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "CREATE TABLE precious (x integer)")
                target.run("INSERT INTO precious VALUES (1), (2)")
                before, lasts = target.rows(HELD), lasts / 2
    assert killed >= KILLS // 2
    assert dbclone(*command).code == 0
    assert dbclone("check", target.url, "--against", source.url).code == 0


def test_nothing_is_written_to_the_source(new_postgres: Callable[[], str], tmp_path: Path) -> None:
    source = Place("postgresql", new_postgres())
    build_postgresql("shop", source.url, scale=0.1, extras=True)
    source.run("VACUUM ANALYZE")  # so that the server has no reason to do it meanwhile
    written = source.rows(WRITTEN)
    for command in (("inspect",), ("plan",), ("copy", tmp_path / "clone.sqlite")):
        outcome = dbclone(command[0], source.url, *command[1:], "--json")
        assert (outcome.code, bool(json.loads(outcome.out))) == (0, True)
    assert source.rows(WRITTEN) == written
