"""What clones keep of dates: calendars, distances, order in time, and which of two stories a row belongs to."""

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dbclone.cloning import clone
from dbclone.options import CloneOptions
from dbclone.progress import Silent

Days = list[int]
FIRST = dt.date(2022, 1, 1)

SCHEMA = """
CREATE TABLE client (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, spent REAL NOT NULL, first_parcel DATE);
CREATE TABLE parcel (
    id INTEGER PRIMARY KEY, client INTEGER NOT NULL REFERENCES client, sent_at TIMESTAMP NOT NULL,
    arrived_at TIMESTAMP, returned_on DATE, total REAL NOT NULL, CHECK (arrived_at > sent_at));
CREATE TABLE item (id INTEGER PRIMARY KEY, parcel INTEGER NOT NULL REFERENCES parcel, price REAL NOT NULL);
CREATE TABLE complaint (
    id INTEGER PRIMARY KEY, client INTEGER NOT NULL REFERENCES client, parcel INTEGER NOT NULL REFERENCES parcel,
    made_on DATE NOT NULL);
CREATE TABLE bill (
    id INTEGER PRIMARY KEY, client INTEGER NOT NULL REFERENCES client, due_on DATE NOT NULL, paid_on DATE NOT NULL,
    UNIQUE (client, due_on));
"""


def month_end(months: int) -> dt.date:
    """The last day of the month so many months after the first."""
    year, month = divmod(months + 1, 12)
    return dt.date(2022 + year, month + 1, 1) - dt.timedelta(days=1)


def fill(path: Path) -> None:
    """Clients with parcels that arrive minutes later, complaints on the day after, and bills at each month's end."""
    rng = np.random.default_rng(3)
    with sqlite3.connect(path) as db:
        db.executescript(SCHEMA)
        for client in range(1, 301):
            spent, first = 0.0, None
            moment = dt.datetime(2022, 1, 1) + dt.timedelta(minutes=int(rng.integers(300_000)))
            db.execute("INSERT INTO client VALUES (?, ?, 0, NULL)", (client, str(rng.choice(["shop", "home"]))))
            for _ in range(int(rng.integers(1, 7))):
                moment += dt.timedelta(minutes=int(rng.integers(1_000, 90_000)))
                later = dt.timedelta(minutes=int(rng.choice([10, 20, 30, 40])))
                arrived = None if rng.random() < 0.3 else moment + later
                prices = np.round(rng.exponential(20, int(rng.integers(1, 4))) + 1, 2)
                total = float(np.round(prices.sum(), 2))
                back = None if rng.random() < 0.5 else (moment.date() + dt.timedelta(days=14)).isoformat()
                row = (client, moment.isoformat(" "), arrived and arrived.isoformat(" "), back, total)
                parcel = db.execute(
                    "INSERT INTO parcel (client, sent_at, arrived_at, returned_on, total) VALUES (?, ?, ?, ?, ?)", row
                ).lastrowid
                db.executemany("INSERT INTO item (parcel, price) VALUES (?, ?)", [(parcel, p) for p in prices.tolist()])
                if rng.random() < 0.4:
                    row = (client, parcel, (moment.date() + dt.timedelta(days=1)).isoformat())
                    db.execute("INSERT INTO complaint (client, parcel, made_on) VALUES (?, ?, ?)", row)
                spent, first = spent + total, first or moment
            db.execute("UPDATE client SET spent = ? WHERE id = ?", (round(spent, 2), client))
            start = int(rng.integers(0, 12))
            for months in range(start, start + int(rng.integers(3, 12))):
                late = 0 if rng.random() < 0.8 else int(rng.integers(1, 25))
                due = month_end(months)
                paid = due + dt.timedelta(days=late)
                db.execute(
                    "INSERT INTO bill (client, due_on, paid_on) VALUES (?, ?, ?)",
                    (client, due.isoformat(), paid.isoformat()),
                )
    db.close()


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], float]:
    """Answers a question of one number about the clone."""
    folder = tmp_path_factory.mktemp("dates")
    fill(folder / "source.sqlite")
    clone(str(folder / "source.sqlite"), str(folder / "target.sqlite"), CloneOptions(), Silent())

    def answer(sql: str) -> float:
        with sqlite3.connect(folder / "target.sqlite") as db:
            return float(db.execute(sql).fetchone()[0])

    return answer


