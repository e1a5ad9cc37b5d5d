"""What leaves a database by default: nothing that fewer than five entities hold, in the clone or in the model file."""

import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dbclone.archive import load
from dbclone.cloning import fit_model, generate_from
from dbclone.engines.forest import ForestModel
from dbclone.options import CloneOptions, FitOptions
from dbclone.plan import ColumnRole, Plan, TableRole
from dbclone.privacy import pools
from dbclone.progress import Silent
from tests.commands import dbclone
from tests.rare_values import Tables, rare_values, rows_of

K = 5
slow = pytest.mark.slow
SETS = (
    "biodegradability", "chinook", pytest.param("nafld", marks=slow), pytest.param("rossmann", marks=slow),
    pytest.param("movielens100k", marks=slow), pytest.param("completejourney", marks=slow),
)  # fmt: skip


class Cloned:
    """A real database, its model file and its clone."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.file = folder / "model.dbclone"
        target = folder / "clone.sqlite"
        self.plan: Plan = fit_model(str(source), self.file, CloneOptions(), Silent())
        generate_from(self.file, str(target), CloneOptions(), Silent())
        self.source: Tables = rows_of(source, self.plan)
        self.target: Tables = rows_of(target, self.plan)

    @property
    def computed(self) -> set[tuple[str, str]]:
        """Columns that are formulas or totals of others: what they come to is nobody's choice."""
        model = load(self.file)
        assert isinstance(model, ForestModel)
        return {(str(t.table), c.column) for t in model.tables for c in t.derived.columns}

    def personal_texts(self) -> Iterator[str]:
        """Strings of eight letters and more that stand in columns of personal data, and in no public list of names."""
        listed = {w for language in pools.LOCALES for w in (*pools.first_names(language), *pools.last_names(language))}
        listed |= {w for language in pools.LOCALES for w in pools.cities(language)} | set(pools.words())
        for table in self.plan.tables:
            for column in table.columns:
                if column.kind.startswith("pii:") and column.role is ColumnRole.VALUE:
                    texts = pc.unique(self.source[table.table].column(column.column).cast(pa.string())).drop_null()
                    yield from (t for t in texts.to_pylist() if len(t) >= 8 and t not in listed)


@pytest.fixture(scope="module", params=SETS)
def cloned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
           real_sqlite: Callable[[str], Path]) -> Cloned:  # fmt: skip
    return Cloned(real_sqlite(request.param), tmp_path_factory.mktemp("cloned"))


@pytest.mark.timeout(300)
def test_no_value_of_fewer_than_five_entities_stands_in_the_clone(cloned: Cloned) -> None:
    """In any column of a protected table, made-up persons included.

    Excepted is what formulas and totals come to; numbers and dates among others of which nearly all are somebody's; and
    one row in ten thousand, in which the row before it and a limit leave no free number between them.
    """
    hits = [h for h in rare_values(cloned.plan, cloned.source, cloned.target, K) if h.open > h.of // 10_000]
    assert not [h for h in hits if (h.table, h.column) not in cloned.computed]


def test_no_string_of_personal_data_stands_in_the_model_file(cloned: Cloned) -> None:
    with zipfile.ZipFile(cloned.file) as archive:
        held = b"\n".join(archive.read(name) for name in archive.namelist())
    assert not [text for text in cloned.personal_texts() if text.encode() in held]


def test_what_is_copied_descends_from_nobody(cloned: Cloned) -> None:
    for table in cloned.plan.tables:
        if table.role is TableRole.COPY:
            assert table.reason
            parents = {r.foreign_key.parent for r in table.references}
            assert all(cloned.plan.table(p).role is TableRole.COPY for p in parents), table.table


def test_no_node_of_a_tree_holds_fewer_than_five_rows_unless_it_is_the_root(cloned: Cloned) -> None:
    model = load(cloned.file)
    assert isinstance(model, ForestModel)
    trees = [v.tree for t in model.tables if t.steps for s in t.steps.steps for v in s.variants if v.tree is not None]
    assert trees
    assert all((t.end - t.start)[1:].min(initial=K) >= K for t in trees)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """60 patients, of whom one has 40 visits for a disease of his own and one weighs far more than anybody else."""
    path = tmp_path / "clinic.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE patient (id INTEGER PRIMARY KEY, weight INTEGER NOT NULL)")
        db.execute(
            "CREATE TABLE visit (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient, disease TEXT)"
        )
        db.executemany("INSERT INTO patient VALUES (?, ?)", [(i, 60 + i % 20) for i in range(1, 60)] + [(60, 311)])
        visits = [(p, ("influenza", "asthma")[p % 2]) for p in range(1, 61) for _ in range(4)]
        visits += [(7, "elephantiasis")] * 40
        db.executemany("INSERT INTO visit (patient_id, disease) VALUES (?, ?)", visits)
    return path


def test_what_many_rows_of_one_entity_hold_is_rare(clinic: Path, tmp_path: Path) -> None:
    """By rows elephantiasis is as common as anything, but one patient has it; counts are cut to the fifth largest."""
    target = tmp_path / "clone.sqlite"
    assert dbclone("copy", clinic, target, "--quiet").code == 0
    with sqlite3.connect(target) as db:
        assert {d for (d,) in db.execute("SELECT DISTINCT disease FROM visit")} <= {"influenza", "asthma", None}
        assert db.execute("SELECT max(weight) FROM patient").fetchone()[0] < 100
        most = db.execute("SELECT max(n) FROM (SELECT count(*) n FROM visit GROUP BY patient_id)").fetchone()[0]
    assert most < 20


def test_unprotected_lets_it_through_and_says_so(clinic: Path, tmp_path: Path) -> None:
    target = tmp_path / "clone.sqlite"
    outcome = dbclone("copy", clinic, target, "--unprotected")
    assert "UNPROTECTED" in outcome.out
    with sqlite3.connect(target) as db:
        assert "elephantiasis" in {d for (d,) in db.execute("SELECT DISTINCT disease FROM visit")}


def test_a_model_file_tells_what_was_left_out(clinic: Path, tmp_path: Path) -> None:
    model = tmp_path / "clinic.dbclone"
    dbclone("fit", clinic, "-o", model, "--quiet")
    shown = dbclone("model", "show", model).out
    assert "nothing that fewer than 5 entities hold" in shown
    disease = next(line.split() for line in shown.splitlines() if "visit.disease" in line)
    assert disease[-2:] == ["1", "40"], "one label, of forty rows"
    dbclone("fit", clinic, "-o", model, "--quiet", "--unprotected")
    assert "UNPROTECTED" in dbclone("model", "show", model).out


def test_the_plan_names_the_entities(clinic: Path) -> None:
    assert dbclone("plan", clinic, "--quiet").out.count("entities: rows of patient") == 2


def test_the_default_is_protected() -> None:
    assert FitOptions().protected
    assert FitOptions().k == K
