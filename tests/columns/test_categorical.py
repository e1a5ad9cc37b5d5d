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
    assert set(codec.levels.to_pylist()) == {v for v, n in counts.items() if n >= k}


def test_a_level_of_many_rows_but_few_entities_is_rare() -> None:
    values = pa.array(["mine"] * 50 + ["ours"] * 50)
    entities = np.concatenate([np.zeros(50, np.int64), np.arange(50)])
    assert CategoricalCodec.fit(values, 5, entities).levels.to_pylist() == ["ours"]
    assert set(CategoricalCodec.fit(values, 1, entities).levels.to_pylist()) == {"mine", "ours"}


def test_rows_of_rare_levels_take_the_place_of_stored_ones_by_frequency() -> None:
    """400 rare rows, of which 3/4 should become 'a': 300 ± 4 standard deviations (4 · √(400 · 3/16) ≈ 35)."""
    values = pa.array(["a"] * 3_000 + ["b"] * 1_000 + [f"rare {i}" for i in range(400)])
    codec = CategoricalCodec.fit(values, 5)
    codes = codec.encode(values)
    assert (codes > 0).all()
    assert (codes[4_000:] == 1).sum() == pytest.approx(300, abs=35)


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
