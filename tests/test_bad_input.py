"""Whatever is wrong with what a user gives: one clear sentence, its own exit code, and nothing changed."""

import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from dbclone import archive, cloning, errors
from dbclone.archive import VERSION
from dbclone.connection import display_url
from dbclone.options import CloneOptions
from dbclone.progress import Silent
from dbclone.schema import TableName
from tests import hand_made, postgres_server
from tests.commands import Outcome, dbclone, digest, finished, small_shop, start

PASSWORD = "s3cr/et?pw"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shop(tmp_path_factory.mktemp("shop") / "shop.sqlite")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A target with something in it: it must be the same after every failure."""
    path = tmp_path / "dev.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE kept (x); INSERT INTO kept VALUES (1)")
    return path


@pytest.fixture
def refused(target: Path) -> Iterator[Callable[..., str]]:
    """Runs ``copy SOURCE target --clean --yes``, which has to fail with the given exit code: its one sentence."""
    before, beside = digest(target), sorted(target.parent.iterdir())

    def run(source: object, error: type[errors.DbcloneError], *options: object) -> str:
        outcome = dbclone("copy", source, target, "--clean", "--yes", *options)
        assert (outcome.code, outcome.out) == (error.exit_code, "")
        return outcome.sentence

    yield run
    assert digest(target) == before
    assert [p for p in sorted(target.parent.iterdir()) if p.name.startswith(target.name)] == [target]
    assert set(beside) <= set(target.parent.iterdir())


# --- the source ------------------------------------------------------------------------------------------------------


def test_missing_file(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "absent.sqlite", errors.SourceError)
    assert not (tmp_path / "absent.sqlite").exists()


def test_not_a_database(refused: Callable[..., str], tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("dear diary, " * 100)
    assert "is not a SQLite database" in refused(text, errors.SourceError)
    assert "directory" in refused(tmp_path, errors.SourceError)


def test_damaged_database(refused: Callable[..., str], shop: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(shop.read_bytes()[:9000] + b"\xff" * 9000)
    assert "damaged" in refused(damaged, errors.SourceError)


def test_empty_database(refused: Callable[..., str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.sqlite"
    sqlite3.connect(empty).close()
    empty.touch()
    assert "has no tables" in refused(empty, errors.SourceError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(refused: Callable[..., str], shop: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked.sqlite"
    shutil.copy(shop, locked)
    locked.chmod(0)
    assert "permission denied" in refused(locked, errors.SourceError)


@pytest.mark.postgres
def test_an_empty_postgresql_database(refused: Callable[..., str], postgres_url: str) -> None:
    assert "has no tables" in refused(postgres_url, errors.SourceError)


@pytest.mark.postgres
def test_no_permission_to_read_a_table(refused: Callable[..., str], postgres_url: str) -> None:
    role = f"dbclone_reader_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE open_to_all (id int PRIMARY KEY); CREATE TABLE secret (id int PRIMARY KEY)")
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON open_to_all TO {role}".encode())
        try:
            user = postgres_url.partition("://")[2].partition("@")[0]
            sentence = refused(postgres_url.replace(f"//{user}@", f"//{role}:x@"), errors.SourceError)
        finally:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())
    assert "No permission to read" in sentence
    assert "secret" in sentence


def test_orphans_are_reported_and_become_null_or_are_left_out(tmp_path: Path) -> None:
    source = hand_made.build(
        tmp_path / "orphans.sqlite",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);"
        "CREATE TABLE b (id INTEGER PRIMARY KEY, may INTEGER REFERENCES a (id),"
        " must INTEGER NOT NULL REFERENCES a (id));",
        {
            "a": [(i, f"name {i}") for i in range(1, 31)],
            "b": [(i, 1000 if i <= 10 else i % 30 + 1, 2000 if 10 < i <= 15 else i % 7 + 1) for i in range(1, 101)],
        },
    )
    outcome = dbclone("copy", source, tmp_path / "clone.sqlite")
    assert outcome.code == 0, outcome.err
    assert "warning: 10 rows of b(may) -> a refer to a row that does not exist; they are taken as NULL." in outcome.out
    assert "warning: 5 rows of b(must) -> a refer to a row that does not exist; they are left out." in outcome.out
    assert dbclone("check", tmp_path / "clone.sqlite").code == 0


@pytest.mark.postgres
def test_types_that_are_not_understood_are_carried_as_text_and_reported(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE pair AS (x int, y text)")
        connection.execute("CREATE TABLE odd (id int PRIMARY KEY, p pair, box box, words tsvector)")
        connection.execute(
            "INSERT INTO odd SELECT i, ROW(i, 'a')::pair, box(point(i, i), point(0, 0)), to_tsvector('w' || i)"
            " FROM generate_series(1, 40) AS i"
        )
    outcome = dbclone("copy", postgres_url, tmp_path / "clone.sqlite")
    assert outcome.code == 0, outcome.err
    assert "odd" in outcome.out
    assert "warning: public.odd.p: type public.pair is not modelled" in outcome.out


def test_a_source_that_is_replaced_while_it_is_read(shop: Path, target: Path, tmp_path: Path) -> None:
    """One snapshot or none: half of the rows of one state and half of another are never put together."""
    source = tmp_path / "live.sqlite"
    shutil.copy(shop, source)
    before = digest(target)

    class Replacing(Silent):
        """Puts another file in the source's place as soon as the first table has been read."""

        def advance(self, amount: int, table: TableName | None = None) -> None:
            if not (tmp_path / "new").exists():
                shutil.copy(shop, tmp_path / "new")
                shutil.copy(shop, tmp_path / "other")
                (tmp_path / "other").replace(source)

    with pytest.raises(errors.SourceChanged, match="was replaced"):
        cloning.clone(str(source), str(target), CloneOptions(clean=True), Replacing())
    assert digest(target) == before


