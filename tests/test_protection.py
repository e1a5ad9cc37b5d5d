"""What leaves a database by default: nothing that fewer than five entities hold, in the clone or in the model file."""

import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dbclone import examples, rendering
from dbclone.archive import load
from dbclone.auditing import audit_database
from dbclone.cloning import check_database, describe_model, fit_model, generate_from
from dbclone.engines.forest import ForestModel
from dbclone.fidelity import compare
from dbclone.inspection import inspect, inspection_document, plan_document
from dbclone.options import AuditOptions, CloneOptions, CompareOptions, FitOptions
from dbclone.plan import ColumnRole, Plan, TableRole
from dbclone.progress import Silent
from dbclone.report import CloneSummary, ModelSummary, as_json
from tests.commands import dbclone
from tests.rare_values import Tables, common_texts, excuses, rare_texts, rare_values, rows_of

K = 5
WORD = re.compile(r"[^\W\d_]{3,}")
LONG = 12
"""Letters from which on a text does not stand in a model by chance."""
EXAMPLES = ("shop", "clinic", "bank")
slow = pytest.mark.slow
SETS = (
    "shop", "clinic", pytest.param("bank", marks=slow),
    "biodegradability", "chinook", pytest.param("nafld", marks=slow), pytest.param("rossmann", marks=slow),
    pytest.param("movielens100k", marks=slow), pytest.param("completejourney", marks=slow),
    pytest.param("synthea27nj", marks=slow),
)  # fmt: skip


class Said:
    """What commands print, as text and as JSON."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        self.strings: list[str] = []
        """Those of the JSON, names of fields included."""

    def add(self, document: object) -> None:
        self.strings += _strings(json.loads(as_json(document)), names=True)

    @property
    def whole(self) -> str:
        return "\n".join((self.text.getvalue(), *self.strings))


class Cloned:
    """A real database, its model file and its clone."""

    def __init__(self, source: Path, folder: Path, allowed: int = 0) -> None:
        self.allowed = allowed
        self.file = folder / "model.dbclone"
        self.paths = str(source), str(folder / "clone.sqlite")
        self.plan: Plan = fit_model(str(source), self.file, CloneOptions(), Silent())
        summary = generate_from(self.file, self.paths[1], CloneOptions(), Silent())
        self.report = self._reported(describe_model(self.file), summary)
        """Everything that any command says of source, model and clone but for the measures, as text."""
        self.source: Tables = rows_of(source, self.plan)
        self.target: Tables = rows_of(folder / "clone.sqlite", self.plan)

    def _reported(self, model: ModelSummary, summary: CloneSummary) -> Said:
        said, checked = Said(), check_database(self.paths[1], self.paths[0], Silent())
        made = inspect(self.plan.schema, {t.table: t.rows for t in self.plan.tables}, self.plan)
        rendering.print_plan(self.plan, said.text, whole_ledger=True)
        rendering.print_model(model, said.text)
        rendering.print_summary(summary, said.text)
        rendering.print_inspection(made, "source", said.text)
        rendering.print_check(checked, said.text)
        for document in (plan_document(self.plan), inspection_document(made), model, summary, checked):
            said.add(document)
        return said

    def measured(self) -> Said:
        """What the commands say that measure a clone."""
        said = Said()
        likeness = compare(*self.paths, CompareOptions(max_rows=500), Silent())
        attacks = audit_database(self.paths[0], AuditOptions(), Silent())
        rendering.print_fidelity(likeness, said.text)
        rendering.print_audit(attacks, said.text)
        said.add(likeness)
        said.add(attacks)
        return said

    def personal(self) -> Iterator[tuple[str, str]]:
        """Every string of the source's columns of personal data, with the kind of its column."""
        for table in self.plan.tables:
            for column in table.columns:
                if column.kind.startswith("pii:") and column.role is ColumnRole.VALUE:
                    texts = pc.unique(self.source[table.table].column(column.column).cast(pa.string())).drop_null()
                    yield from ((text, column.kind) for text in texts.to_pylist())

    def personal_words(self) -> set[str]:
        """Their words of three letters and more; of mail addresses without the domain, which k entities may share."""
        return {word for text, kind in self.personal() for word in WORD.findall(_local_part(text, kind))}

    def public_words(self) -> set[str]:
        """Words that stand in a model for another reason: those of the schema, of tables that are copied as they
        are, and of labels that k entities hold in a column that is not personal.
        """
        texts = [repr(self.plan.schema), *common_texts(self.plan, self.source, K)]
        for table in self.plan.tables:
            if table.role is TableRole.COPY:
                texts += [str(row) for row in self.source[table.table].to_pylist()]
        return {word for text in texts for word in WORD.findall(text)}


