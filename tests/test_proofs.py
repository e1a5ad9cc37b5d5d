"""What proves clones finds what is broken: asked of databases whose server was told to look away."""

import psycopg
import pytest

from tests.proofs import violations

BROKEN = {
    "whole of t.a": (
        "CREATE DOMAIN whole AS integer", "CREATE TABLE t (a whole)", "INSERT INTO t VALUES (-1)",
        "ALTER DOMAIN whole ADD CHECK (VALUE >= 0) NOT VALID",
    ),
    "t_p_id_fkey of ONLY t": (
        "CREATE TABLE p (id integer PRIMARY KEY)", "CREATE TABLE t (p_id integer REFERENCES p)",
        "SET session_replication_role = replica", "INSERT INTO t VALUES (1)",
    ),
    "t_p_id_fkey of t": (
        "CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY HASH (id)",
        "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "CREATE TABLE t (p_id integer REFERENCES p) PARTITION BY HASH (p_id)",
        "CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "SET session_replication_role = replica", "INSERT INTO t VALUES (1)",
    ),
}  # fmt: skip


@pytest.mark.postgres
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_constraint_is_found(what: str, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        for statement in BROKEN[what]:
            connection.execute(statement.encode())
        assert violations(connection) == [what]


@pytest.mark.postgres
def test_what_holds_is_not_complained_about(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        for statement in (
            "CREATE DOMAIN whole AS integer CHECK (VALUE >= 0)",
            'CREATE TABLE t ("a b" whole, place int, r int4range, EXCLUDE USING gist (r WITH &&) WHERE ("a b" > 3))',
            "INSERT INTO t VALUES (1, 0, '[1,9)'), (2, 0, '[1,9)'), (4, 0, '[1,9)'), (NULL, NULL, NULL)",
        ):
            connection.execute(statement.encode())
        assert violations(connection) == []
