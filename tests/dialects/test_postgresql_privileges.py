"""Owners and grants: on demand, for the roles that the target's server has; and schemas that are left out."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands import dbclone
from tests.dialects.places import Place
from tests.proofs import schema_statements

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(shutil.which("pg_dump") is None, reason="NO pg_dump: schemas cannot be compared"),
]

OWNER, READER = f"owner_of_tests_{os.getpid()}", f"Reader-of-tests-{os.getpid()}"
GRANTED = f"""
CREATE SCHEMA app AUTHORIZATION {OWNER};
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE TABLE app.note (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, words text, mood app.mood);
CREATE TABLE plain (id serial PRIMARY KEY, words text);
CREATE VIEW app.words AS SELECT words FROM app.note;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM plain;
CREATE SEQUENCE app.numbers;
CREATE FUNCTION app.shout(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
CREATE PROCEDURE nothing() LANGUAGE sql AS '';
ALTER TABLE app.note OWNER TO {OWNER};
ALTER SEQUENCE app.numbers OWNER TO {OWNER};
ALTER FUNCTION app.shout(text) OWNER TO {OWNER};
ALTER TYPE app.mood OWNER TO {OWNER};
CREATE AGGREGATE app.sum_of (integer) (SFUNC = int4pl, STYPE = integer);
ALTER AGGREGATE app.sum_of(integer) OWNER TO {OWNER};
GRANT EXECUTE ON FUNCTION app.sum_of(integer) TO "{READER}";
CREATE OPERATOR app.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);
ALTER OPERATOR app.=== (integer, integer) OWNER TO {OWNER};
CREATE COLLATION app.plain FROM "C";
ALTER COLLATION app.plain OWNER TO {OWNER};
CREATE TEXT SEARCH CONFIGURATION app.simply (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION app.simply OWNER TO {OWNER};
CREATE STATISTICS app.both ON words, mood FROM app.note;
ALTER STATISTICS app.both OWNER TO {OWNER};
GRANT USAGE ON SCHEMA app TO "{READER}";
GRANT SELECT, INSERT ON app.note TO "{READER}" WITH GRANT OPTION;
GRANT SELECT ON app.words, counted TO PUBLIC;
GRANT UPDATE (words), SELECT (id, words) ON plain TO "{READER}";
GRANT USAGE ON SEQUENCE app.numbers, plain_id_seq TO "{READER}";
GRANT EXECUTE ON FUNCTION app.shout(text) TO "{READER}";
REVOKE EXECUTE ON FUNCTION app.shout(text) FROM PUBLIC;
REVOKE USAGE ON TYPE app.mood FROM PUBLIC;
REVOKE INSERT ON app.note FROM {OWNER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA app GRANT SELECT ON TABLES TO "{READER}";
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""


@pytest.fixture
def places(new_postgres: Callable[[], str]) -> Iterator[tuple[Place, Place]]:
    """A source with grants to two roles, which are gone after the test, and an empty target."""
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(f'CREATE ROLE {OWNER}; CREATE ROLE "{READER}"')
    source.run(GRANTED)
    yield source, target
    drop_roles(source, target)


def drop_roles(*places: Place) -> None:
    for place in places:
        with place.connect() as connection:
            for role in (OWNER, READER):
                if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                    connection.execute(f'REASSIGN OWNED BY "{role}" TO CURRENT_USER; DROP OWNED BY "{role}"')
    places[0].run(f'DROP ROLE IF EXISTS {OWNER}; DROP ROLE IF EXISTS "{READER}"')


def ledger(*arguments: object) -> list[dict[str, str]]:
    outcome = dbclone(*arguments, "--json")
    assert outcome.code == 0, outcome.err
    lines: list[dict[str, str]] = json.loads(outcome.out)["ledger"]
    return lines


def test_owners_and_grants_come_on_demand(places: tuple[Place, Place]) -> None:
    source, target = places
    lines = ledger("copy", source.url, target.url, "--with-grants")
    assert [line for line in lines if line["fate"] == "dropped"] == []
    theirs, ours = (schema_statements(place.url, privileges=True) for place in places)
    assert (theirs - ours, ours - theirs) == (set(), set())
    assert f"ALTER TABLE app.note OWNER TO {OWNER}" in ours


def test_roles_that_the_target_lacks_are_told(places: tuple[Place, Place], tmp_path: Path) -> None:
    source, target = places
    model = tmp_path / "granted.model"
    assert dbclone("fit", source.url, "-o", model, "--with-grants", "--quiet").code == 0
    drop_roles(source)
    lost = [line for line in ledger("generate", model, target.url) if line["fate"] == "dropped"]
    assert {line["kind"] for line in lost} == {"owner", "grant", "revocation", "default privilege"}
    assert all("does not exist" in line["reason"] for line in lost)
    assert target.rows("SELECT count(*) FROM app.note") == [(0,)]


def test_a_schema_left_out_leaves_what_the_others_need(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        'CREATE SCHEMA "Lib"', "CREATE SCHEMA old", "CREATE DOMAIN old.d AS text",
        "CREATE TYPE \"Lib\".mood AS ENUM ('good')",
        "CREATE FUNCTION \"Lib\".even(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0'",
        'CREATE TABLE t (id int PRIMARY KEY CHECK ("Lib".even(id)), mood "Lib".mood)',
        'CREATE TABLE "Lib".x (a int)', "CREATE TABLE old.t (a int PRIMARY KEY, b old.d)",
        "CREATE TABLE c (t int REFERENCES old.t)",
        "CREATE VIEW v AS SELECT a FROM old.t", "CREATE VIEW w AS SELECT a FROM v", "CREATE VIEW u AS SELECT id FROM t",
        "CREATE VIEW old.y AS SELECT id FROM t",
        "INSERT INTO t VALUES (2, 'good'), (4, NULL)",
    )  # fmt: skip
    planned = ledger("plan", source.url, "--exclude-schema", "old,lib")
    lines = ledger("copy", source.url, target.url, "--exclude-schema", "old,lib")
    assert {line["name"] for line in lines if line["fate"] == "dropped" and line["kind"] != "owners"} == {
        "Lib.x", "old.t", "c_t_fkey on public.c", "public.v", "public.w", "old.y", "old", "old.d",
    }  # fmt: skip
    assert [line for line in planned if line["fate"] == "dropped"] == [
        line for line in lines if line["fate"] == "dropped"
    ]
    assert target.rows("SELECT id FROM u ORDER BY 1") == [(2,), (4,)]
    only = ledger("plan", source.url, "--schema", "old")
    assert {line["name"] for line in only if line["kind"] in ("table", "view") and line["fate"] != "dropped"} == {
        "old.t"
    }


def test_a_schema_that_is_not_there_is_named(new_postgres: Callable[[], str]) -> None:
    source = Place("postgresql", new_postgres())
    source.run("CREATE TABLE t (a int)")
    outcome = dbclone("plan", source.url, "--schema", "ap*")
    assert (outcome.code, "'ap*' in --schema" in outcome.sentence, "public" in outcome.sentence) == (2, True, True)
