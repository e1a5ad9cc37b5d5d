"""The measurement of growth: parts fit in the whole, and nothing is left beside the original."""

import re
from pathlib import Path

from tests.commands import CUSTOMERS, PURCHASES, small_shop
from tests.growth import measure, shown


def test_a_measurement_counts_rows_and_has_parts_that_fit_in_the_whole(tmp_path: Path) -> None:
    original = small_shop(tmp_path / "shop.sqlite")
    found = measure(original, max_rows=300)
    assert found.rows == 4 + CUSTOMERS + PURCHASES + 20
    assert 0 < found.fit + found.generate < found.whole
    assert 0 <= found.distance < 0.5
    assert re.fullmatch(r"384( \| \d+\.\d s){4} \| [\d.]+( \| 0\.\d{3}){2}", shown(found))
    assert [p.name for p in tmp_path.iterdir()] == ["shop.sqlite"]  # the clone and the copy are gone
