"""Columns that another one determines are found and looked up; near dependencies choose among what goes together."""

import numpy as np
import pytest

from dbclone.models.lookups import lookups, table_of

N = 3_000


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_an_exact_dependency_is_found_in_its_direction() -> None:
    city = rng().integers(1, 60, N).astype(float)
    assert lookups({"city": city, "state": city % 7}) == {"state": "city"}


def test_the_order_of_the_columns_does_not_matter() -> None:
    city = rng().integers(1, 60, N).astype(float)
    assert lookups({"state": city % 7, "city": city}) == {"state": "city"}


def test_half_a_percent_of_exceptions_is_tolerated_and_five_are_not() -> None:
    city = rng().integers(1, 60, N).astype(float)
    few, many = city % 7, city % 7
    few[:10], many[:150] = 9, rng().integers(20, 30, 150)
    assert lookups({"city": city, "state": few}) == {"state": "city"}
    assert lookups({"city": city, "state": many}) == {}


def test_columns_without_a_dependency_have_none() -> None:
    draw = rng()
    assert lookups({name: draw.integers(0, 30, N).astype(float) for name in "abcd"}) == {}


def test_the_coarsest_determining_column_is_taken() -> None:
    street = rng().integers(0, 900, N).astype(float)
    city = street // 10
    found = lookups({"street": street, "city": city, "state": city // 10})
    assert found == {"state": "city", "city": "street"}


def test_columns_that_determine_each_other_are_opened_to_a_chain() -> None:
    a = rng().integers(0, 40, N).astype(float)
    found = lookups({"a": a, "b": (a * 7 + 3) % 41, "c": 100 - a})
    assert len(found) == 2
    for start in found:
        at, steps = start, 0
        while at in found:
            at, steps = found[at], steps + 1
            assert steps <= 3


def test_a_key_determines_nothing_that_could_be_generalised() -> None:
    assert lookups({"key": np.arange(N, dtype=float), "x": rng().integers(0, 9, N).astype(float)}) == {}


def test_a_nearly_constant_column_is_determined_by_nothing() -> None:
    constant = np.zeros(N)
    constant[:10] = 1
    assert lookups({"city": rng().integers(1, 60, N).astype(float), "flag": constant}) == {}


def test_null_depends_like_a_value() -> None:
    city = rng().integers(1, 60, N).astype(float)
    state = np.where(city < 10, np.nan, city % 7)
    assert lookups({"city": city, "state": state}) == {"state": "city"}


def test_many_values_that_nearly_determine_choose_among_what_goes_with_them() -> None:
    product = rng().integers(0, 500, N).astype(float)
    category = product // 20
    category[: N // 10] = rng().integers(0, 25, N // 10)
    assert lookups({"product": product, "category": category}) == {"category": "product"}


def test_a_table_holds_for_each_value_the_one_that_goes_with_it() -> None:
    a = np.array([3.0, 1.0, 3.0, 2.0, np.nan, 2.0] * 5)
    known, starts, determined = table_of(a, 10 * a, 1)
    assert known.tolist() == [1, 2, 3]
    assert starts.tolist() == [0, 1, 2, 3]
    assert determined.tolist() == [10, 20, 30]


def test_of_rare_exceptions_the_table_keeps_nothing() -> None:
    a = np.repeat([1.0, 2.0], 500)
    b = a * 10
    b[0] = 77
    assert table_of(a, b, 1)[2].tolist() == [10, 20]


def test_a_near_dependency_keeps_all_values_as_often_as_they_occur() -> None:
    a = np.repeat([1.0, 2.0], [4, 2])
    known, starts, determined = table_of(a, np.array([5.0, 5.0, 5.0, 6.0, 7.0, np.nan]), 1)
    assert known.tolist() == [1, 2]
    assert starts.tolist() == [0, 4, 6]
    assert determined[:4].tolist() == [5, 5, 5, 6]
    assert np.array_equal(np.sort(determined[4:]), [7, np.nan], equal_nan=True)


@pytest.mark.parametrize("near", [False, True])
def test_values_that_fewer_than_k_rows_hold_are_not_stored(near: bool) -> None:
    a = np.repeat([1.0, 2.0, 3.0], [20, 2, 17])
    b = np.arange(39.0) % 3 if near else 10 * a
    known, starts, determined = table_of(a, b, 5)
    assert known.tolist() == [1, 3]
    assert len(starts) == 3
    assert starts[-1] == len(determined)
    assert len(determined) == (37 if near else 2)


def test_few_rows_say_nothing() -> None:
    assert lookups({"a": np.arange(19.0) // 5, "b": np.arange(19.0) // 10}) == {}
    assert lookups({}) == {}
