"""Families end when they do in the source: nearly all that still go on, on the last day that was observed."""

import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.commands import dbclone
from tests.hand_made import build

SQL = """CREATE TABLE member (id INTEGER PRIMARY KEY, joined DATE NOT NULL, plan TEXT NOT NULL);
CREATE TABLE visit (id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES member, at DATE NOT NULL,
minutes INTEGER NOT NULL)"""
START, END = date(2023, 1, 1), date(2023, 12, 31)


def history(rng: random.Random) -> list[date]:
    """Visits at any distance; of four members one leaves, the others are there on the last day."""
    day = START + timedelta(rng.randint(0, 60))
    last = END if rng.random() < 0.75 else day + timedelta(rng.randint(60, 200))
    days = []
    while day < last:
        days.append(day)
        day += timedelta(rng.choice([3, 7, 7, 14, 30]) + rng.randint(0, 9))
    return [*days, last]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, rng, visits, members = tmp_path_factory.mktemp("endings"), random.Random(8), [], []
    for member in range(1, 401):
        days = history(rng)
        members.append((member, (days[0] - timedelta(rng.randint(0, 30))).isoformat(), rng.choice(["basic", "gold"])))
        visits += [(None, member, day.isoformat(), rng.randint(20, 90)) for day in days]
    source = build(folder / "gym.sqlite", SQL, {"member": members, "visit": visits})
    assert dbclone("copy", source, folder / "clone.sqlite", "--quiet").code == 0
    return source, folder / "clone.sqlite"


def last_days(path: Path) -> np.ndarray:
    """Days since 2023 began, of each member's last visit."""
    rows = sqlite3.connect(path).execute("SELECT julianday(max(at)) - 2459945.5 FROM visit GROUP BY member_id")
    return np.array([row[0] for row in rows])


def test_most_histories_end_on_the_last_day(databases: tuple[Path, Path]) -> None:
    real, made = (float(np.mean(last_days(path) == (END - START).days)) for path in databases)
    assert 0.7 < real < 0.8
    assert abs(made - real) < 0.1


def test_those_that_end_before_do_so_when_they_did(databases: tuple[Path, Path]) -> None:
    real, made = (days[days < (END - START).days] for days in map(last_days, databases))
    assert abs(np.median(made) - np.median(real)) < 25
    assert abs(made.std() - real.std()) < 0.3 * real.std()


def test_days_do_not_pile_up_before_the_end(databases: tuple[Path, Path]) -> None:
    """A history that has come to its end too early would repeat its last day."""
    repeated = "SELECT avg(n > 1) FROM (SELECT count(*) AS n FROM visit GROUP BY member_id, at)"
    real, made = (sqlite3.connect(path).execute(repeated).fetchone()[0] for path in databases)
    assert made < real + 0.03
