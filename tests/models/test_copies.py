"""Columns that repeat a value of an ancestor are found, and only those."""

import numpy as np
import pyarrow as pa
import pytest

from dbclone.models.copies import Copied, find_copies, find_sometimes
from dbclone.models.rows import Hop, Rows
from dbclone.schema import TableName

LAND, CITY, SALE = (TableName("", n) for n in ("land", "city", "sale"))
REFERENCES = {LAND: {}, CITY: {"city.land": LAND}, SALE: {"sale.city": CITY}}
TO_CITY, TO_LAND = Hop("sale.city", CITY), Hop("city.land", LAND)
N = 400


class World:
    """400 sales in 40 cities of 8 lands; ``price`` repeats the city's, ``currency`` the land's."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.land_of, self.city_of = np.arange(40) % 8, rng.integers(0, 40, N)
        self.database = {
            LAND: Rows(8),
            CITY: Rows(40, parents={"city.land": self.land_of}),
            SALE: Rows(N, parents={"sale.city": self.city_of}),
        }
        self.lands = pa.table({"currency": [f"cur{i}" for i in range(8)]})
        self.cities = pa.table({"price": rng.integers(1, 10_000, 40), "founded": rng.integers(1200, 1900, 40)})
        self.sale = {
            "price": self.cities["price"].to_numpy()[self.city_of].tolist(),
            "currency": self.lands["currency"].take(pa.array(self.land_of[self.city_of])).to_pylist(),
            "amount": rng.integers(1, 10_000, N).tolist(),
        }

    def copies(self, required: frozenset[str] = frozenset()) -> dict[str, Copied]:
        data = {LAND: self.lands, CITY: self.cities, SALE: pa.table(self.sale)}
        found = find_copies(SALE, tuple(self.sale), required, data=data, database=self.database, references=REFERENCES)
        return {copy.column: copy for copy in found}


def test_copies_of_a_parents_and_a_grandparents_value_are_found() -> None:
    found = World().copies()
    assert set(found) == {"price", "currency"}
    assert found["price"] == Copied("price", (TO_CITY,), CITY, "price", 1.0)
    assert found["currency"] == Copied("currency", (TO_CITY, TO_LAND), LAND, "currency", 1.0)


@pytest.mark.parametrize(("others", "kept"), [(2, True), (20, False)])
def test_half_a_percent_of_exceptions_is_tolerated_and_five_are_not(others: int, kept: bool) -> None:
    world = World()
    world.sale["price"][:others] = [-1] * others
    assert ("price" in world.copies()) == kept


def test_a_null_repeats_a_null() -> None:
    world = World()
    world.database[SALE].parents["sale.city"][:50] = -1
    world.sale["price"][:50] = [None] * 50
    assert world.copies()["price"].support == 1.0


def test_a_column_that_may_not_be_null_is_no_copy_where_a_parent_may_be_missing() -> None:
    world = World()
    world.database[SALE].parents["sale.city"][0] = -1
    world.sale["price"][0] = 5
    assert "price" in world.copies()
    assert "price" not in world.copies(frozenset({"price"}))


def test_columns_that_agree_by_chance_are_no_copies() -> None:
    world = World()
    world.cities = world.cities.append_column("open", pa.array([1] * 40))
    world.sale["open"] = [1] * N
    assert "open" not in world.copies()


def test_another_type_is_no_copy() -> None:
    world = World()
    world.sale["price"] = [float(p) for p in world.sale["price"]]
    assert "price" not in world.copies()


def test_few_rows_say_nothing() -> None:
    world = World()
    world.database[SALE] = Rows(10, parents={"sale.city": world.city_of[:10]})
    world.sale = {name: column[:10] for name, column in world.sale.items()}
    assert world.copies() == {}


def test_what_is_repeated_in_some_rows_is_found_with_the_rows() -> None:
    world = World()
    first = np.arange(N) < 0.4 * N
    drawn = np.random.default_rng(1).integers(10_000, 20_000, N)
    world.sale["price"] = np.where(first, world.sale["price"], drawn).tolist()
    data = {LAND: world.lands, CITY: world.cities, SALE: pa.table(world.sale)}
    found = list(find_sometimes(SALE, ("price", "amount"), data=data, database=world.database, references=REFERENCES))
    assert [(copy.column, copy.source, copy.sometimes) for copy, _ in found] == [("price", "price", True)]
    assert found[0][0].support == pytest.approx(0.4)
    assert (found[0][1] == first).all()


def test_of_two_columns_that_repeat_each_other_one_does() -> None:
    world = World()
    world.sale["mail"] = world.sale["login"] = [f"m{i}" for i in range(N)]
    data = {LAND: world.lands, CITY: world.cities, SALE: pa.table(world.sale)}
    found = list(find_sometimes(SALE, ("mail", "login"), data=data, database=world.database, references=REFERENCES))
    assert [(copy.column, copy.source, copy.hops) for copy, _ in found] == [("mail", "login", ())]
