"""Opening databases: what URLs mean, what is refused, and that no message holds a password or a value."""

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dbclone.connection import display_url, open_source, open_target, refuse_same, same_database
from dbclone.errors import (
    ConnectionFailed,
    DbcloneError,
    SourceChanged,
    SourceError,
    TargetError,
    UsageError,
    WriteError,
)
from tests import postgres_server

PASSWORD = "s3cret-Pa55"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "prod data.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x integer)")
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    return path


def open_and_reflect(url: str) -> list[str]:
    with open_source(url) as source:
        return [table.name.name for table in source.reflect().tables]


def refusal(url: str) -> DbcloneError:
    with pytest.raises(DbcloneError) as caught:
        open_and_reflect(url)
    return caught.value


# --- URLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{path}", "sqlite:///{path}", "sqlite:////{bare}"])
def test_a_sqlite_file_is_named_by_path_or_url(database: Path, form: str) -> None:
    url = form.format(path=database, bare=str(database).lstrip("/"))
    assert open_and_reflect(url) == ["t"]


def test_a_relative_sqlite_url_has_three_slashes(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(database.parent)
    assert open_and_reflect("sqlite:///prod data.sqlite") == ["t"]
    assert open_and_reflect("sqlite:///prod%20data.sqlite") == ["t"]


@pytest.mark.parametrize(
    "url",
    [
        "", "oracle:x", "oracle://h/d", "sqlite://", "sqlite:///:memory:", "sqlite+pysqlcipher:///x", "mysql://h",
        "mysql://h:x/d", "mariadb://h/d?no_such=1", "mysql://h/d?connect_timeout=soon",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_meant_is_a_usage_error(url: str) -> None:
    assert isinstance(refusal(url), UsageError)


@pytest.mark.postgres
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_named_by_three_schemes(postgres_url: str, scheme: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (x integer)")
    assert open_and_reflect(scheme + "://" + postgres_url.split("://")[1]) == ["t"]


@pytest.mark.postgres
def test_parameters_of_the_url_pass_through(postgres_url: str) -> None:
    error = refusal(postgres_url + "?sslmode=require&connect_timeout=3&sslrootcert=/nonexistent")
    assert isinstance(error, ConnectionFailed)


def test_no_password_is_shown() -> None:
    for url in (
        f"postgresql://u:{PASSWORD}@h/d", f"postgresql://u:{PASSWORD}@h:5/d?sslmode=require",
        f"postgresql://u@h/d?password={PASSWORD}", f"postgresql://u:a@b{PASSWORD}@h/d",
        f"postgresql://h/d?user=u&sslpassword={PASSWORD}&x=1",
    ):  # fmt: skip
        assert PASSWORD not in display_url(url)
        assert "h" in display_url(url)
    assert display_url("postgresql://u:p@h/d?sslmode=require") == "postgresql://u@h/d?sslmode=require"
    assert display_url("/data/x.sqlite") == "/data/x.sqlite"


# --- sources that cannot be read -------------------------------------------------------------------------------------


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    error = refusal(str(tmp_path / "none.sqlite"))
    assert isinstance(error, SourceError)
    assert "does not exist" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,name\n1,Ada Lovelace\n" * 100)
    assert "not a SQLite database" in str(refusal(str(tmp_path / "x.csv")))
    assert "directory" in str(refusal(str(tmp_path)))


def test_a_damaged_file_is_refused_without_showing_its_content(database: Path) -> None:
    data = bytearray(database.read_bytes())
    data[100:] = b"Ada Lovelace" * ((len(data) - 100) // 12 + 1)
    database.write_bytes(data[:8192])
    error = refusal(str(database))
    assert isinstance(error, SourceError)
    assert "Ada" not in str(error)


def test_a_database_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    assert "no tables" in str(refusal(str(tmp_path / "empty.sqlite")))


@pytest.mark.postgres
def test_a_postgresql_database_without_tables_is_refused(postgres_url: str) -> None:
    error = refusal(postgres_url)
    assert isinstance(error, SourceError)
    assert "no tables" in str(error)


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = refusal(f"postgresql://someone:{PASSWORD}@127.0.0.1:{port}/db")
    assert isinstance(error, ConnectionFailed)
    assert f"127.0.0.1:{port}" in str(error)
    assert "nothing answers" in str(error)
    assert PASSWORD not in str(error)


def test_an_unknown_host_is_named() -> None:
    error = refusal("postgresql://someone@nowhere.invalid/db")
    assert isinstance(error, ConnectionFailed)
    assert "host name" in str(error)


@pytest.mark.postgres
def test_a_database_that_the_server_lacks_is_named(postgres_url: str) -> None:
    error = refusal(postgres_url + "_none")
    assert isinstance(error, ConnectionFailed)
    assert "no database" in str(error)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for a password."""
    folder = tmp_path_factory.mktemp("guarded")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    with postgres_server.from_binaries(folder, PASSWORD) as url:
        if url is None:
            pytest.skip("a server with passwords can only be started from PostgreSQL's programs, which are absent")
        yield url


@pytest.mark.postgres
@pytest.mark.parametrize("wrong", ["wr0ng-Word", "a@b-wr0ng-Word", ""])
def test_a_wrong_password_is_refused_and_never_printed(
    guarded: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    error = refusal(guarded.replace(PASSWORD, wrong))
    assert isinstance(error, ConnectionFailed)
    chain: BaseException | None = error
    while chain is not None:
        assert "wr0ng" not in str(chain)
        chain = chain.__cause__


@pytest.mark.postgres
def test_passwords_come_from_url_environment_or_file(
    guarded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with psycopg.connect(guarded) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (x integer)")
    bare = guarded.replace(f":{PASSWORD}", "")
    assert read_everything(guarded) == 0
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert read_everything(bare) == 0
    monkeypatch.delenv("PGPASSWORD")
    (tmp_path / "pass").write_text(f"*:{urlsplit(bare).port}:*:*:{PASSWORD}\n")
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    assert read_everything(bare) == 0


def read_everything(url: str) -> int:
    with open_source(url) as source:
        return sum(len(source.read(table)) for table in source.reflect().tables)


@pytest.mark.postgres
def test_a_table_that_may_not_be_read_is_named(postgres_url: str, postgres_server_url: str) -> None:
    role = f"reader_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE secrets (x integer)")
        connection.execute(f"CREATE ROLE {role} LOGIN")
        try:
            parts = urlsplit(postgres_url)
            url = parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}").geturl()
            with open_source(url) as source, pytest.raises(SourceError, match=r"public\.secrets") as caught:
                source.row_counts(source.reflect())
            assert "permission" in str(caught.value)
        finally:
            connection.execute(f"DROP ROLE {role}")


# --- sources that change ---------------------------------------------------------------------------------------------


def test_a_file_replaced_while_it_is_read_is_noticed(database: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(database.read_bytes())
    with open_source(str(database)) as source:
        table = source.reflect().tables[0]
        other.replace(database)
        with pytest.raises(SourceChanged):
            source.read(table)


def test_a_source_is_never_written(database: Path) -> None:
    before = database.read_bytes(), database.stat().st_mtime_ns
    database.chmod(0o400)
    read_everything(str(database))
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


@pytest.mark.postgres
def test_a_server_that_ends_the_connection_is_reported(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (x integer)")
        with open_source(postgres_url) as source:
            schema = source.reflect()
            end_others(connection)
            with pytest.raises(SourceError, match="ended the connection"):
                source.row_counts(schema)
        with open_target(postgres_url) as target:
            end_others(connection)
            with pytest.raises(WriteError, match="ended the connection"):
                target.is_empty()


def end_others(connection: psycopg.Connection) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


# --- source and target -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["same", "symlink", "hardlink", "dots"])
def test_a_file_is_itself_by_every_link(database: Path, tmp_path: Path, link: str) -> None:
    other = tmp_path / "link.sqlite"
    if link == "symlink":
        other.symlink_to(database)
    elif link == "hardlink":
        other.hardlink_to(database)
    else:
        other = tmp_path / ".." / tmp_path.name / database.name if link == "dots" else database
    same = pytest.raises(TargetError, match="same database")
    with open_source(str(database)) as source, open_target(str(other)) as target, same:
        refuse_same(source, target)


def test_another_file_is_not_the_same(database: Path, tmp_path: Path) -> None:
    with open_source(str(database)) as source, open_target(str(tmp_path / "new.sqlite")) as target:
        refuse_same(source, target)


@pytest.mark.postgres
def test_a_postgresql_database_is_itself_by_every_host_name(new_postgres: Callable[[], str]) -> None:
    one, other = new_postgres(), new_postgres()
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE t (x integer)")
    alias = one.replace("127.0.0.1", "localhost")
    with open_source(one) as source, open_target(alias) as target, pytest.raises(TargetError, match="same database"):
        refuse_same(source, target)
    with open_source(one) as source, open_target(other) as target:
        refuse_same(source, target)


def test_one_fact_that_both_know_about_the_server_suffices() -> None:
    primary = "postgresql:database=5;started=100.5;system=77"
    assert same_database(primary, "postgresql:database=5;started=300.1;system=77")
    assert same_database(primary, "postgresql:database=5;started=100.5")
    assert not same_database(primary, "postgresql:database=6;started=100.5;system=77")
    assert not same_database(primary, "postgresql:database=5;started=300.1;system=78")
    assert not same_database(primary, "sqlite:1:5")


# --- targets ---------------------------------------------------------------------------------------------------------


def test_a_target_whose_folder_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="directory"), open_target(str(tmp_path / "no" / "x.sqlite")):
        pass
    with pytest.raises(TargetError, match="directory"), open_target(str(tmp_path)):
        pass


def test_a_target_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but dear to somebody")
    with open_target(str(tmp_path / "notes.txt")) as target, pytest.raises(TargetError, match="not a SQLite database"):
        target.is_empty()


def test_a_target_in_use_is_not_replaced(database: Path, tmp_path: Path) -> None:
    used = tmp_path / "used.sqlite"
    with sqlite3.connect(used, isolation_level=None) as connection:
        connection.execute("CREATE TABLE old (x)")
        connection.execute("BEGIN IMMEDIATE")
        with open_source(str(database)) as source, open_target(str(used)) as target:
            schema = source.reflect()
            target.create(schema, clean=True)
            target.finish(schema)
            with pytest.raises(WriteError, match="locked"):
                target.commit()
        connection.execute("ROLLBACK")
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("old",)]
    connection.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([database.name, "used.sqlite"])


@pytest.mark.parametrize("mode", [0o640, None])
def test_a_new_file_gets_usual_permissions_and_a_replaced_one_keeps_its_own(
    database: Path, tmp_path: Path, mode: int | None
) -> None:
    path = tmp_path / "clone.sqlite"
    if mode is not None:
        path.touch()
        path.chmod(mode)
    with open_source(str(database)) as source, open_target(str(path)) as target:
        schema = source.reflect()
        target.create(schema, clean=False)
        hidden = next(p for p in tmp_path.iterdir() if p.suffix == ".dbclone")
        assert hidden.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in hidden.iterdir()} == {0o600}
        target.commit()
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == (mode if mode is not None else 0o666 & ~umask)


@pytest.mark.postgres
def test_a_target_that_may_not_be_written_is_refused(postgres_url: str, database: Path) -> None:
    role = f"writer_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        try:
            parts = urlsplit(postgres_url)
            url = parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}").geturl()
            refused = pytest.raises(TargetError, match="permission")
            with open_source(str(database)) as source, open_target(url) as target, refused:
                target.create(source.reflect(), clean=False)
        finally:
            connection.execute(f"DROP ROLE {role}")