def test_a_source_that_is_written_to_meanwhile_is_seen_as_it_was(shop: Path, tmp_path: Path) -> None:
    source = tmp_path / "live.sqlite"
    shutil.copy(shop, source)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")

    class Writing(Silent):
        def advance(self, amount: int, table: TableName | None = None) -> None:
            with closing(sqlite3.connect(source)) as connection:
                connection.execute("DELETE FROM purchase")
                connection.commit()

    summary = cloning.clone(str(source), str(tmp_path / "clone.sqlite"), CloneOptions(), Writing())
    assert {str(t.table): t.real_rows for t in summary.tables}["purchase"] == 300
    assert all(t.synthetic_rows > 0 for t in summary.tables)


# --- connections -----------------------------------------------------------------------------------------------------


def test_a_host_where_nothing_answers(refused: Callable[..., str]) -> None:
    port = postgres_server.free_port()
    sentence = refused(f"postgresql://me:hunter2@127.0.0.1:{port}/db", errors.ConnectionFailed)
    assert f"postgresql://me@127.0.0.1:{port}/db" in sentence
    assert "nothing answers" in sentence
    assert "hunter2" not in sentence


def test_a_host_that_does_not_exist(refused: Callable[..., str]) -> None:
    assert "host name is unknown" in refused("postgresql://no-such-host.invalid/db", errors.ConnectionFailed)


