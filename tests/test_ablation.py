"""Mechanisms can be turned off one by one, are on again afterwards, and what they do is missing meanwhile."""

import math
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from tests import hand_made
from tests.ablation import MECHANISMS, OTHER_SEEDS, Original, gains, print_table, without
from tests.hand_made import name

SQL = """
CREATE TABLE cart (id INTEGER PRIMARY KEY, place TEXT NOT NULL);
CREATE TABLE line (
  id INTEGER PRIMARY KEY, cart_id INTEGER NOT NULL REFERENCES cart (id),
  number INTEGER NOT NULL, price INTEGER NOT NULL, pieces INTEGER NOT NULL, amount INTEGER NOT NULL
);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Original:
    rng = np.random.default_rng(0)
    carts = np.repeat(np.arange(120), rng.integers(1, 6, 120))
    numbers = np.concatenate([np.arange(1, n + 1) for n in np.bincount(carts)])
    price, pieces = rng.integers(10, 90, len(carts)), rng.integers(1, 9, len(carts))
    columns = (np.arange(len(carts)), carts, numbers, price, pieces, price * pieces)
    lines = list(zip(*(column.tolist() for column in columns), strict=True))
    rows = {"cart": [(i, ["Bonn", "Ulm"][i % 2]) for i in range(120)], "line": lines}
    return Original.read(hand_made.build(tmp_path / "shop.sqlite", SQL, rows))


def broken_amounts(original: Original) -> int:
    line = original.clone(0)[name("line")].to_pydict()
    return sum(p * n != a for p, n, a in zip(line["price"], line["pieces"], line["amount"], strict=True))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_mechanism_is_off_within_and_on_again_after(mechanism: str) -> None:
    places = [(module, attribute) for module, attribute, _ in MECHANISMS[mechanism]]
    before = [getattr(*place) for place in places]
    with without(mechanism):
        assert all(getattr(*place) is not one for place, one in zip(places, before, strict=True))
    assert [getattr(*place) for place in places] == before


def test_what_a_mechanism_does_is_missing_without_it(shop: Original) -> None:
    assert broken_amounts(shop) == 0
    with without("formulas and totals"):
        assert broken_amounts(shop) > 100


def test_gains_tell_what_has_a_say_from_what_has_none(shop: Original) -> None:
    found = dict(gains(shop, ["formulas and totals", "dates of further parents"], seeds=1, max_rows=500))
    assert list(found) == ["", OTHER_SEEDS, "formulas and totals", "dates of further parents"]
    assert 0 <= found[""] < 0.15
    assert found[OTHER_SEEDS] < 0.02
    assert found["formulas and totals"] > 0.02  # a product of other columns is a weak spot of trees: it is told
    assert math.isnan(found["dates of further parents"])  # there are neither dates nor further parents


def test_the_table_shows_thousandths_and_means_of_what_has_a_say(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"a": {"": 0.1, "x": 0.01, "y": math.nan}, "b": {"": 0.2, "x": math.nan, "y": math.inf}}
    print_table(scores)
    shown = capsys.readouterr().out.splitlines()[2:]
    assert shown == ["| nothing | 0.150 | 0.100 | 0.200 |", "| x | +10 | +10 | – |", "| y | – | – | none made |"]


def test_scores_that_are_taken_over_are_those_that_would_be_found(shop: Original) -> None:
    known = shop.known(0, 500)
    line = known.clone[name("line")]
    clone = {**known.clone, name("line"): line.set_column(3, "price", pc.multiply(line["price"], 3))}
    found = shop.scores(clone, 500, known)
    assert found == shop.scores(clone, 500)
    assert found[name("cart")] != known.scores[name("cart")]  # its own rows are the same, its children are not
    assert shop.scores(known.clone, 500, known) == known.scores