def _local_part(text: str, kind: str) -> str:
    return text.partition("@")[0] if kind == "pii:email" else text


def strings_of(file: Path) -> list[str]:
    """All texts in a model file: those of its JSON but for names of classes, and of its Arrow tables."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    found = list(_strings(json.loads(entries["model.json"])))
    for name, data in entries.items():
        if name.endswith(".arrow"):
            for column in pa.ipc.open_stream(data).read_all().itercolumns():
                found += [str(value) for value in column.to_pylist() if value is not None]
        elif name.endswith(".npy"):
            assert np.load(io.BytesIO(data), allow_pickle=False).dtype.kind in "biuf"
    return found


def _strings(tree: object, *, names: bool = False) -> Iterator[str]:
    if isinstance(tree, str) and not tree.startswith("dbclone."):
        yield tree
    if isinstance(tree, dict):
        yield from tree if names else ()
    for part in tree if isinstance(tree, list) else tree.values() if isinstance(tree, dict) else ():
        yield from _strings(part, names=names)


@pytest.fixture(scope="module", params=SETS)
def cloned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
           real_sqlite: Callable[[str], Path]) -> Cloned:  # fmt: skip
    folder = tmp_path_factory.mktemp("cloned")
    if request.param in EXAMPLES:
        examples.build_sqlite(request.param, folder / "example.sqlite")
        return Cloned(folder / "example.sqlite", folder, allowed=3)
    return Cloned(real_sqlite(request.param), folder)


@pytest.mark.timeout(300)
def test_no_value_of_fewer_than_five_entities_stands_in_the_clone(cloned: Cloned) -> None:
    """In any column of a protected table, made-up persons included: not one, however crowded its range.

    Excepted is what nobody chooses: what formulas come to, and totals over rows that are tied to their owner, how many
    rows there are, what a table holds that is copied as it is, and a range of which every number is somebody's and
    none that of k entities, or that a key needs whole.  Of dates, those of a calendar of which most days are in use,
    and those that follow by rule from a made-up one.  In the examples, where many conditions meet, three values of a
    column more: those to which the row's other dates leave no choice.
    """
    model = load(cloned.file)
    assert isinstance(model, ForestModel)
    excused = excuses(model)
    hits = [h for h in rare_values(cloned.plan, cloned.source, cloned.target, K) if h.hit > cloned.allowed]
    assert not [h for h in hits if (h.table, h.column) not in excused]


def test_no_string_of_personal_data_stands_in_the_model_file_or_in_any_report(cloned: Cloned) -> None:
    """Neither as a text of its own, however short, nor, where it is long enough to be no chance, within one."""
    assert not personal_strings(cloned, cloned.report, strings_of(cloned.file))


@pytest.mark.timeout(600)
def test_no_string_of_personal_data_is_told_by_what_measures_a_clone(cloned: Cloned) -> None:
    pytest.importorskip("xgboost")
    if not any(True for _ in cloned.personal()):
        pytest.skip("nothing personal")
    assert not personal_strings(cloned, cloned.measured())


def personal_strings(cloned: Cloned, said: Said, held: Sequence[str] = ()) -> set[str]:
    """The source's personal strings that stand in what is said, or among texts that are held."""
    known = set(common_texts(cloned.plan, cloned.source, K)) | cloned.public_words()
    personal = {text for text, _ in cloned.personal() if len(text) >= 3} - known
    whole = "\n".join((*held, said.whole))
    found = personal & {*held, *said.strings, *said.whole.split()}
    return found | {text for text in personal if len(text) >= LONG and text in whole}


def test_no_word_of_personal_data_stands_in_the_model_file_or_in_any_report(cloned: Cloned) -> None:
    held = {word for text in (*strings_of(cloned.file), cloned.report.whole) for word in WORD.findall(text)}
    assert not (cloned.personal_words() - cloned.public_words()) & held


def test_no_text_of_fewer_than_five_entities_stands_in_the_model_file_or_in_any_report(cloned: Cloned) -> None:
    """Of any column of a protected table, personal or not, if it is long enough to be found by nothing but itself.

    A text that k entities hold in another column may stand there, as what it is in that one.
    """
    with zipfile.ZipFile(cloned.file) as archive:
        held = archive.read("model.json").decode() + cloned.report.whole
    rare = {text for text in rare_texts(cloned.plan, cloned.source, K) if len(text) >= LONG}
    rare -= set(common_texts(cloned.plan, cloned.source, K))
    escaped = (json.dumps(text)[1:-1] for text in rare)
    assert not [text for text in escaped if text in held]


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


