"""What leaves by no side door: no row in an error or traceback, no password anywhere, no file that outlives its run."""

import json
import os
import pty
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pytest

from dbclone import errors, temporary
from dbclone.connection import open_source, open_target
from dbclone.dialects import mysql_target
from dbclone.schema import Schema, Table
from tests import mariadb_server, postgres_server
from tests.commands import Outcome, dbclone, small_shop, start
from tests.dialects.places import Maker, Place

SECRET = "Ann Lee 4711"
PASSWORD = "s3cr/et?p@w%"
SERVERS = (
    "sqlite", "duckdb", pytest.param("postgresql", marks=pytest.mark.postgres),
    pytest.param("mysql", marks=pytest.mark.mariadb),
)  # fmt: skip


# --- errors of drivers -----------------------------------------------------------------------------------------------

PARENT = "CREATE TABLE town (id INTEGER PRIMARY KEY, name VARCHAR(40) UNIQUE)"
CHILD = """CREATE TABLE person (
  id INTEGER PRIMARY KEY, name VARCHAR(16) NOT NULL, age INTEGER CHECK (age < 200),
  town VARCHAR(40) REFERENCES town (name), UNIQUE (name))"""
GOOD = {"id": [1, 2], "name": ["a", "b"], "age": [3, 4], "town": ["Ulm", None]}
BROKEN: dict[str, dict[str, list[object]]] = {
    "a key that is repeated": {"name": [SECRET, SECRET]},
    "a number that is repeated": {"id": [4711, 4711]},
    "no value where one is required": {"name": [SECRET, None]},
    "a check that is violated": {"name": [SECRET, "b"], "age": [4711, 4711]},
    "a reference that leads nowhere": {"name": [SECRET, "b"], "town": [SECRET, SECRET]},
}
UNFIT: dict[str, dict[str, list[object]]] = {
    "a text that is too long": {"name": [SECRET * 9, "b"]},
    "a text where a number belongs": {"age": [SECRET, SECRET]},
    "a number that is too large": {"age": [4711 * 10**14, 1]},
}


def told(error: BaseException) -> str:
    """All that a program would log of an error: its text and traceback with everything that led to it."""
    return "".join(traceback.format_exception(error))


def written(place: Place, schema: Schema, rows: dict[str, list[object]]) -> None:
    town, person = (schema.table(t.name) for t in sorted(schema.tables, key=lambda t: t.name.name, reverse=True))
    with open_target(place.url) as target:
        target.create(schema, clean=False)
        for table, data in ((town, {"id": [1], "name": ["Ulm"]}), (person, rows)):
            target.load(table, pa.table(data).to_batches())
        target.finish(schema)
        target.commit()


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    place = Place("sqlite", str(tmp_path_factory.mktemp("source") / "source.sqlite"))
    place.run(PARENT, CHILD)
    with open_source(place.url) as source:
        return source.reflect()


@pytest.mark.parametrize("dialect", SERVERS)
@pytest.mark.parametrize("what", BROKEN)
def test_a_row_that_breaks_a_constraint_is_not_quoted(what: str, dialect: str, schema: Schema, make: Maker) -> None:
    """Servers put the row into the error (``Key (name)=(Ann Lee) already exists``); we name table and constraint."""
    if dialect in {"sqlite", "mysql"} and what == "a reference that leads nowhere":
        pytest.skip("their references are proved by a count of rows")
    with pytest.raises((errors.IntegrityError, errors.WriteError)) as caught:
        written(make(dialect), schema, GOOD | BROKEN[what])
    assert "4711" not in told(caught.value)
    assert "Ann" not in told(caught.value)
    assert "person" in str(caught.value) or dialect == "sqlite"


@pytest.mark.parametrize("dialect", SERVERS)
@pytest.mark.parametrize("what", UNFIT)
def test_a_value_that_fits_no_column_is_not_quoted(what: str, dialect: str, schema: Schema, make: Maker) -> None:
    if dialect == "sqlite" or (dialect == "duckdb" and "long" in what):
        pytest.skip("columns of this product take such values")
    with pytest.raises(errors.DbcloneError) as caught:
        written(make(dialect), schema, GOOD | UNFIT[what])
    assert "4711" not in told(caught.value)
    assert "Ann" not in told(caught.value)


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_text_that_is_no_text_is_not_quoted(debug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's driver prints the text that it could not decode."""
    path = tmp_path / "odd.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, born DATE, pay NUMERIC(9, 2))")
        rows = [(i, SECRET.encode() + b"\xff\xfe", f"the day of {SECRET}", f"much, {SECRET}") for i in range(40)]
        db.executemany("INSERT INTO person VALUES (?, CAST(? AS TEXT), ?, ?)", rows)
        db.commit()
    monkeypatch.setenv("DBCLONE_DEBUG", debug)
    for command in (("inspect", path), ("plan", path), ("copy", path, tmp_path / "clone.sqlite")):
        outcome = dbclone(*command)
        assert "4711" not in outcome.out + outcome.err, command
        assert outcome.code in {0, errors.SourceError.exit_code}, outcome.err