def test_a_server_that_never_answers(refused: Callable[..., str]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db?connect_timeout=2"
        assert "does not answer" in refused(url, errors.ConnectionFailed)


def test_a_wrong_password_is_refused_and_never_printed(refused: Callable[..., str]) -> None:
    scratch = tempfile.TemporaryDirectory(prefix="dbclone-pg-", ignore_cleanup_errors=True)
    with scratch as folder, postgres_server.from_binaries(Path(folder), password="right") as url:
        if url is None:
            pytest.skip("no PostgreSQL programs here to start a server that asks for passwords")
        sentence = refused(url.replace(":right@", ":wrong-hunter2@"), errors.ConnectionFailed)
        assert "refuses this user or password" in sentence
        assert "hunter2" not in sentence


@pytest.mark.parametrize("debug", ["", "1"])
def test_no_part_of_a_password_is_ever_shown(debug: str, tmp_path: Path) -> None:
    """Not even of one whose characters should have been escaped, and not in a traceback."""
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:1/db?password=hunter2"
    outcome = finished(start("copy", url, tmp_path / "x.sqlite", env={"DBCLONE_DEBUG": debug}))
    assert outcome.code in {errors.UsageError.exit_code, errors.ConnectionFailed.exit_code}
    for part in ("s3cr", "et?pw", "hunter2"):
        assert part not in outcome.out + outcome.err


@pytest.mark.parametrize("password", ["plain", "with@at", "with/slash", "with:colon", "with?mark", "with#hash"])
def test_a_url_is_shown_without_its_password(password: str) -> None:
    assert display_url(f"postgresql://me:{password}@host:5432/db") == "postgresql://me@host:5432/db"


def test_a_kind_of_database_that_is_not_supported(refused: Callable[..., str]) -> None:
    assert "'oracle' are not supported" in refused("oracle://host/db", errors.UsageError)


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tables", "custmer"), "No table matches 'custmer' in --tables. Did you mean customer?"),
        (("--exclude", "nothing*"), "No table matches 'nothing*' in --exclude"),
        (("--exclude", "*"), "leave no table to clone"),
        (("--rows", "customer"), "write TABLE=N"),
        (("--rows", "customer=many"), "write TABLE=N"),
        (("--rows", "absent=3"), "the clone has no such table"),
        (("--rows", "status=3"), "the size of status is fixed"),
        (("--scale", "0"), "greater than 0"),
        (("--scale", "nan"), "greater than 0"),
        (("--engine", "magic"), "There is no engine 'magic'; there are forest and hma"),
    ],
)
def test_an_option_that_cannot_be_meant(
    options: tuple[str, ...], words: str, refused: Callable[..., str], shop: Path
) -> None:
    assert words in refused(shop, errors.UsageError, *options)


def test_a_schema_beyond_the_engine(refused: Callable[..., str], shop: Path) -> None:
    deep = shop.with_name("deep.sqlite")
    hand_made.build(
        deep,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, v REAL); "
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id), v REAL);"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b (id), v REAL);",
        {t: [(i, *([i] if t != "a" else []), i / 7) for i in range(1, 40)] for t in "abc"},
    )
    assert "limited to two levels" in refused(deep, errors.EngineLimitError, "--engine", "hma")


# --- the target ------------------------------------------------------------------------------------------------------


def test_target_is_the_source(shop: Path, tmp_path: Path) -> None:
    source, link, hard = tmp_path / "db.sqlite", tmp_path / "link.sqlite", tmp_path / "hard.sqlite"
    shutil.copy(shop, source)
    link.symlink_to(source)
    hard.hardlink_to(source)
    before = digest(source)
    for other in (source, link, hard, f"sqlite:///{source}", tmp_path / ".." / tmp_path.name / "db.sqlite"):
        outcome = dbclone("copy", source, other, "--clean", "--yes")
        assert outcome.code == errors.TargetError.exit_code
        assert "same database" in outcome.sentence
    assert digest(source) == before


