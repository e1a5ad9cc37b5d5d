"""Texts are made different within any length limit that allows it, also where case and end spaces do not count."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.columns.uniqueness import distinct, enumerated, limited, make_unique
from dbclone.errors import PlanError


def same(texts: pa.Array) -> pa.Array:
    return make_unique(texts, lambda rows: texts.take(pa.array(rows)), None)


def test_texts_that_differ_are_left_alone() -> None:
    texts = pa.array(["a", None, "b", None])
    assert same(texts).equals(texts)


def test_repeats_are_numbered_when_drawing_again_does_not_help() -> None:
    assert same(pa.array(["red", "red", "blue"])).to_pylist() == ["red", "red 2", "blue"]


def test_case_and_end_spaces_make_no_difference() -> None:
    made = same(pa.array(["red", "Red", "red ", "RED"])).to_pylist()
    assert len({text.lower().strip() for text in made}) == 4


def test_cutting_leaves_no_space_at_the_end() -> None:
    assert limited(pa.array(["two words", "one", None]), 4).to_pylist() == ["two", "one", None]


def test_enumeration_uses_both_cases_only_where_room_is_scarce() -> None:
    assert enumerated(36, 1).to_pylist()[-1] == "Z"
    assert enumerated(62, 1).to_pylist()[-1] == "z"
    with pytest.raises(PlanError, match="1 characters can hold 62 values, 63 are needed"):
        enumerated(63, 1)


def test_a_source_that_only_repeats_itself_is_helped_out() -> None:
    assert len(set(distinct(lambda n: pa.array(["x"] * n), 100, 3).to_pylist())) == 100


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.text(max_size=5), max_size=80), st.integers(2, 6))
def test_whatever_the_texts_they_end_up_different_and_short(source: list[str | None], length: int) -> None:
    texts = pa.array(source, pa.string())
    made = make_unique(texts, lambda rows: texts.take(pa.array(rows)), length).to_pylist()
    present = [text for text in made if text is not None]
    assert len(present) == len(source) - source.count(None)
    assert len(set(present)) == len(present)
    assert max(map(len, present), default=0) <= length


def test_half_a_million_texts_take_seconds() -> None:
    words = pa.array([f"word {i}" for i in range(1000)]).take(pa.array(np.arange(500_000) % 1000))
    assert len(set(same(words).to_pylist())) == 500_000