def test_a_model_file_shows_what_is_in_it(clinic: Path, tmp_path: Path) -> None:
    """Whoever must let it leave sees labels, bounds, whose rows are counted, and how few rows any rule rests on."""
    model = tmp_path / "clinic.dbclone"
    dbclone("fit", clinic, "-o", model, "--quiet")
    shown = dbclone("model", "show", model).out
    assert "2 labels: asthma, influenza" in shown or "2 labels: influenza, asthma" in shown
    assert "elephantiasis" not in shown
    assert "311" not in shown, "the weight that one patient alone has"
    told = json.loads(dbclone("model", "show", model, "--json").out)
    assert {table["entity"] for table in told["tables"]} == {"patient"}
    assert {rule["table"] for rule in told["rules"]} == {"patient", "visit"}
    assert all(rule["trees"] and rule["leaves"] for rule in told["rules"])
    assert all(rule["smallest"] == 0 or rule["smallest"] >= K for rule in told["rules"])


def test_a_column_without_values_is_shown_as_such(tmp_path: Path) -> None:
    path, model = tmp_path / "one.sqlite", tmp_path / "one.dbclone"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE firm (id INTEGER PRIMARY KEY, founded DATE, closed DATE)")
        db.execute("INSERT INTO firm VALUES (1, '2017-05-02', NULL)")
    assert dbclone("fit", path, "-o", model, "--quiet").code == 0
    shown = {line.split()[0]: line for line in dbclone("model", "show", model).out.splitlines() if "firm." in line}
    assert "2017-05-02" not in shown["firm.founded"]
    assert "no value: it is always NULL" in shown["firm.closed"]


def test_of_dates_that_fewer_than_five_have_only_the_decade_is_told(tmp_path: Path) -> None:
    path, model = tmp_path / "firms.sqlite", tmp_path / "firms.dbclone"
    dates = [("1987-03-17", "1994-08-23 11:42:07"), ("1987-04-02", "1994-09-03 16:02:55"), ("1987-05-11", None)]
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE firm (id INTEGER PRIMARY KEY, founded DATE, opened TIMESTAMP)")
        db.executemany("INSERT INTO firm (founded, opened) VALUES (?, ?)", dates)
    assert dbclone("fit", path, "-o", model, "--quiet").code == 0
    shown = {line.split()[0]: line for line in dbclone("model", "show", model).out.splitlines() if "firm." in line}
    assert "1980-01-01 to 1980-01-01" in shown["firm.founded"]
    assert "1990-01-01 00:00:00 to 1990-01-01 00:00:00" in shown["firm.opened"]
    with zipfile.ZipFile(model) as archive:
        held = [n for name in archive.namelist() if name.endswith(".npy") for n in _numbers(archive.read(name))]
        held += [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e\d+)?", archive.read("model.json").decode())]
    days = {round(n) for n in held} | {round(n / 86_400_000_000) for n in held}
    assert not days & set(range(6_250, 6_350)), "days since 1970 of a summer of 1987"
    assert not days & set(range(8_980, 9_060))


def _numbers(data: bytes) -> Iterator[float]:
    array = np.load(io.BytesIO(data), allow_pickle=False)
    yield from array.astype(np.float64).ravel().tolist() if array.dtype.kind in "if" else ()


def test_the_plan_names_the_entities(clinic: Path) -> None:
    assert dbclone("plan", clinic, "--quiet").out.count("entities: rows of patient") == 2


def test_the_default_is_protected() -> None:
    assert FitOptions().protected
    assert FitOptions().k == K


def test_an_unprotected_clone_says_so_even_when_quiet(clinic: Path, tmp_path: Path) -> None:
    quiet = dbclone("copy", clinic, tmp_path / "a.sqlite", "--unprotected", "--quiet")
    assert "UNPROTECTED" in quiet.err
    told = json.loads(dbclone("copy", clinic, tmp_path / "b.sqlite", "--unprotected", "--json", "--quiet").out)
    assert "unprotected" in [finding["code"] for finding in told["findings"]]
    audited = dbclone("audit", clinic, "--unprotected", "--quiet", "--json")
    assert "UNPROTECTED" in audited.err
    assert json.loads(audited.out)["k"] == 0
    assert "UNPROTECTED" not in dbclone("copy", clinic, tmp_path / "c.sqlite", "--quiet").err


