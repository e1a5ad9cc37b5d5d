"""Columns that are computed from others in the source are so in a clone: parts of dates, spans, decimals, scales."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from tests.commands import dbclone
from tests.hand_made import build

N = 3_000
SQL = """CREATE TABLE plane (tail INTEGER PRIMARY KEY, seats INTEGER, built INTEGER);
CREATE TABLE flight (id INTEGER PRIMARY KEY, tail INTEGER REFERENCES plane, year INT, month INT, day INT, weekday INT,
quarter INT, week INT, period INT, flight_date DATE, departure INT, hour INT, minute INT, scheduled TIMESTAMP,
landed TIMESTAMP, minutes INT, net NUMERIC(8,2), vat NUMERIC(8,2), gross NUMERIC(8,2), kilograms NUMERIC(8,1),
pounds NUMERIC(8,1), litres INT, hours_open INT)"""
RULES = {
    "a year": "year = CAST(strftime('%Y', flight_date) AS INT)",
    "a month": "month = CAST(strftime('%m', flight_date) AS INT)",
    "a day": "day = CAST(strftime('%d', flight_date) AS INT)",
    "a weekday": "weekday % 7 = CAST(strftime('%w', flight_date) AS INT)",
    "a quarter": "quarter = (month + 2) / 3",
    "a year and month": "period = 100 * year + month",
    "the same day": "date(scheduled) = flight_date",
    "hundreds": "hour = departure / 100 AND minute = departure % 100",
    "an hour": "hour = CAST(strftime('%H', scheduled) AS INT)",
    "a span": "minutes = round((julianday(landed) - julianday(scheduled)) * 1440)",
    "a rate": "abs(vat - 0.19 * net) < 0.0051",
    "a sum": "abs(gross - net - vat) < 0.0001",
    "a unit": "abs(pounds - 2.20462 * kilograms) < 0.051",
    "a product with a factor": "abs(litres - 0.07 * minutes * kilograms) <= 0.51",
}


def flights() -> Iterator[tuple[object, ...]]:
    rng = random.Random(3)
    for i in range(N):
        day, start, air = (
            date(2022, 1, 1) + timedelta(rng.randint(0, 729)),
            rng.randint(300, 1_300),
            rng.randint(40, 400),
        )
        at = datetime.combine(day, time()) + timedelta(minutes=start)
        net, kilograms = round(rng.lognormvariate(5, 0.6), 2), round(rng.uniform(5, 300), 1)
        vat, (hour, minute) = round(0.19 * net, 2), divmod(start, 60)
        parts = day.year, day.month, day.day, day.isoweekday(), (day.month + 2) // 3, day.isocalendar()[1]
        dates = 100 * day.year + day.month, day.isoformat(), 100 * hour + minute, hour, minute
        moments = str(at), str(at + timedelta(minutes=air)), air
        litres = round(0.07 * air * kilograms)
        sums = net, vat, round(net + vat, 2), kilograms, round(2.20462 * kilograms, 1), litres, rng.randint(1, 9)
        yield i + 1, rng.randint(1, 100), *parts, *dates, *moments, *sums


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("computed")
    planes = [(tail, 60 * (tail % 4 + 1), 1985 + tail % 30) for tail in range(1, 101)]
    source = build(folder / "flights.sqlite", SQL, {"plane": planes, "flight": list(flights())})
    assert dbclone("copy", source, folder / "clone.sqlite", "--quiet").code == 0
    return folder / "clone.sqlite"


@pytest.mark.parametrize("rule", RULES)
def test_what_is_computed_stays_so(clone: Path, rule: str) -> None:
    kept, rows = sqlite3.connect(clone).execute(f"SELECT sum({RULES[rule]}), count(*) FROM flight").fetchone()
    assert rows > 0.9 * N
    assert kept == rows