@pytest.mark.postgres
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_view_or_index_that_fails_on_a_row_is_told_without_it(
    debug: str, new_postgres: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of which a function of the source's own complains, in whatever words."""
    source, target = new_postgres(), new_postgres()
    with psycopg.connect(source, autocommit=True) as db:
        db.execute("CREATE TABLE person (id int PRIMARY KEY, name text)")
        db.execute("INSERT INTO person SELECT i, 'a' FROM generate_series(1, 40) i")
        db.execute(
            "CREATE FUNCTION strict(v text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
            f" $$ BEGIN IF current_database() <> '{source.rpartition('/')[2]}'"
            f" THEN RAISE EXCEPTION 'bad {SECRET}' USING DETAIL = '{SECRET}'; END IF; RETURN 1; END $$".encode()
        )
        db.execute("CREATE INDEX ON person (public.strict(name))")
        db.execute("CREATE MATERIALIZED VIEW people AS SELECT public.strict(name) FROM person")
    monkeypatch.setenv("DBCLONE_DEBUG", debug)
    outcome = dbclone("copy", source, target)
    assert outcome.code == 0, outcome.err
    assert "refuses" in outcome.out
    assert "4711" not in outcome.out + outcome.err


# --- passwords -------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of a machine that calls itself localhost and 127.0.0.1, and its key."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]]
    subprocess.run(command, check=True, capture_output=True)
    return paths


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for a password, with a small database in it."""
    folder = tmp_path_factory.mktemp("guarded")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    with postgres_server.from_binaries(folder, PASSWORD) as url:
        if url is None:
            pytest.skip("no PostgreSQL programs here to start a server that asks for passwords")
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("CREATE TABLE t (id int PRIMARY KEY, x int)")
            db.execute("INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 60) i")
        yield url


def pieces() -> Iterator[str]:
    yield from ("s3cr", "et?p", "et%3Fp", "p@w", "p%40w")


def says_no_password(outcome: Outcome) -> bool:
    return not any(piece in outcome.out + outcome.err for piece in pieces())


@pytest.mark.postgres
@pytest.mark.parametrize("debug", ["", "1"])
def test_no_command_prints_a_password(
    guarded: str, debug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBCLONE_DEBUG", debug)
    model, clone = tmp_path / "t.model", tmp_path / "clone.sqlite"
    wrong = guarded.replace("s3cr", "s3crX")
    for command, code in {
        ("inspect", guarded): 0, ("inspect", guarded, "--json"): 0, ("plan", guarded): 0,
        ("fit", guarded, "-o", model): 0, ("model", "show", model): 0, ("model", "show", model, "--json"): 0,
        ("copy", guarded, clone): 0, ("check", guarded, "--against", guarded): 0, ("generate", model, guarded): 5,
        ("copy", guarded, guarded, "--clean", "--yes"): 5, ("generate", model, guarded, "--clean"): 2,
        ("copy", guarded, tmp_path / "x.sqlite", "--tables", "none"): 2, ("plan", wrong): 3,
        ("generate", model, wrong): 3, ("plan", guarded.replace(":5", ":x5").replace("127", "x127")): 2,
    }.items():  # fmt: skip
        outcome = dbclone(*command)
        assert outcome.code in {code, errors.ConnectionFailed.exit_code}, (command, outcome.err)
        assert says_no_password(outcome), command
    for file in (model, clone):
        assert not any(piece.encode() in file.read_bytes() for piece in pieces())


def at_terminal(*arguments: object, answers: Sequence[str] = (), **variables: str) -> tuple[int, str]:
    """Run a command at a terminal on which somebody answers; its exit code and all that stands on the screen."""
    child, screen = pty.fork()
    if not child:
        os.environ.update(variables)
        os.execv(sys.executable, [sys.executable, "-c", "from dbclone.cli import main; main()", *map(str, arguments)])
    seen, waiting = b"", list(answers)
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:
            break
        seen += piece
        if waiting and seen.count(b"Password for") > len(answers) - len(waiting) and seen.endswith(b": "):
            time.sleep(0.05)
            os.write(screen, f"{waiting.pop(0)}\n".encode())
        if not piece:
            break
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


@pytest.mark.postgres
def test_a_password_is_asked_for_at_the_terminal(guarded: str, tmp_path: Path) -> None:
    parts = urlsplit(guarded)
    bare = f"postgresql://postgres@{parts.hostname}:{parts.port}/postgres"
    nothing = {"PGPASSFILE": os.devnull, "PGPASSWORD": ""}
    code, screen = at_terminal("plan", bare, "--json", "--quiet", answers=[PASSWORD], **nothing)
    assert code == 0, screen
    assert f"Password for {bare}: " in screen
    assert PASSWORD not in screen
    assert json.loads(screen[screen.index("{") :])["tables"]
    code, screen = at_terminal("plan", bare, "--quiet", answers=["s3crX"], **nothing)
    assert code == errors.ConnectionFailed.exit_code
    assert "refuses this user or password" in screen
    assert "s3crX" not in screen


@pytest.mark.postgres
def test_without_a_terminal_nobody_is_asked(guarded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    parts = urlsplit(guarded)
    outcome = dbclone("plan", f"postgresql://postgres@{parts.hostname}:{parts.port}/postgres")
    assert outcome.code == errors.ConnectionFailed.exit_code
    assert "give it in the URL, PGPASSWORD or ~/.pgpass" in outcome.sentence


@pytest.fixture
def member(new_mariadb: Callable[[], str], mariadb_server_url: str) -> Iterator[str]:
    """The URL, without password, of a user of MariaDB who has one, and may read a small database."""
    url = new_mariadb()
    name = url.rpartition("/")[2]
    user = f"{name}_member"[-30:]
    mariadb_server.run(
        url, "CREATE TABLE t (id int PRIMARY KEY, x int)", "INSERT INTO t SELECT seq, seq % 7 FROM seq_1_to_60",
        f"CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'", f"GRANT ALL ON {name}.* TO {user}@'%'",
    )  # fmt: skip
    yield f"mysql://{user}@{mariadb_server_url.rpartition('@')[2].rstrip('/')}/{name}"
    mariadb_server.run(url, f"DROP USER {user}@'%'")


@pytest.mark.mariadb
def test_passwords_of_mariadb_come_from_terminal_environment_or_file(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, screen = at_terminal("plan", member, "--quiet", answers=[PASSWORD])
    assert (code, f"Password for {member}: " in screen, PASSWORD in screen) == (0, True, False), screen
    assert dbclone("plan", member).code == errors.ConnectionFailed.exit_code
    with monkeypatch.context() as environment:
        environment.setenv("MYSQL_PWD", PASSWORD)
        assert dbclone("plan", member).code == 0
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".my.cnf").write_text(f'[client]\npassword="{PASSWORD}"\n')
    assert dbclone("plan", member).code == 0


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """A PostgreSQL server with a certificate, that certificate, and one of somebody else."""
    folder = tmp_path_factory.mktemp("encrypted")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    (own, key), (other, _) = certificate(folder, "own"), certificate(folder, "other")
    owner = postgres_server.unprivileged()
    if owner is not None:
        os.chown(key, owner.pw_uid, owner.pw_gid)
    key.chmod(0o600)
    tls = ("-c", "ssl=on", "-c", f"ssl_cert_file={own}", "-c", f"ssl_key_file={key}")
    with postgres_server.from_binaries(folder, None, *tls) as url:
        if url is None:
            pytest.skip("no PostgreSQL programs here to start a server with TLS")
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("CREATE TABLE t (id int PRIMARY KEY, x int)")
            db.execute("INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 60) i")
        yield url, own, other


@pytest.mark.postgres
def test_tls_options_of_the_url_reach_every_session_with_postgresql(
    encrypted: tuple[str, Path, Path], tmp_path: Path
) -> None:
    """Reading rows takes another driver than asking for the schema, and writing is a third way in."""
    url, own, other = encrypted
    assert dbclone("copy", f"{url}?sslmode=verify-full&sslrootcert={own}", tmp_path / "clone.sqlite", "-q").code == 0
    shop = small_shop(tmp_path / "shop.sqlite")
    for command in (("plan", "{}"), ("copy", shop, "{}")):
        trusting = f"{url}?sslmode=verify-full&sslrootcert={other}"
        outcome = dbclone(*(str(part).format(trusting) for part in command))
        assert outcome.code == errors.ConnectionFailed.exit_code
        assert "certificate is not accepted" in outcome.sentence


@pytest.mark.postgres
def test_tls_that_a_postgresql_server_lacks_is_not_gone_without(guarded: str) -> None:
    outcome = dbclone("plan", f"{guarded}?sslmode=require")
    assert outcome.code == errors.ConnectionFailed.exit_code
    assert "TLS could not be agreed on" in outcome.sentence


@pytest.mark.mariadb
def test_tls_that_a_mariadb_server_lacks_is_not_gone_without(new_mariadb: Callable[[], str], tmp_path: Path) -> None:
    authority, _ = certificate(tmp_path, "authority")
    url = new_mariadb()
    mariadb_server.run(url, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    if mariadb_server.has_tls(url):
        pytest.skip("this MariaDB server speaks TLS")
    for options in (f"ssl_ca={authority}", f"ssl_ca={authority}&ssl_verify_cert=true", "ssl_verify_identity=true"):
        outcome = dbclone("plan", f"{url}?{options}")
        assert outcome.code == errors.ConnectionFailed.exit_code, options
        assert "TLS could not be agreed on" in outcome.sentence
    assert dbclone("plan", f"{url}?ssl_disabled=true").code == 0


# --- files -----------------------------------------------------------------------------------------------------------

HOLDING = """
import sys, time
from pathlib import Path
from dbclone.connection import open_source, open_target
with open_source(sys.argv[1]) as source, open_target(sys.argv[2]) as target:
    target.create(source.reflect(), clean=True)
    for table in source.reflect().tables:
        target.load(table, source.read(table).to_batches())
    print("loaded", flush=True)
    time.sleep(60)
"""


def killed_half_way(source: Path, target: Path) -> None:
    """A run that is killed when it has loaded all rows and not yet put the file in place."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, source, target], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "loaded\n"
    process.kill()
    process.communicate()


@pytest.mark.parametrize("suffix", ["sqlite", "duckdb"])
def test_what_a_killed_run_leaves_is_private_and_gone_after_the_next_one(suffix: str, tmp_path: Path) -> None:
    shop, folder = small_shop(tmp_path / "shop.sqlite"), tmp_path / "target"
    folder.mkdir()
    target = folder / f"clone.{suffix}"
    killed_half_way(shop, target)
    [left] = folder.iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in left.iterdir()} == {0o600}
    with open_source(str(shop)) as source, open_target(str(target)) as written_to:
        written_to.create(source.reflect(), clean=True)
        written_to.finish(source.reflect())
        assert not left.exists()
        written_to.commit()
    assert list(folder.iterdir()) == [target]


