"""Keys are new, unique at any number that their type can hold, and of the source's form."""

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbclone.columns.identifier import KeyMaker, KeyStyle
from dbclone.errors import PlanError
from dbclone.schema import SqlType, TypeFamily

INTEGER = SqlType(TypeFamily.INTEGER, "integer", precision=32)
TEXT = SqlType(TypeFamily.TEXT, "varchar(12)", length=12)


def made(values: pa.Array, kind: SqlType, n: int, seed: int = 0) -> pa.Array:
    return KeyMaker.fit(values, kind, k=5).make(n, np.random.default_rng(seed))


def test_counted_integers_go_on_counting() -> None:
    assert made(pa.array([1, 2, 4, 5]), INTEGER, 6).to_pylist() == [1, 2, 3, 4, 5, 6]


def test_a_step_between_keys_is_kept() -> None:
    assert made(pa.array([10, 20, 30, 60]), INTEGER, 4).to_pylist() == [10, 20, 30, 40]


def test_scattered_integers_are_drawn_from_their_range_in_rising_order() -> None:
    source = pa.array(np.sort(np.random.default_rng(1).integers(2**40, 2**62, 500)))
    maker = KeyMaker.fit(source, SqlType(TypeFamily.INTEGER, "bigint", precision=64), k=5)
    keys = maker.make(1000, np.random.default_rng(0)).to_numpy()
    assert len(set(keys)) == 1000
    assert np.all(np.diff(keys) > 0)
    assert source.to_pylist()[0] < keys.min() < keys.max()
    assert not {maker.low, maker.high} & set(source.to_pylist())
    assert not set(keys) & set(source.to_pylist())


def test_a_small_type_is_used_up_before_it_is_refused() -> None:
    small = SqlType(TypeFamily.INTEGER, "smallint", precision=16)
    keys = made(pa.array([30_000, 30_001, 30_002]), small, 40_000).to_numpy()
    assert len(set(keys)) == 40_000
    assert keys.max() < 2**15
    with pytest.raises(PlanError, match="65536"):
        made(pa.array([1, 2, 3]), small, 70_000)


def test_uuids_are_fresh_and_of_version_4() -> None:
    kind = SqlType(TypeFamily.UUID, "uuid")
    keys = made(pa.array(["d8227d25-b547-47d7-9e8d-60d24f6a3f37"]), kind, 1000).to_pylist()
    assert len(set(keys)) == 1000
    assert all(key[14] == "4" and key[19] in "89ab" and len(key) == 36 for key in keys)


def test_time_ordered_uuids_stay_time_ordered() -> None:
    source = [f"018f{i:04x}-0000-7000-8000-000000000000" for i in range(20)]
    keys = made(pa.array(source), SqlType(TypeFamily.UUID, "uuid"), 100).to_pylist()
    assert all(key[14] == "7" for key in keys)
    assert [key[:13] for key in keys] == sorted(key[:13] for key in keys)


def test_text_keys_follow_the_pattern_and_the_length_limit() -> None:
    keys = made(pa.array([f"INV-{i:05d}" for i in range(1, 200)]), TEXT, 5000).to_pylist()
    assert keys[:2] == ["INV-00001", "INV-00002"]
    assert len(set(keys)) == 5000
    assert max(map(len, keys)) <= 12


def test_a_calendar_goes_on_and_scattered_dates_stay_in_their_range() -> None:
    kind = SqlType(TypeFamily.DATE, "date")
    first = dt.date(2024, 2, 27)
    calendar = pa.array([first + dt.timedelta(i) for i in range(10)])
    assert made(calendar, kind, 4).to_pylist() == [first + dt.timedelta(i) for i in range(4)]
    scattered = pa.array([dt.date(2000 + i, 1, 1 + i) for i in range(20)])
    drawn = made(scattered, kind, 50).to_pylist()
    assert len(set(drawn)) == 50
    assert all(dt.date(2000, 1, 1) <= d <= dt.date(2020, 1, 1) for d in drawn)


def test_decimals_keep_precision_and_scale() -> None:
    kind = SqlType(TypeFamily.DECIMAL, "numeric(6,2)", precision=6, scale=2)
    source = pa.array([decimal.Decimal(i) / 100 for i in (150, 175, 200)], pa.decimal128(6, 2))
    keys = made(source, kind, 4)
    assert keys.type == pa.decimal128(6, 2)
    assert [str(key) for key in keys.to_pylist()] == ["1.50", "1.75", "2.00", "2.25"]


def test_times_of_day_fill_the_day_at_most() -> None:
    kind = SqlType(TypeFamily.TIME, "time")
    keys = made(pa.array([dt.time(8), dt.time(8, 30)], pa.time64("us")), kind, 40)
    assert keys.type == pa.time64("us")
    assert len(pa.compute.unique(keys)) == 40


def test_bytes_keys_differ() -> None:
    keys = made(pa.array([b"ab", b"cd"]), SqlType(TypeFamily.BYTES, "bytea"), 3000)
    assert keys.type == pa.binary()
    assert len(pa.compute.unique(keys)) == 3000


def test_enum_keys_end_with_their_labels() -> None:
    kind = SqlType(TypeFamily.ENUM, "mood", values=("sad", "ok", "happy"))
    assert set(made(pa.array(["ok"]), kind, 3).to_pylist()) == {"sad", "ok", "happy"}
    with pytest.raises(PlanError, match="3 values, 4 are needed"):
        made(pa.array(["ok"]), kind, 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=9), max_size=40, unique=True), st.integers(1, 400), st.integers(2, 12))
def test_text_keys_are_unique_and_fit_whatever_the_source(source: list[str], n: int, length: int) -> None:
    kind = SqlType(TypeFamily.TEXT, "varchar", length=length)
    maker = KeyMaker.fit(pa.array(source, pa.string()), kind, k=5)
    keys = maker.make(n, np.random.default_rng(3)).to_pylist()
    assert len(set(keys)) == n
    assert all(len(key) <= length for key in keys)
    assert keys == maker.make(n, np.random.default_rng(3)).to_pylist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30, unique=True), st.integers(0, 300))
def test_integer_keys_are_unique_whatever_the_source(source: list[int], n: int) -> None:
    maker = KeyMaker.fit(pa.array(source, pa.int64()), SqlType(TypeFamily.INTEGER, "bigint", precision=64), k=5)
    keys = maker.make(n, np.random.default_rng(3))
    assert keys.type == pa.int64()
    assert len(set(keys.to_pylist())) == n
    assert maker.style in (KeyStyle.DENSE, KeyStyle.SPARSE)
