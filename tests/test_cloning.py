"""The steps of a clone: each table is read once, phases come in the order of the sentence, sizes are judged early."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from dbclone import cloning
from dbclone.checking import check
from dbclone.dialects.sqlite_source import SqliteSource
from dbclone.dialects.sqlite_target import SqliteTarget
from dbclone.errors import IntegrityError, UsageError
from dbclone.fitting import Reader
from dbclone.generation import check_sizes, expected_rows
from dbclone.options import CloneOptions, GenerateOptions
from dbclone.plan import Plan, TablePlan, TableRole
from dbclone.progress import Silent
from dbclone.schema import Schema, TableName
from tests.commands import CUSTOMERS, PURCHASES, digest, small_shop


class Recording(Silent):
    def __init__(self) -> None:
        self.phases: list[str] = []
        self.amounts: Counter[str] = Counter()

    def phase(self, name: str, total: int) -> None:
        self.phases.append(name)

    def advance(self, amount: int, table: TableName | None = None) -> None:
        self.amounts[self.phases[-1]] += amount


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shop(tmp_path_factory.mktemp("shop") / "shop.sqlite")


def test_the_phases_are_those_of_the_sentence(shop: Path, tmp_path: Path) -> None:
    progress = Recording()
    summary = cloning.clone(str(shop), str(tmp_path / "clone.sqlite"), CloneOptions(), progress)
    assert progress.phases == ["connect", "reflect", "read", "fit", "generate", "check"]
    assert progress.amounts["read"] == sum(t.real_rows for t in summary.tables)
    assert progress.amounts["generate"] == sum(t.synthetic_rows for t in summary.tables)
    assert [p.phase for p in summary.phases] == progress.phases
    assert summary.seconds == pytest.approx(sum(p.seconds for p in summary.phases))


def test_each_table_is_read_once(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    read = SqliteSource.read

    def counted(self: SqliteSource, table, columns=None):  # type: ignore[no-untyped-def]
        reads[table.name.name] += 1
        return read(self, table, columns)

    monkeypatch.setattr(SqliteSource, "read", counted)
    cloning.clone(str(shop), str(tmp_path / "clone.sqlite"), CloneOptions(), Silent())
    assert reads == {"customer": 1, "purchase": 1, "status": 1, "voucher": 1}


def test_a_reader_forgets_rows_but_not_seconds(shop: Path) -> None:
    source = SqliteSource(shop)
    reader = Reader(source, source.reflect(), Silent())
    customers = TableName("", "customer")
    assert reader(customers) is reader(customers)
    assert reader(customers).num_rows == CUSTOMERS
    before = reader(customers)
    reader.forget()
    assert set(reader.seconds) == {customers}
    assert reader(customers) is not before
    source.close()


def test_a_clone_that_breaks_a_constraint_is_not_kept(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an engine draws: the proof in the target decides."""
    target = tmp_path / "clone.sqlite"
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE kept (x)")
    before = digest(target)
    load = SqliteTarget.load

    def without_customers(self: SqliteTarget, table, batches):  # type: ignore[no-untyped-def]
        return load(self, table, [] if table.name.name == "customer" else batches)

    monkeypatch.setattr(SqliteTarget, "load", without_customers)
    with pytest.raises(IntegrityError, match=r"The clone was not kept: in purchase\(customer_id\)"):
        cloning.clone(str(shop), str(target), CloneOptions(clean=True), Silent())
    assert digest(target) == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_clone_can_be_cloned(shop: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.sqlite", tmp_path / "twice.sqlite"
    cloning.clone(str(shop), str(once), CloneOptions(), Silent())
    summary = cloning.clone(str(once), str(twice), CloneOptions(generate=GenerateOptions(scale=2.0)), Silent())
    rows = {str(t.table): t.synthetic_rows for t in summary.tables}
    assert 1.6 * PURCHASES < rows["purchase"] < 2.4 * PURCHASES
    source = SqliteSource(twice)
    assert check(source, source.reflect()) == ()
    source.close()


def plan_of(*tables: TablePlan) -> Plan:
    return Plan(Schema("postgresql", ()), tables)


def test_sizes_are_judged_by_the_plan() -> None:
    one = TablePlan(TableName("a", "t"), TableRole.SYNTHESISE, "", 10)
    other = TablePlan(TableName("b", "t"), TableRole.SYNTHESISE, "", 20)
    fixed = TablePlan(TableName("a", "codes"), TableRole.COPY, "", 5)
    plan = plan_of(one, other, fixed)
    check_sizes(plan, GenerateOptions(rows=(("A.T", 3), ("b.t", 0))))
    for rows, words in (
        ((("t", 3),), "write a.t or b.t"),
        ((("codes", 3),), "is fixed"),
        ((("x", 3),), "no such table"),
    ):
        with pytest.raises(UsageError, match=words):
            check_sizes(plan, GenerateOptions(rows=rows))
    assert expected_rows(plan, GenerateOptions(scale=2.0)) == 65
