"""Dates that two tables of one owner share: a diagnosis is made on a day of the laboratory's."""

import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path

from tests.commands import dbclone
from tests.hand_made import build

DDL = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, born INTEGER NOT NULL);
CREATE TABLE diagnosis (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient, made DATE NOT NULL,
  code TEXT NOT NULL);
CREATE TABLE lab (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient, taken DATE NOT NULL,
  value REAL NOT NULL);
"""
TOGETHER = """SELECT avg(EXISTS (SELECT 1 FROM lab WHERE lab.patient_id = d.patient_id AND taken = made)), count(*)
    FROM diagnosis AS d"""


def test_nearly_as_many_dates_are_shared_as_in_the_source(tmp_path: Path) -> None:
    rng = random.Random(2)
    patients, labs, diagnoses = [], [], []
    for patient in range(1, 401):
        patients.append((patient, rng.randint(1930, 2005)))
        day = date(2015, 1, 1) + timedelta(rng.randint(0, 900))
        days = [day := day + timedelta(rng.randint(5, 200)) for _ in range(rng.randint(3, 14))]
        labs += [(len(labs) + i, patient, str(d), round(rng.gauss(5, 1), 2)) for i, d in enumerate(days, 1)]
        for _ in range(rng.randint(1, 6)):
            made = rng.choice(days) if rng.random() < 0.6 else days[0] + timedelta(rng.randint(0, 1000))
            diagnoses.append((len(diagnoses) + 1, patient, str(made), rng.choice("ABC")))
    source = build(tmp_path / "real.sqlite", DDL, {"patient": patients, "diagnosis": diagnoses, "lab": labs})
    target = tmp_path / "clone.sqlite"
    assert dbclone("copy", source, target, "--quiet").code == 0
    (real, rows), (made_up, drawn) = (sqlite3.connect(p).execute(TOGETHER).fetchone() for p in (source, target))
    assert real > 0.6
    assert real - 0.15 < made_up < real + 0.05  # a date of the one table may be rare in the other
    assert abs(drawn - rows) < 0.1 * rows
