"""Whose database it is: the table of persons that most hangs from."""

from pathlib import Path

import pytest

from dbclone.errors import UsageError
from dbclone.units import choose_unit
from tests import hand_made
from tests.real_data import read_all

SHOP = """
CREATE TABLE employee (id INTEGER PRIMARY KEY, last_name TEXT);
CREATE TABLE customer (id INTEGER PRIMARY KEY, last_name TEXT, employee_id INTEGER REFERENCES employee (id));
CREATE TABLE product (id INTEGER PRIMARY KEY, price REAL);
CREATE TABLE purchase (
  id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), product_id INTEGER REFERENCES product (id)
);
"""
SKY = """
CREATE TABLE star (id INTEGER PRIMARY KEY, mass REAL);
CREATE TABLE planet (id INTEGER PRIMARY KEY, star_id INTEGER REFERENCES star (id), mass REAL);
CREATE TABLE moon (id INTEGER PRIMARY KEY, planet_id INTEGER REFERENCES planet (id), mass REAL);
CREATE TABLE comet (id INTEGER PRIMARY KEY, mass REAL);
"""


def chosen(path: Path, wanted: str = "") -> str:
    return choose_unit(*read_all(path), wanted).name


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    rows = {
        "employee": [(i, f"Boss{i}") for i in range(8)],
        "customer": [(i, f"Name{i}", i % 8) for i in range(59)],
        "product": [(i, i * 0.5) for i in range(200)],
        "purchase": [(i, i % 59, i % 200) for i in range(1_000)],
    }
    return hand_made.build(tmp_path / "shop.sqlite", SHOP, rows)


def test_persons_come_before_products_and_many_before_few(shop: Path) -> None:
    """Everything hangs from the employees too, but there are only eight of them."""
    assert chosen(shop) == "customer"


def test_a_unit_can_be_named_in_any_case(shop: Path) -> None:
    assert chosen(shop, "PRODUCT") == "product"


def test_an_unknown_name_is_refused(shop: Path) -> None:
    with pytest.raises(UsageError, match="no such table"):
        chosen(shop, "nobody")


def test_without_persons_it_is_the_table_that_most_hangs_from(tmp_path: Path) -> None:
    rows = {
        "star": [(i, i * 1.5) for i in range(30)],
        "planet": [(i, i % 30, i * 0.5) for i in range(90)],
        "moon": [(i, i % 90, i * 0.25) for i in range(95)],
        "comet": [(i, i * 2.5) for i in range(99)],
    }
    assert chosen(hand_made.build(tmp_path / "sky.sqlite", SKY, rows)) == "star"
