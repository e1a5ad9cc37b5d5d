"""Labels become codes by frequency; what fewer than k entities hold is not stored anywhere."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbclone.columns.categorical import CategoricalCodec

RNG = np.random.default_rng(0)

labels = st.lists(st.one_of(st.none(), st.sampled_from("abcdefgh"), st.text(max_size=3)), max_size=40)


@given(labels)
def test_labels_come_back(values: list[str | None]) -> None:
    array = pa.array(values, pa.string())
    codec = CategoricalCodec.fit(array)
    assert codec.decode(codec.encode(array), RNG).to_pylist() == values


@given(labels)
def test_levels_stand_in_the_order_of_their_frequency(values: list[str | None]) -> None:
    codec = CategoricalCodec.fit(pa.array(values, pa.string()))
    counts = Counter(v for v in values if v is not None)
    assert codec.weights.tolist() == [counts[level] for level in codec.levels.to_pylist()]
    assert np.all(np.diff(codec.weights) <= 0)
    assert codec.size == len(counts) + 1


@given(labels, st.integers(2, 5))
def test_rare_levels_are_not_stored(values: list[str | None], k: int) -> None:
    codec = CategoricalCodec.fit(pa.array(values, pa.string()), k)
    counts = Counter(v for v in values if v is not None)
    kept = {v for v, n in counts.items() if n >= k}
    assert set(codec.levels.to_pylist()[: codec.size - 1 - len(codec.pools)]) == kept
    assert set(codec.levels.to_pylist()) & set(counts) == kept, "invented levels are no real ones"
    assert codec.rare == (len(counts) - len(kept), sum(n for n in counts.values() if n < k))


def test_a_level_of_many_rows_but_few_entities_is_rare() -> None:
    values = pa.array(["mine"] * 50 + ["ours"] * 50)
    entities = np.concatenate([np.zeros(50, np.int64), np.arange(50)])
    assert CategoricalCodec.fit(values, 5, entities).levels.to_pylist() == ["ours"]
    assert set(CategoricalCodec.fit(values, 1, entities).levels.to_pylist()) == {"mine", "ours"}


def test_rows_of_rare_levels_take_the_place_of_stored_ones_by_frequency() -> None:
    """60 rare rows, too few to be missed; 3/4 should become 'a': 45 ± 4 standard deviations (4 · √(60 · 3/16) ≈ 14)."""
    values = pa.array(["a"] * 3_000 + ["b"] * 1_000 + [f"rare {i}" for i in range(60)])
    codec = CategoricalCodec.fit(values, 5)
    codes = codec.encode(values)
    assert (codes > 0).all()
    assert (codes[4_000:] == 1).sum() == pytest.approx(45, abs=14)


def test_many_rare_texts_are_invented_anew_and_stay_as_many() -> None:
    cities = [f"{a}{b}" for a in ("North", "South", "Old", "New") for b in ("ham", "ford", "by", "ton", "wick", "port")]
    values = pa.array(["Central City"] * 60 + cities)
    codec = CategoricalCodec.fit(values, 5)
    back = codec.decode(codec.encode(values), RNG).to_pylist()
    assert back[:60] == ["Central City"] * 60
    assert not set(back[60:]) & set(cities)
    assert len(set(back[60:])) == len(cities)
    assert codec.weights[1:].min() >= 5, "each pool holds k entities"


def test_rare_numbers_and_dates_become_the_nearest_kept_one() -> None:
    values = pa.array([10] * 9 + [90] * 9 + [12, 49, 51, 300])
    assert CategoricalCodec.fit(values, 5).encode(values)[-4:].tolist() == [1, 1, 2, 2]


def test_what_the_schema_names_is_kept_however_rare() -> None:
    values = pa.array(["open"] * 9 + ["lost"])
    assert CategoricalCodec.fit(values, 5, public=frozenset({"open", "lost"})).levels.to_pylist() == ["open", "lost"]
    assert len(CategoricalCodec.fit(pa.array([True] * 9 + [False]), 5).levels) == 2


def test_what_was_never_seen_is_a_stored_level_too_and_the_same_one_each_time() -> None:
    codec = CategoricalCodec.fit(pa.array(["a", "a", "b", None]))
    strange = pa.array(["never", "seen", None, "a"])
    codes = codec.encode(strange)
    assert codes[2:].tolist() == [0, 1]
    assert set(codes[:2].tolist()) <= {1, 2}
    assert np.array_equal(codec.encode(strange), codes)


def test_without_any_stored_level_everything_is_null() -> None:
    codec = CategoricalCodec.fit(pa.array(["x", "y"]), 5)
    assert codec.size == 1
    assert codec.decode(codec.encode(pa.array(["x", "z", None])), RNG).to_pylist() == [None, None, None]


@pytest.mark.parametrize("kind", [pa.bool_(), pa.int64(), pa.string(), pa.date32(), pa.float64(), pa.decimal128(5, 2)])
def test_empty_and_all_null_columns_have_a_codec(kind: pa.DataType) -> None:
    for values in (pa.array([], kind), pa.array([None, None], kind), pa.chunked_array([], kind)):
        codec = CategoricalCodec.fit(values)
        back = codec.decode(codec.encode(values), RNG)
        assert back.to_pylist() == [None] * len(values)
        assert back.type == kind


@given(st.lists(st.sampled_from([True, False, None]), max_size=20))
def test_booleans_are_categories_of_two(values: list[bool | None]) -> None:
    array = pa.array(values, pa.bool_())
    codec = CategoricalCodec.fit(array)
    assert codec.size <= 3
    assert codec.decode(codec.encode(array), RNG).to_pylist() == values


def test_chunks_with_dictionaries_of_their_own_agree() -> None:
    parts = pa.chunked_array([["b", "a"], ["a", "c", None], []], pa.string())
    codec = CategoricalCodec.fit(parts)
    assert codec.decode(codec.encode(parts), RNG).to_pylist() == parts.to_pylist()
