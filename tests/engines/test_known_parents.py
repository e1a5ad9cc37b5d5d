"""What a row refers to where the row's owner, its previous sibling or another of its references names it already."""

import random
import sqlite3

import pytest

from tests.commands import dbclone
from tests.hand_made import build

CUSTOMERS, SHOPS, COUNTRIES = 250, 60, 12
DDL = """
CREATE TABLE country (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE hub (id INTEGER PRIMARY KEY, area REAL, country_id INTEGER NOT NULL REFERENCES country);
CREATE TABLE customer (id INTEGER PRIMARY KEY, home INTEGER NOT NULL REFERENCES hub,
  country_id INTEGER NOT NULL REFERENCES country);
CREATE TABLE parcel (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer,
  origin INTEGER NOT NULL REFERENCES hub, goal INTEGER NOT NULL REFERENCES hub,
  ship_country INTEGER NOT NULL REFERENCES country);
CREATE TABLE leg (parcel_id INTEGER NOT NULL REFERENCES parcel, seq INTEGER NOT NULL,
  start INTEGER NOT NULL REFERENCES hub, stop INTEGER NOT NULL REFERENCES hub,
  PRIMARY KEY (parcel_id, seq));
CREATE TABLE carrier (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE van (id INTEGER PRIMARY KEY, plate TEXT, built INTEGER,
  carrier_id INTEGER NOT NULL REFERENCES carrier);
CREATE TABLE driver (id INTEGER PRIMARY KEY, first_name TEXT, hired DATE,
  carrier_id INTEGER NOT NULL REFERENCES carrier);
CREATE TABLE tour (id INTEGER PRIMARY KEY, van_id INTEGER NOT NULL REFERENCES van,
  driver_id INTEGER NOT NULL REFERENCES driver, stops INTEGER);
"""
FACTS = {
    "the first leg starts at the origin": (
        "SELECT avg(start = origin) FROM leg JOIN parcel ON parcel.id = parcel_id WHERE seq = 1", 0.98, 1.0),
    "a leg starts where the one before ended": (
        ("SELECT avg(a.start = b.stop) FROM leg AS a JOIN leg AS b"
        " ON b.parcel_id = a.parcel_id AND b.seq = a.seq - 1"), 0.95, 1.0),
    "the last leg ends at the goal": (
        ("SELECT avg(stop = goal) FROM leg JOIN parcel ON parcel.id = parcel_id"
        " WHERE seq = (SELECT max(seq) FROM leg AS l WHERE l.parcel_id = leg.parcel_id)"), 0.9, 1.0),
    "most parcels start at the customer's hub": (
        "SELECT avg(origin = home) FROM parcel JOIN customer ON customer.id = customer_id", 0.7, 0.9),
    "most parcels go to the customer's country, which is copied": (
        "SELECT avg(ship_country = country_id) FROM parcel JOIN customer ON customer.id = customer_id", 0.8, 0.97),
    "a driver drives the vans of his carrier, which is copied": (
        ("SELECT avg(van.carrier_id = driver.carrier_id) FROM tour JOIN van ON van.id = van_id"
        " JOIN driver ON driver.id = driver_id"), 1.0, 1.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    folder = tmp_path_factory.mktemp("known")
    target = folder / "clone.sqlite"
    assert dbclone("copy", build(folder / "real.sqlite", DDL, rows()), target, "--quiet").code == 0
    return sqlite3.connect(target)


def rows() -> dict[str, list[tuple[object, ...]]]:
    rng = random.Random(3)
    hub = [(n, round(rng.uniform(1, 90), 1), 1 + n % COUNTRIES) for n in range(1, SHOPS + 1)]
    customer = [(n, rng.randint(1, SHOPS), rng.randint(1, COUNTRIES)) for n in range(1, CUSTOMERS + 1)]
    parcel: list[tuple[object, ...]] = []
    leg: list[tuple[object, ...]] = []
    for number, home, country in customer:
        for _ in range(rng.randint(4, 14)):
            origin = home if rng.random() < 0.8 else rng.randint(1, SHOPS)
            way = [origin, *rng.sample([h for h in range(1, SHOPS + 1) if h != origin], rng.randint(1, 4))]
            aim = country if rng.random() < 0.9 else rng.randint(1, COUNTRIES)
            parcel.append((len(parcel) + 1, number, origin, way[-1], aim))
            leg += [(len(parcel), i + 1, way[i], way[i + 1]) for i in range(len(way) - 1)]
    van = [(n, f"AB {n:04d}", rng.randint(2005, 2024), 1 + n % 8) for n in range(1, 91)]
    names = ["Ada", "Bo", "Cy", "Di", "Ed"]
    driver = [(n, rng.choice(names), f"20{n % 20:02d}-05-01", 1 + n % 8) for n in range(1, 121)]
    pairs = [(v[0], rng.choice([d[0] for d in driver if d[3] == v[3]])) for v in rng.choices(van, k=900)]
    return {
        "country": [(n, f"C{n:02d}") for n in range(1, COUNTRIES + 1)],
        "hub": hub, "customer": list(customer), "parcel": parcel, "leg": leg,
        "carrier": [(n, f"carrier {n}") for n in range(1, 9)], "van": van, "driver": driver,
        "tour": [(n, v, d, rng.randint(3, 60)) for n, (v, d) in enumerate(pairs, 1)],
    }  # fmt: skip


@pytest.mark.parametrize("fact", FACTS)
def test_references_agree_as_they_do_in_the_source(clone: sqlite3.Connection, fact: str) -> None:
    question, least, most = FACTS[fact]
    assert least <= clone.execute(question).fetchone()[0] <= most