def test_what_is_due_at_the_end_of_months_stays_there(ask: Callable[[str], float]) -> None:
    assert ask("SELECT avg(strftime('%d', due_on, '+1 day') = '01') FROM bill") == 1.0


def test_bills_come_month_after_month(ask: Callable[[str], float]) -> None:
    pairs = "SELECT due_on, lag(due_on) OVER (PARTITION BY client ORDER BY due_on) AS before FROM bill"
    assert ask(f"SELECT avg(julianday(due_on) - julianday(before) <= 31) FROM ({pairs})") > 0.97


def test_most_bills_are_paid_on_the_day_they_are_due(ask: Callable[[str], float]) -> None:
    assert ask("SELECT avg(paid_on = due_on) FROM bill") == pytest.approx(0.8, abs=0.05)
    assert ask("SELECT min(julianday(paid_on) - julianday(due_on)) FROM bill") >= 0


def test_what_lies_at_one_distance_for_all_does_so_in_the_clone(ask: Callable[[str], float]) -> None:
    gap = "julianday(returned_on) - julianday(date(sent_at))"
    assert ask(f"SELECT avg({gap} = 14) FROM parcel WHERE returned_on IS NOT NULL") > 0.97


def test_what_ends_on_the_day_it_began_ends_some_minutes_later(ask: Callable[[str], float]) -> None:
    """Not all: a moment that would be a real one moves."""
    assert ask("SELECT avg(arrived_at IS NULL) FROM parcel") == pytest.approx(0.3, abs=0.06)
    minutes = "(julianday(arrived_at) - julianday(sent_at)) * 1440"
    assert ask(f"SELECT avg({minutes} BETWEEN 5 AND 45) FROM parcel WHERE arrived_at IS NOT NULL") > 0.9


def test_a_complaint_is_about_a_parcel_of_the_day_before(ask: Callable[[str], float]) -> None:
    gap = "julianday(made_on) - julianday(date(sent_at))"
    joined = "complaint JOIN parcel ON parcel.id = complaint.parcel"
    assert ask(f"SELECT avg({gap} = 1) FROM {joined}") > 0.6
    assert ask(f"SELECT avg(complaint.client = parcel.client) FROM {joined}") == 1.0


def test_totals_of_totals_add_up(ask: Callable[[str], float]) -> None:
    """A parcel is the sum of its items, and a client of their parcels."""
    items = "SELECT coalesce(sum(price), 0) FROM item WHERE parcel = parcel.id"
    assert ask(f"SELECT avg(abs(total - ({items})) < .02) FROM parcel") == 1.0
    parcels = "SELECT coalesce(sum(total), 0) FROM parcel WHERE client = client.id"
    assert ask(f"SELECT avg(abs(spent - ({parcels})) < .02) FROM client") == 1.0
    assert ask("SELECT avg(spent) FROM client") > 50


def test_of_usual_distances_one_is_chosen_that_leads_to_nobodys_date(tmp_path: Path) -> None:
    """Guests stay one to eight nights, over more days than there are guests: nearly every date is somebody's alone."""
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    rng = np.random.default_rng(7)
    came = [FIRST + dt.timedelta(days=int(day)) for day in rng.integers(0, 2_000, size=600)]
    left = [
        day + dt.timedelta(days=int(nights)) for day, nights in zip(came, rng.integers(1, 9, size=600), strict=True)
    ]
    with sqlite3.connect(source) as db:
        db.execute("CREATE TABLE guest (id INTEGER PRIMARY KEY, came_on DATE NOT NULL, left_on DATE NOT NULL)")
        pairs = [(a.isoformat(), b.isoformat()) for a, b in zip(came, left, strict=True)]
        db.executemany("INSERT INTO guest (came_on, left_on) VALUES (?, ?)", pairs)
    clone(str(source), str(target), CloneOptions(), Silent())
    with sqlite3.connect(target) as db:
        there = db.execute("SELECT left_on, julianday(left_on) - julianday(came_on) FROM guest").fetchall()
    real = [day for _, day in pairs]
    rare = {day for day in real if real.count(day) < 5}
    assert np.mean([1 <= nights <= 8 for _, nights in there]) > 0.97
    assert sum(day in rare for day, _ in there) <= 12
