"""What the children of one parent have together: the tests of a patient, drawn as a set."""

import random
import sqlite3
from collections import Counter
from pathlib import Path

from tests.commands import dbclone
from tests.hand_made import build

SETS = ("AB", "AC", "CDE", "F", "ABCDEF", "BD")
DDL = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, age INTEGER NOT NULL);
CREATE TABLE result (patient_id INTEGER NOT NULL REFERENCES patient, n INTEGER NOT NULL, test TEXT NOT NULL,
  value REAL NOT NULL, PRIMARY KEY (patient_id, n));
"""


def sets_of(path: Path) -> Counter[str]:
    rows = sqlite3.connect(path).execute("SELECT patient_id, test FROM result").fetchall()
    of: dict[int, set[str]] = {}
    for patient, test in rows:
        of.setdefault(patient, set()).add(test)
    return Counter("".join(sorted(tests)) for tests in of.values())


def test_the_children_of_a_parent_have_the_labels_of_a_set_that_parents_have(tmp_path: Path) -> None:
    rng = random.Random(11)
    patients, results = [], []
    for patient in range(1, 601):
        tests = rng.choices(SETS, weights=[5, 3, 3, 2, 1, 4])[0]
        patients.append((patient, rng.randint(20, 90)))
        made = list(tests) + [rng.choice(tests) for _ in range(rng.randint(3, 20))]
        rng.shuffle(made)
        results += [(patient, n, test, round(rng.gauss(50, 9), 1)) for n, test in enumerate(made, 1)]
    source = build(tmp_path / "real.sqlite", DDL, {"patient": patients, "result": results})
    target = tmp_path / "clone.sqlite"
    assert dbclone("copy", source, target, "--quiet").code == 0
    real, made_up = sets_of(source), sets_of(target)
    assert sum(made_up[s] for s in SETS) == made_up.total()
    assert all(abs(real[s] / real.total() - made_up[s] / made_up.total()) < 0.06 for s in SETS)
