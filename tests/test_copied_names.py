"""A person's name and address, copied elsewhere in the source, are one person's in the clone as well."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import dbclone

SCHEMA = """
CREATE TABLE customer (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT,
  shown TEXT GENERATED ALWAYS AS (name || ' (' || id || ')'));
CREATE TABLE purchase (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), customer_name TEXT NOT NULL,
  ship_name VARCHAR(30) NOT NULL, contact_name TEXT, amount REAL);
CREATE TABLE line (
  id INTEGER PRIMARY KEY, purchase_id INTEGER NOT NULL REFERENCES purchase (id), buyer_name TEXT, quantity INTEGER);
CREATE TABLE parcel (id INTEGER PRIMARY KEY, line_id INTEGER NOT NULL REFERENCES line (id), phone TEXT);
CREATE TABLE ticket (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL REFERENCES customer (email), reporter_name TEXT, subject INTEGER);
CREATE TABLE employee (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss_id INTEGER REFERENCES employee (id), boss_name TEXT);
"""
FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ida", "Jon", "Kim", "Lea", "Max", "Nora", "Otto",
         "Pia", "Quin", "Rosa", "Sam", "Tea")  # fmt: skip
LAST = ("Adler", "Braun", "Conti", "Dahl", "Engel", "Frank", "Haas", "Issel", "Jung", "Kern", "Lang", "Moll", "Noll",
        "Ott", "Pohl", "Rau", "Sohn", "Tietz", "Uhl")  # fmt: skip
TO_CUSTOMER = "purchase p JOIN customer c ON c.id = p.customer_id"
TO_PURCHASE = f"line l JOIN {TO_CUSTOMER.replace('purchase p', 'purchase p ON p.id = l.purchase_id')}"
TO_LINE = f"parcel b JOIN {TO_PURCHASE.replace('line l', 'line l ON l.id = b.line_id')}"
ALWAYS = {
    "the parent's": f"SELECT avg(p.customer_name = c.name) FROM {TO_CUSTOMER}",
    "the parent's, or none": f"SELECT avg(p.contact_name = c.name) FROM {TO_CUSTOMER} WHERE p.contact_name IS NOT NULL",
    "two references away": f"SELECT avg(l.buyer_name = c.name) FROM {TO_PURCHASE}",
    "three references away, and nowhere between": f"SELECT avg(b.phone = c.phone) FROM {TO_LINE}",
    "through a reference that is itself personal": (
        "SELECT avg(t.reporter_name = c.name) FROM ticket t JOIN customer c ON c.email = t.email"
    ),
    "of another row of the table": (
        "SELECT avg(e.boss_name = b.name) FROM employee e JOIN employee b ON b.id = e.boss_id"
    ),
}
MOSTLY = f"SELECT avg(p.ship_name = c.name) FROM {TO_CUSTOMER}"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 customers, whose names stand on all that has to do with them; four of five parcels go to who ordered them."""
    path, draw = tmp_path_factory.mktemp("office") / "office.sqlite", random.Random(1)
    people = [
        (i, f"{FIRST[i % 20]} {LAST[i // 20 + i % 9]}", f"{FIRST[i % 20].lower()}{i}@mail.org", f"+49 30 {i * 7919:06}")
        for i in range(1, 201)
    ]
    purchases = []
    for i in range(1, 601):
        one, other = draw.choice(people), draw.choice(people)
        shipped, contact = one if draw.random() < 0.8 else other, one[1] if draw.random() < 0.6 else None
        purchases.append((i, one[0], one[1], shipped[1], contact, round(draw.random() * 100, 2)))
    lines = [(i, p[0], p[2], i % 7) for i, p in enumerate(draw.choices(purchases, k=1000), 1)]
    buyer = {p[0]: people[p[1] - 1] for p in purchases}
    parcels = [(i, line[0], buyer[line[1]][3]) for i, line in enumerate(draw.choices(lines, k=500), 1)]
    tickets = [(i, p[2], p[1], i % 5) for i, p in enumerate(draw.choices(people, k=400), 1)]
    staff: list[tuple[object, ...]] = [(i, f"{LAST[i % 19]}, {FIRST[i * 3 % 20]}", None, None) for i in range(1, 4)]
    for i in range(4, 121):
        boss = draw.choice(staff)
        staff.append((i, f"{LAST[i % 19]}, {FIRST[(i * 3 + i // 19) % 20]}", boss[0], boss[1]))
    tables = {"customer": people, "purchase": purchases, "line": lines, "parcel": parcels, "ticket": tickets}
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA)
        for table, rows in (tables | {"employee": staff}).items():
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        db.commit()
    return path


@pytest.fixture(scope="module", params=["at once", "by way of a model file"])
def clone(request: pytest.FixtureRequest, office: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    if request.param == "at once":
        assert dbclone("copy", office, folder / "clone.sqlite", "-q").code == 0
    else:
        assert dbclone("fit", office, "-o", folder / "office.model", "-q").code == 0
        assert dbclone("generate", folder / "office.model", folder / "clone.sqlite", "--scale", 2, "-q").code == 0
    return folder / "clone.sqlite"


def share(path: Path, sql: str) -> float:
    with closing(sqlite3.connect(path)) as db:
        return float(db.execute(sql).fetchone()[0])


@pytest.mark.parametrize("whose", ALWAYS)
def test_a_copied_name_is_the_name_of_the_one_it_was_copied_from(whose: str, office: Path, clone: Path) -> None:
    assert share(office, ALWAYS[whose]) == 1
    assert share(clone, ALWAYS[whose]) == 1


def test_a_name_that_is_mostly_copied_is_copied_as_often(office: Path, clone: Path) -> None:
    assert share(clone, MOSTLY) == pytest.approx(share(office, MOSTLY), abs=0.06)


def test_orders_are_the_customers_whatever_names_stand_on_them(office: Path) -> None:
    """By the names alone an order would be taken for a person, and five orders of one customer for five people."""
    plan = json.loads(dbclone("plan", office, "--json", "-q").out)
    assert {t["entity"] for t in plan["tables"] if t["table"] != "employee"} == {"customer"}


def test_a_copied_name_fits_its_column(clone: Path) -> None:
    assert share(clone, "SELECT max(length(ship_name)) FROM purchase") <= 30


def test_none_of_the_names_is_real(office: Path, clone: Path) -> None:
    with closing(sqlite3.connect(office)) as real, closing(sqlite3.connect(clone)) as made:
        for column, table in (("name", "customer"), ("email", "customer"), ("ship_name", "purchase")):
            held, drawn = ({v for (v,) in db.execute(f"SELECT {column} FROM {table}")} for db in (real, made))
            assert not held & drawn, column
