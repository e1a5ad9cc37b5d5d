"""The command line: what each command prints, where, and what its options do."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dbclone import __version__, errors
from dbclone.models.kernel_folder import kernel_folder
from tests.commands import CUSTOMERS, PURCHASES, dbclone, digest, finished, small_shop, start


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shop(tmp_path_factory.mktemp("shop") / "shop.sqlite")


@pytest.fixture(scope="module")
def clone(shop: Path) -> Path:
    """A clone of the shop, made once: copy it before it is altered."""
    path = shop.with_name("clone.sqlite")
    assert dbclone("copy", shop, path, "--seed", 3, "--quiet").code == 0
    return path


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {name for (name,) in names}


def exit_codes() -> set[int]:
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.DbcloneError)]
    return {kind.exit_code for kind in kinds} | {0, errors.INTERRUPTED}


# --- help ------------------------------------------------------------------------------------------------------------


def test_help_answers_within_half_a_second() -> None:
    def once() -> float:
        began = time.perf_counter()
        assert finished(start("--help")).code == 0
        return time.perf_counter() - began

    assert min(once() for _ in range(5)) < 0.5


def test_help_loads_no_heavy_library() -> None:
    heavy = (
        "numpy",
        "pyarrow",
        "numba",
        "psycopg",
        "networkx",
        "sqlglot",
        "sqlalchemy",
        "faker",
        "pandas",
        "sdv",
        "rich",
    )
    script = f"import sys, dbclone.cli; print(*[m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"


def test_help_names_every_exit_code() -> None:
    named = {int(code) for code in re.findall(r"^ *(\d+)  \w", dbclone("--help").out, re.MULTILINE)}
    assert named == exit_codes() | {143}


def test_every_kind_of_failure_has_its_own_exit_code() -> None:
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.DbcloneError)]
    assert len({kind.exit_code for kind in kinds}) == len(kinds)


def test_version() -> None:
    assert dbclone("--version").out == f"dbclone {__version__}\n"


# --- copy ------------------------------------------------------------------------------------------------------------


def test_copy_prints_the_summary_on_stdout_and_progress_on_stderr(shop: Path, tmp_path: Path) -> None:
    outcome = finished(start("copy", shop, f"sqlite:///{tmp_path / 'clone.sqlite'}"))
    assert outcome.code == 0
    assert re.search(rf"^ *purchase +synthesise +{PURCHASES} +\d+ ", outcome.out, re.MULTILINE)
    assert "violations: 0" in outcome.out
    assert re.search(r"^read: \d+ in .* s$", outcome.err, re.MULTILINE)
    assert "violations" not in outcome.err


def test_a_clone_has_the_schema_and_about_the_rows_but_not_the_people(shop: Path, clone: Path) -> None:
    assert tables(clone) == tables(shop)
    assert abs(rows(clone, "customer") - CUSTOMERS) <= 6
    assert abs(rows(clone, "purchase") - PURCHASES) <= 30
    with closing(sqlite3.connect(clone)) as connection:
        connection.execute("ATTACH ? AS real", (str(shop),))
        same = "SELECT count(*) FROM customer c JOIN real.customer r ON c.name = r.name OR c.email = r.email"
        assert connection.execute(same).fetchone()[0] == 0
        lost = "SELECT count(*) FROM purchase WHERE customer_id NOT IN (SELECT id FROM customer)"
        assert connection.execute(lost).fetchone()[0] == 0


def test_the_summary_as_json(shop: Path, tmp_path: Path) -> None:
    outcome = dbclone("copy", shop, tmp_path / "clone.sqlite", "--json", "--quiet")
    summary = json.loads(outcome.out)
    assert outcome.err == ""
    assert summary["violations"] == 0
    counts = {t["table"]: (t["real_rows"], t["synthetic_rows"]) for t in summary["tables"]}
    assert counts["purchase"] == (PURCHASES, rows(tmp_path / "clone.sqlite", "purchase"))


def test_a_first_run_says_that_it_compiles(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "first run: compiling takes a minute or two, once"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert said in dbclone("copy", shop, tmp_path / "a", "--schema-only").err
    assert said not in dbclone("copy", shop, tmp_path / "b", "--schema-only", "-q").err
    kernel_folder(str(tmp_path)).mkdir(exist_ok=True)
    (kernel_folder(str(tmp_path)) / "kernel.nbi").touch()
    assert said not in dbclone("copy", shop, tmp_path / "c", "--schema-only").err


def test_once_something_is_compiled_no_run_says_that_it_is_the_first(shop: Path, tmp_path: Path) -> None:
    """Wherever the user's cache is: a process compiles, others look for what it has kept."""
    said = "first run: compiling takes a minute or two, once"
    env = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert said in finished(start("copy", shop, tmp_path / "a", "--schema-only", env=env)).err
    one = "import numpy as np; from dbclone.models.sampling import alike_rows; alike_rows(*np.zeros((2, 3), np.int64))"
    subprocess.run([sys.executable, "-c", one], env={**os.environ, **env}, check=True)
    assert said not in finished(start("copy", shop, tmp_path / "b", "--schema-only", env=env)).err