def test_what_another_run_is_building_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "clone.sqlite"
    one = temporary.Workshop(path)
    two = temporary.Workshop(path)
    assert one.file.exists()
    one.close()
    two.file.replace(path)
    two.close()
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_that_looks_like_something_left_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").touch()
    (tmp_path / ".clone.sqlite.x.dbclone").symlink_to(precious)
    temporary.Workshop(tmp_path / "clone.sqlite").close()
    assert (precious / "kept").exists()


def test_a_model_file_that_was_not_finished_is_gone_after_the_next_one(tmp_path: Path) -> None:
    shop, model = small_shop(tmp_path / "shop.sqlite"), tmp_path / "shop.model"
    script = (
        "import os, pathlib, sys\n"
        "from dbclone import archive, options\n"
        "archive.flush = lambda _: os.kill(os.getpid(), 9)\n"
        "archive.save(options.CloneOptions(), pathlib.Path(sys.argv[1]))"
    )
    ended = subprocess.run([sys.executable, "-c", script, model], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    assert dbclone("fit", shop, "-o", model, "-q").code == 0
    assert sorted(tmp_path.iterdir()) == [model, shop]
    assert stat.S_IMODE(model.stat().st_mode) == 0o600


@pytest.mark.parametrize(("suffix", "signal_number"), [("sqlite", signal.SIGINT), ("duckdb", signal.SIGTERM)])
def test_a_run_that_is_stopped_while_it_writes_leaves_nothing(suffix: str, signal_number: int, tmp_path: Path) -> None:
    shop, folder = small_shop(tmp_path / "shop.sqlite"), tmp_path / "target"
    folder.mkdir()
    process = start("copy", shop, folder / f"clone.{suffix}", "--scale", 60, "--quiet")
    while not list(folder.iterdir()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal_number)
    process.communicate(timeout=60)
    assert process.returncode in {130, 143}
    assert list(folder.iterdir()) == []


@pytest.mark.mariadb
def test_rows_on_their_way_to_mariadb_are_in_no_file_that_has_a_name(
    new_mariadb: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOAD DATA reads a file: one that a kill cannot leave behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    seen: list[list[Path]] = []
    loaded = mysql_target.ddl.load_statement

    def watched(table: Table, columns: Sequence[object], path: str) -> str:
        seen.append(list((tmp_path / "scratch").iterdir()))
        return loaded(table, columns, path)  # type: ignore[arg-type]

    monkeypatch.setattr(mysql_target.ddl, "load_statement", watched)
    target = new_mariadb()
    assert dbclone("copy", small_shop(tmp_path / "shop.sqlite"), target, "--quiet").code == 0
    assert seen
    assert not any(seen)
    assert Place("mysql", target).rows("SELECT count(*) FROM purchase") == [(300,)]