@pytest.mark.postgres
def test_target_is_the_source_under_another_name(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        other = postgres_url + ("&" if "?" in postgres_url else "?") + "application_name=other"
        outcome = dbclone("copy", postgres_url, other, "--clean", "--yes")
        assert connection.execute("SELECT to_regclass('t')::text").fetchone() == ("t",)
    assert outcome.code == errors.TargetError.exit_code
    assert "same database" in outcome.sentence


def test_target_is_not_empty(shop: Path, target: Path) -> None:
    before = digest(target)
    began = time.perf_counter()
    outcome = dbclone("copy", shop, target)
    assert outcome.code == errors.TargetError.exit_code
    assert "is not empty: give --clean" in outcome.sentence
    assert "fit" not in outcome.err, "refused before the long work"
    assert time.perf_counter() - began < 5
    assert digest(target) == before


@pytest.mark.postgres
def test_target_in_postgresql_is_not_empty(shop: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1)")
        outcome = dbclone("copy", shop, postgres_url)
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    assert outcome.code == errors.TargetError.exit_code
    assert "is not empty: give --clean" in outcome.sentence


def test_target_is_no_database(shop: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("dear diary, " * 100)
    for options in ((), ("--clean", "--yes")):
        outcome = dbclone("copy", shop, text, *options)
        assert outcome.code == errors.TargetError.exit_code
    assert text.read_text().startswith("dear diary")
    assert dbclone("copy", shop, tmp_path / "no" / "folder.sqlite").code == errors.TargetError.exit_code


@pytest.fixture(scope="module")
def compiled(shop: Path) -> None:
    """Kernels are in numba's cache, so that a process that may not write much need not write them."""
    assert dbclone("copy", shop, shop.with_name("first.sqlite"), "-q").code == 0


def limited(limit: int, *arguments: object) -> Outcome:
    """A command that may not write files of more than ``limit`` bytes: a disk that is full."""

    def limit_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-c", "from dbclone.cli import main; main()", *map(str, arguments)]
    # Python's own files must not be cut short by the limit: later imports would find half of them.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        command, preexec_fn=limit_files, capture_output=True, text=True, timeout=120, check=False, env=env
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def test_target_out_of_space(compiled: None, shop: Path, target: Path, tmp_path: Path) -> None:
    before = digest(target)
    outcome = limited(12_000, "copy", shop, target, "--clean", "--yes")
    assert outcome.code == errors.WriteError.exit_code, outcome.err
    assert "cannot be written" in outcome.sentence
    assert digest(target) == before
    assert list(tmp_path.iterdir()) == [target]


def test_no_space_for_the_model_file(compiled: None, shop: Path, tmp_path: Path) -> None:
    outcome = limited(2_000, "fit", shop, "-o", tmp_path / "shop.model")
    assert outcome.code == errors.ModelFileError.exit_code, outcome.err
    assert "cannot write the model file" in outcome.sentence
    assert list(tmp_path.iterdir()) == []


# --- stopped half-way ------------------------------------------------------------------------------------------------


def stopped(signal_number: int, phase: str, *arguments: object) -> Outcome:
    """A command that gets a signal as soon as it has ended the phase of that name."""
    process = start(*arguments)
    said: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if line.startswith(f"{phase}:"):
            break
    process.send_signal(signal_number)
    rest = finished(process)
    return Outcome(rest.code, rest.out, "".join(said) + rest.err)


@pytest.mark.parametrize(
    ("signal_number", "code", "words"), [(signal.SIGINT, 130, "Interrupted"), (signal.SIGTERM, 143, "Terminated")]
)
@pytest.mark.parametrize("phase", ["connect", "read"])
def test_a_run_that_is_stopped_changes_nothing(
    phase: str, signal_number: int, code: int, words: str, shop: Path, target: Path, tmp_path: Path
) -> None:
    before = digest(target)
    outcome = stopped(signal_number, phase, "copy", shop, target, "--clean", "--yes")
    assert outcome.code == code, outcome.err
    assert outcome.sentence == f"{words}: nothing was changed."
    assert digest(target) == before
    assert list(tmp_path.iterdir()) == [target]


class Killing(Silent):
    """Kills its own process without warning once rows are being written."""

    writing = False

    def phase(self, name: str, total: int) -> None:
        self.writing = name == "generate"

    def advance(self, amount: int, table: TableName | None = None) -> None:
        if self.writing and amount:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_while_writing(source: object, target: object) -> None:
    script = (
        "import sys; from tests.test_bad_input import Killing, cloning, CloneOptions;"
        "cloning.clone(sys.argv[1], sys.argv[2], CloneOptions(clean=True), Killing())"
    )
    command = [sys.executable, "-c", script, str(source), str(target)]
    ended = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def test_a_run_that_is_killed_while_it_writes_changes_nothing(shop: Path, target: Path) -> None:
    before = digest(target)
    killed_while_writing(shop, target)
    assert digest(target) == before
    assert dbclone("copy", shop, target, "--clean", "--yes", "-q").code == 0, "what it left is in nobody's way"


@pytest.mark.postgres
def test_a_run_that_is_killed_while_it_writes_to_postgresql_changes_nothing(shop: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1)")
        killed_while_writing(shop, postgres_url)
        tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchall() == [("kept",)]
        assert dbclone("copy", shop, postgres_url, "--clean", "--yes", "-q").code == 0


# --- model files -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(shop: Path) -> Path:
    path = shop.with_name("shop.model")
    assert dbclone("fit", shop, "-o", path, "-q").code == 0
    return path


def test_model_files_that_cannot_be_used(model: Path, target: Path, tmp_path: Path) -> None:
    before, whole, path = digest(target), model.read_bytes(), tmp_path / "bad.model"
    middle = len(whole) // 2
    altered = whole[:middle] + bytes(b ^ 1 for b in whole[middle : middle + 64]) + whole[middle + 64 :]
    for content in (whole[: len(whole) * 2 // 3], whole[:100], b"", altered, b"PK\x03\x04 something else"):
        path.write_bytes(content)
        outcome = dbclone("generate", path, target, "--clean", "--yes")
        assert outcome.code == errors.ModelFileError.exit_code
        assert "is not a whole model file" in outcome.sentence
    assert digest(target) == before


def test_a_model_of_another_version(model: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, path = digest(target), tmp_path / "future.model"
    loaded = cloning.load_model(model)
    with monkeypatch.context() as future:
        future.setattr(archive, "VERSION", VERSION + 1)
        future.setattr(archive, "__version__", "99.0")
        archive.save(loaded, path)
    outcome = dbclone("generate", path, target, "--clean", "--yes")
    assert outcome.code == errors.ModelFileError.exit_code
    assert f"has model format {VERSION + 1}, written by dbclone 99.0" in outcome.sentence
    assert digest(target) == before


def test_a_model_file_that_holds_no_model(target: Path, tmp_path: Path) -> None:
    archive.save(CloneOptions(), tmp_path / "options.model")
    outcome = dbclone("generate", tmp_path / "options.model", target, "--clean", "--yes")
    assert outcome.code == errors.ModelFileError.exit_code
    assert "holds no model" in outcome.sentence


def test_a_missing_model_file(target: Path, tmp_path: Path) -> None:
    assert "there is no model file" in dbclone("generate", tmp_path / "absent", target, "--clean", "--yes").sentence


# --- what nobody foresaw ---------------------------------------------------------------------------------------------


def test_an_unforeseen_error_shows_no_data(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = (7, "Ann Lee")

    def fail(*_: object) -> None:
        raise ValueError(f"row {row} is odd")

    monkeypatch.setattr(cloning, "_plan", fail)
    outcome = dbclone("copy", shop, tmp_path / "x.sqlite")
    assert outcome.code == 1
    assert outcome.sentence.startswith("Unforeseen error (ValueError in ")
    assert "Ann" not in outcome.err
    monkeypatch.setenv("DBCLONE_DEBUG", "1")
    outcome = dbclone("copy", shop, tmp_path / "x.sqlite")
    assert "in fail" in outcome.err, "where it happened"
    assert "Ann" not in outcome.err
    monkeypatch.setenv("DBCLONE_DEBUG", "values")
    assert "Ann Lee" in dbclone("copy", shop, tmp_path / "x.sqlite").err