def test_quiet_says_nothing(shop: Path, tmp_path: Path) -> None:
    outcome = dbclone("copy", shop, tmp_path / "clone.sqlite", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(
    shop: Path, clone: Path, tmp_path: Path
) -> None:
    assert dbclone("copy", shop, tmp_path / "one", "--seed", 3, "--workers", 1, "-q").code == 0
    assert finished(start("copy", shop, tmp_path / "two", "--seed", 3, "--workers", 2, "-q")).code == 0
    assert dbclone("copy", shop, tmp_path / "other", "--seed", 4, "-q").code == 0
    assert digest(tmp_path / "one") == digest(tmp_path / "two") == digest(clone)
    assert digest(tmp_path / "other") != digest(clone)


def test_scale_and_rows_change_the_size(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "clone.sqlite"
    assert (
        dbclone("copy", shop, target, "--scale", "3", "--rows", "voucher=7", "--rows", "customer=100", "-q").code == 0
    )
    assert rows(target, "voucher") == 7
    assert rows(target, "customer") == 100
    assert rows(target, "status") == 4


def test_schema_only_creates_tables_without_rows(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "clone.sqlite"
    assert dbclone("copy", shop, target, "--schema-only", "-q").code == 0
    assert tables(target) == tables(shop)
    assert all(rows(target, table) == 0 for table in tables(target))
    assert dbclone("check", target, "--against", shop).code == 0


def test_tables_and_exclude_choose_what_is_cloned(shop: Path, tmp_path: Path) -> None:
    assert dbclone("copy", shop, tmp_path / "one", "--tables", "pur*,cust*", "--exclude", "vouch*", "-q").code == 0
    assert tables(tmp_path / "one") == {"purchase", "customer", "status"}  # a NOT NULL parent is pulled in
    with closing(sqlite3.connect(tmp_path / "one")) as connection:
        assert connection.execute("SELECT count(voucher_id) FROM purchase").fetchone()[0] == 0


# --- clean -----------------------------------------------------------------------------------------------------------


def test_clean_replaces_what_is_there_when_it_is_allowed(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite"
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE old (x)")
    outcome = dbclone("copy", shop, target, "--clean", "--schema-only")
    assert outcome.code == errors.UsageError.exit_code
    assert "add --yes" in outcome.sentence
    assert tables(target) == {"old"}
    assert dbclone("copy", shop, target, "--clean", "--yes", "--schema-only").code == 0
    assert tables(target) == tables(shop)


def test_clean_needs_no_consent_where_nothing_would_be_lost(shop: Path, tmp_path: Path) -> None:
    assert dbclone("copy", shop, tmp_path / "target.sqlite", "--clean", "--schema-only").code == 0


@pytest.mark.parametrize(("answer", "code"), [("n\n", errors.TargetError.exit_code), ("y\n", 0)])
def test_clean_asks_on_a_terminal(answer: str, code: int, shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite"
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE old (x)")
    keyboard, slave = pty.openpty()
    command = [sys.executable, "-c", "from dbclone.cli import main; main()"]
    arguments = ["copy", str(shop), str(target), "--clean", "--schema-only"]
    process = subprocess.Popen([*command, *arguments], stdin=slave, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    os.write(keyboard, answer.encode())
    _, err = process.communicate(timeout=30)
    os.close(keyboard)
    os.close(slave)
    assert process.returncode == code
    assert b"Replace everything in it?" in err
    assert tables(target) == (tables(shop) if code == 0 else {"old"})


# --- fit, generate, model ---------------------------------------------------------------------------------------------


def test_fit_and_generate_are_the_two_halves_of_copy(shop: Path, clone: Path, tmp_path: Path) -> None:
    source, model, target = tmp_path / "source.sqlite", tmp_path / "shop.model", tmp_path / "generated.sqlite"
    source.write_bytes(shop.read_bytes())
    assert dbclone("fit", source, "-o", model, "--seed", 3).code == 0
    source.unlink()
    assert dbclone("generate", model, target, "--seed", 3, "-q").code == 0
    assert digest(target) == digest(clone)
    again = tmp_path / "again.model"
    assert dbclone("fit", shop, "-o", again, "--seed", 3, "-q").code == 0
    assert digest(model) == digest(again)


def test_model_show_tells_what_a_model_is_about(shop: Path, tmp_path: Path) -> None:
    model = tmp_path / "shop.model"
    shown = dbclone("fit", shop, "-o", model, "-q")
    assert (shown.code, shown.out) == (0, "")
    shown = dbclone("model", "show", model)
    assert "engine forest" in shown.out
    assert re.search(r"^ *status +copy as reference +4", shown.out, re.MULTILINE)
    document = json.loads(dbclone("model", "show", model, "--json").out)
    assert document["engine"] == "forest"
    assert {t["table"] for t in document["tables"]} == {"status", "customer", "purchase", "voucher"}


# --- inspect, plan, check ---------------------------------------------------------------------------------------------


def test_inspect_shows_tables_keys_references_and_kinds(shop: Path) -> None:
    shown = dbclone("inspect", shop).out
    assert "4 tables, 384 rows" in shown
    assert "customer_id → customer(id)" in shown
    assert "voucher_id → voucher(id) (or NULL)" in shown
    assert re.search(r"customer\.email +TEXT +pii:email", shown)
    document = json.loads(dbclone("inspect", shop, "--json").out)
    assert document["load_order"].index("customer") < document["load_order"].index("purchase")


def test_inspect_says_how_a_cycle_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "cycle.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE team (id INTEGER PRIMARY KEY, lead INTEGER REFERENCES member (id));"
            "CREATE TABLE member (id INTEGER PRIMARY KEY, team INTEGER NOT NULL REFERENCES team (id));"
        )
    assert "broken by filling in later: team(lead) -> member" in dbclone("inspect", path).out


def test_plan_says_what_happens_to_each_table_before_anything_is_fitted(shop: Path) -> None:
    shown = dbclone("plan", shop).out
    assert "status: copy as reference, 4 rows" in shown
    assert "owner: customer_id → customer(id)" in shown
    document = json.loads(dbclone("plan", shop, "--json").out)
    roles = {t["table"]: t["role"] for t in document["tables"]}
    assert roles["customer"] == roles["purchase"] == "synthesise"
    assert roles["status"] == "copy as reference"


def test_plan_can_be_cut_short_by_its_reader(shop: Path) -> None:
    """``dbclone plan | head -1`` is no failure."""
    process = start("plan", shop, "-q")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.wait(30)


def test_check_proves_a_clone_and_finds_what_is_broken(shop: Path, clone: Path, tmp_path: Path) -> None:
    assert "violations: 0" in dbclone("check", clone, "--against", shop).out
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(clone.read_bytes())
    with closing(sqlite3.connect(broken)) as connection:
        connection.execute("DELETE FROM customer WHERE id IN (SELECT customer_id FROM purchase LIMIT 1)")
        connection.commit()
    outcome = dbclone("check", broken)
    assert outcome.code == errors.IntegrityError.exit_code
    assert "violation: purchase(customer_id)" in outcome.out
    assert json.loads(dbclone("check", broken, "--json").out)["violations"] > 0


def test_check_against_a_source_finds_what_is_missing(shop: Path, clone: Path, tmp_path: Path) -> None:
    lacking = tmp_path / "lacking.sqlite"
    lacking.write_bytes(clone.read_bytes())
    with closing(sqlite3.connect(lacking)) as connection:
        connection.executescript("DROP TABLE voucher; ALTER TABLE customer DROP COLUMN city")
    outcome = dbclone("check", lacking, "--against", shop)
    assert outcome.code == errors.IntegrityError.exit_code
    assert "violation: voucher: the table of the source is missing" in outcome.out
    assert "violation: customer(city): the column is missing" in outcome.out


# --- PostgreSQL and the demonstration --------------------------------------------------------------------------------


@pytest.mark.postgres
def test_copy_between_sqlite_and_postgresql(shop: Path, new_postgres: Callable[[], str], tmp_path: Path) -> None:
    first, second, back = new_postgres(), new_postgres(), tmp_path / "back.sqlite"
    assert dbclone("copy", shop, first, "-q").code == 0
    assert dbclone("copy", first, second, "-q").code == 0
    assert dbclone("copy", second, back, "-q").code == 0
    assert dbclone("check", first, "--against", shop).code == 0
    assert dbclone("check", back, "--against", first).code == 0
    assert rows(back, "status") == 4


@pytest.mark.slow
def test_the_demonstration_shows_both_databases_and_what_was_kept(tmp_path: Path) -> None:
    outcome = dbclone("demo", "--folder", tmp_path / "demo")
    assert outcome.code == 0, outcome.err
    assert "violations: 0" in outcome.out
    assert "customer, real example" in outcome.out
    assert "customer, clone" in outcome.out
    kept = re.search(r"(\d+) of (\d+) planted facts kept", outcome.out)
    assert kept is not None
    assert int(kept[1]) >= int(kept[2]) / 2
    assert dbclone("check", tmp_path / "demo" / "shop-clone.sqlite").code == 0
