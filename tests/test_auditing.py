"""The audit as a command: it splits, fits, generates and attacks; its exit code is for a pipeline to act on."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dbclone import auditing, engines
from dbclone.abc import Progress, Read
from dbclone.auditing import audit_database
from dbclone.errors import AuditFailed, UsageError
from dbclone.options import AuditOptions, FitOptions, GenerateOptions
from dbclone.plan import Plan
from dbclone.progress import Silent
from dbclone.schema import Schema, TableName
from tests import hand_made
from tests.commands import dbclone

SQL = """
CREATE TABLE clinic (id INTEGER PRIMARY KEY, town TEXT NOT NULL);
CREATE TABLE patient (
  id INTEGER PRIMARY KEY, clinic_id INTEGER NOT NULL REFERENCES clinic (id),
  name TEXT NOT NULL, sex TEXT NOT NULL, height REAL, born DATE
);
CREATE TABLE visit (
  id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient (id),
  day DATE NOT NULL, reason TEXT NOT NULL, cost NUMERIC(8, 2) NOT NULL
);
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, 900)
    rows = {
        "clinic": [(i, f"town {i}") for i in range(25)],
        "patient": [
            (i, int(rng.integers(25)), f"Name{i} Surname{i}", str(rng.choice(["f", "m"])),
             round(float(rng.normal(170, 12)), 1), str(np.datetime64("1960-01-01") + rng.integers(0, 15_000)))
            for i in range(300)
        ],
        "visit": [
            (i, int(rng.integers(300)), str(days[i]), str(rng.choice(["eye", "ear", "back"])),
             round(float(rng.lognormal(3, 1)), 2))
            for i in range(900)
        ],
    }  # fmt: skip
    return hand_made.build(tmp_path_factory.mktemp("audit") / "clinic.sqlite", SQL, rows)


def run(path: Path, **options: object) -> auditing.AuditSummary:
    return audit_database(str(path), AuditOptions(**options), Silent())  # type: ignore[arg-type]


# --- an engine that copies -------------------------------------------------------------------------------------------


class CopyingModel:
    """Gives back what it was fitted to."""

    def __init__(self, plan: Plan, rows: dict[TableName, pa.Table]) -> None:
        self.plan, self._rows = plan, rows

    def generate(self, options: GenerateOptions, progress: Progress) -> Iterator[tuple[TableName, pa.Table]]:
        yield from self._rows.items()


class CopyingEngine:
    name = "copying"

    def check_limits(self, schema: Schema, rows: Mapping[TableName, int]) -> None:
        """None."""

    def fit(self, plan: Plan, read: Read, options: FitOptions, progress: Progress) -> CopyingModel:
        return CopyingModel(plan, {t.table: read(t.table) for t in plan.tables})


@pytest.fixture
def copying(monkeypatch: pytest.MonkeyPatch) -> None:
    choose = engines.choose
    monkeypatch.setattr(engines, "choose", lambda name: CopyingEngine() if name == "copying" else choose(name))


@pytest.mark.usefixtures("copying")
def test_a_copying_engine_is_caught(clinic: Path) -> None:
    summary = run(clinic, fail_over=0.55, fit=FitOptions("copying"))
    assert summary.best_auc > 0.9
    assert not summary.passed
    with pytest.raises(AuditFailed, match="patient"):
        auditing.require(summary)
    rows = [
        s for s in summary.figures.shared if s.kind.value == "rows equal to a real row" and s.table.name == "patient"
    ]
    assert [s.share for s in rows] == [1.0]
    assert [s.floor for s in rows] == [0.0]


@pytest.mark.usefixtures("copying")
def test_a_failed_audit_has_its_own_exit_code(clinic: Path) -> None:
    outcome = dbclone("audit", clinic, "--engine", "copying", "--fail-over", "0.55", "--json")
    assert outcome.code == 13
    assert "limit of 0.55" in outcome.sentence
    assert json.loads(outcome.out)["passed"] is False


@pytest.mark.usefixtures("copying")
def test_without_a_limit_an_audit_only_tells(clinic: Path) -> None:
    outcome = dbclone("audit", clinic, "--engine", "copying")
    assert outcome.code == 0
    assert "best attack" in outcome.out


# --- the engines that there are --------------------------------------------------------------------------------------


def test_the_forest_passes_where_the_copy_fails(clinic: Path) -> None:
    outcome = dbclone("audit", clinic, "--fail-over", "0.7", "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["unit"] == "patient"
    assert found["figures"]["members"] == found["figures"]["controls"] == 150
    assert found["best_auc"] == max(a["auc"]["value"] for a in found["figures"]["attacks"])
    names = next(s for s in found["figures"]["shared"] if s["columns"] == ["name"] and s["kind"] == "strings")
    assert names["found"] == 0


def test_the_same_seed_gives_the_same_figures(clinic: Path) -> None:
    assert run(clinic).figures == run(clinic).figures


def test_no_value_of_the_source_is_shown(clinic: Path) -> None:
    outcome = dbclone("audit", clinic)
    assert "Surname" not in outcome.out + outcome.err


# --- whom it is about ------------------------------------------------------------------------------------------------


def test_the_unit_is_the_table_of_persons_that_most_hangs_from(clinic: Path) -> None:
    assert run(clinic).unit == TableName("", "patient")


def test_another_unit_can_be_named(clinic: Path) -> None:
    summary = run(clinic, unit="CLINIC")
    assert (summary.unit.name, summary.figures.members, summary.figures.controls) == ("clinic", 13, 12)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--unit", "nobody"), "there is no such table"),
        (("--fail-over", "55"), "--fail-over must be between"),
        (("--engine", "magic"), "There is no engine"),
    ],
)
def test_bad_options_are_refused(clinic: Path, arguments: tuple[str, ...], sentence: str) -> None:
    outcome = dbclone("audit", clinic, *arguments)
    assert outcome.code == UsageError.exit_code
    assert sentence in outcome.sentence


def test_too_few_entities_are_refused(tmp_path: Path) -> None:
    path = hand_made.build(
        tmp_path / "few.sqlite", SQL, {"clinic": [(1, "x")], "patient": [(1, 1, "n", "f", 1.0, None)]}
    )
    outcome = dbclone("audit", path)
    assert outcome.code == UsageError.exit_code
    assert "an audit needs 20" in outcome.sentence


# --- real data -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(("name", "unit"), [("movielens100k", "users"), ("nafld", "subject")])
def test_real_databases_are_audited_within_a_minute(real_sqlite: Callable[[str], Path], name: str, unit: str) -> None:
    summary = run(real_sqlite(name), unit=unit)
    assert summary.seconds < 60
    assert summary.best_auc < 0.65
    assert summary.figures.best.auc.high - summary.figures.best.auc.low < 0.08