LESSONS = """
CREATE TABLE course (id INTEGER PRIMARY KEY, day INTEGER NOT NULL);
CREATE TABLE student (id INTEGER PRIMARY KEY, height INTEGER NOT NULL);
CREATE TABLE lesson (
    course_id INTEGER NOT NULL REFERENCES course, number INTEGER NOT NULL,
    student_id INTEGER NOT NULL REFERENCES student, remark TEXT, PRIMARY KEY (course_id, number));
CREATE TABLE clerk (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
CREATE TABLE slip (id INTEGER PRIMARY KEY, clerk_id INTEGER NOT NULL REFERENCES clerk, pay INTEGER NOT NULL);
CREATE TABLE customer (id INTEGER PRIMARY KEY, clerk_id INTEGER NOT NULL REFERENCES clerk, phone TEXT NOT NULL);
"""


@pytest.fixture
def school(tmp_path: Path) -> Path:
    """Lessons stand in order within courses, but are taken by students; clerks are few."""
    path = tmp_path / "school.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript(LESSONS)
        db.executemany("INSERT INTO course VALUES (?, ?)", [(i, i % 5) for i in range(1, 41)])
        db.executemany("INSERT INTO student VALUES (?, ?)", [(i, 150 + i % 40) for i in range(1, 101)])
        lessons = [(c, n, 1 + (c * 7 + n * 13) % 100) for c in range(1, 41) for n in range(1, 21)]
        remark = {7: "dyscalculia"}
        db.executemany(
            "INSERT INTO lesson VALUES (?, ?, ?, ?)",
            [(c, n, s, remark.get(s, ("good", "fair")[n % 2])) for c, n, s in lessons],
        )
        db.executemany("INSERT INTO clerk VALUES (?, ?)", [(i, f"c{i}@firm.org") for i in range(1, 7)])
        db.executemany(
            "INSERT INTO slip (clerk_id, pay) VALUES (?, ?)", [(1 + i % 6, 2000 + 111 * (i % 6)) for i in range(240)]
        )
        db.executemany(
            "INSERT INTO customer (clerk_id, phone) VALUES (?, ?)", [(1 + i % 6, f"+49 30 {i:06}") for i in range(90)]
        )
    return path


def test_rows_belong_to_the_person_they_hang_from_whatever_drives_their_table(school: Path) -> None:
    plan = json.loads(dbclone("plan", school, "--json", "--quiet").out)
    entities = {table["table"]: table["entity"] for table in plan["tables"]}
    assert entities == {
        "course": "course", "student": "student", "lesson": "student",
        "clerk": "clerk", "slip": "clerk", "customer": "customer",
    }  # fmt: skip


def test_what_one_person_alone_has_is_rare_however_many_families_hold_it(school: Path, tmp_path: Path) -> None:
    """Dyscalculia stands in the lessons of many courses, and each pay on forty slips: of one student, of one clerk."""
    target = tmp_path / "clone.sqlite"
    assert dbclone("copy", school, target, "--quiet").code == 0
    with sqlite3.connect(target) as db:
        assert {r for (r,) in db.execute("SELECT DISTINCT remark FROM lesson")} <= {"good", "fair", None}
        assert not {p for (p,) in db.execute("SELECT DISTINCT pay FROM slip")} & {2000 + 111 * i for i in range(6)}


CODED = """
CREATE TABLE member (id INTEGER PRIMARY KEY, badge TEXT NOT NULL UNIQUE, zone TEXT, number INTEGER NOT NULL UNIQUE);
"""


def test_short_codes_and_scattered_numbers_of_members_are_nobodys_in_the_clone(tmp_path: Path) -> None:
    """Of 676 zones and 900,000 numbers so many are in use that chance alone would meet dozens."""
    path, target = tmp_path / "members.sqlite", tmp_path / "clone.sqlite"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    rows = [
        (i, f"{letters[i % 26]}{letters[i * 7 % 26]}{(i * 37) % 1000:03}",
         letters[i * 3 % 26] + letters[i * 11 % 26 - 1], 100_000 + (i * 7919) % 900_000)
        for i in range(1, 500)
    ]  # fmt: skip
    with sqlite3.connect(path) as db:
        db.executescript(CODED)
        db.executemany("INSERT INTO member VALUES (?, ?, ?, ?)", rows)
    assert dbclone("copy", path, target, "--quiet").code == 0
    with sqlite3.connect(path) as real, sqlite3.connect(target) as made:
        for column in ("badge", "number"):
            held, drawn = ({v for (v,) in db.execute(f"SELECT {column} FROM member")} for db in (real, made))
            assert len(drawn) > 450
            assert not held & drawn, column
