"""Dates, times and timestamps become counts of their coarsest clock, and come back as they were."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbclone.columns.temporal import DAY, TemporalCodec

NAIVE, ZONED = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
DATE, TIME = pa.date32(), pa.time64("us")
FIRST, LAST = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)

dates = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
stamps = st.datetimes(FIRST, LAST)


def round_trip(values: pa.Array) -> pa.Array:
    codec = TemporalCodec.fit(values)
    return codec.restore(codec.measure(values))


@given(st.lists(st.one_of(st.none(), dates), max_size=20))
def test_dates_from_year_1_to_9999_come_back(values: list[dt.date | None]) -> None:
    array = pa.array(values, DATE)
    assert round_trip(array).equals(array)
    assert TemporalCodec.fit(array).whole_days


@given(st.lists(st.one_of(st.none(), stamps), max_size=20), st.sampled_from([NAIVE, ZONED]))
def test_timestamps_come_back(values: list[dt.datetime | None], kind: pa.DataType) -> None:
    """Within 2^53 microseconds (285 years) of the median to the microsecond, beyond that to what a float64 holds."""
    array = pa.array(values, NAIVE).cast(kind)
    back, real = (a.cast(pa.int64()).to_pylist() for a in (round_trip(array), array))
    assert round_trip(array).type == kind
    for made, was in zip(back, real, strict=True):
        assert (made is None) == (was is None)
        assert was is None or abs(made - was) <= 32


@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2150, 1, 1)), min_size=1, max_size=20))
def test_timestamps_of_two_centuries_come_back_to_the_microsecond(values: list[dt.datetime]) -> None:
    assert round_trip(pa.array(values, NAIVE)).to_pylist() == values


@given(st.lists(st.one_of(st.none(), st.times()), max_size=20))
def test_times_come_back(values: list[dt.time | None]) -> None:
    array = pa.array(values, TIME)
    assert round_trip(array).equals(array)


@pytest.mark.parametrize(
    ("step", "unit"),
    [
        (dt.timedelta(days=1), DAY),
        (dt.timedelta(hours=1), DAY // 24),
        (dt.timedelta(minutes=15), DAY // 96),
        (dt.timedelta(minutes=1), 60_000_000),
        (dt.timedelta(seconds=1), 1_000_000),
        (dt.timedelta(milliseconds=1), 1_000),
        (dt.timedelta(microseconds=1), 1),
    ],
)
def test_the_coarsest_clock_is_found_and_kept(step: dt.timedelta, unit: int) -> None:
    counts = np.random.default_rng(3).integers(0, 5_000, 100)
    values = [dt.datetime(2021, 3, 4) + int(c) * step for c in counts]
    codec = TemporalCodec.fit(pa.array(values, NAIVE))
    assert codec.unit == unit
    between = codec.restore(np.array([0.0, 1.0, 2.0])).cast(pa.int64()).to_numpy()
    assert np.all(between % unit == 0)
    assert np.all(np.diff(between) == unit)


def test_neighbouring_steps_of_days_are_neighbouring_days() -> None:
    codec = TemporalCodec.fit(pa.array([dt.date(2024, 2, 27), dt.date(2024, 3, 2)]))
    raw = codec.measure(pa.array([dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2024, 3, 1)]))
    assert np.diff(raw).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("kind", [DATE, NAIVE, ZONED])
def test_nothing_leaves_the_years_that_every_product_stores(kind: pa.DataType) -> None:
    array = pa.array([dt.datetime(2020, 1, 1, 10, 30), dt.datetime(2021, 1, 1)], NAIVE).cast(kind, safe=False)
    early, late = TemporalCodec.fit(array).restore(np.array([-1e15, 1e15])).to_pylist()
    assert early.year == 1
    assert late.year == 9999


def test_times_stay_within_their_day() -> None:
    codec = TemporalCodec.fit(pa.array([dt.time(10, 30), dt.time(23, 45)]))
    assert codec.restore(np.array([-9e9, 9e9])).to_pylist() == [dt.time(0, 0), dt.time(23, 45)]


@pytest.mark.parametrize("kind", [DATE, NAIVE, ZONED, TIME])
def test_empty_and_all_null_columns_have_a_codec(kind: pa.DataType) -> None:
    for values in (pa.array([], kind), pa.array([None, None], kind), pa.chunked_array([], kind)):
        codec = TemporalCodec.fit(values)
        raw = codec.measure(values)
        assert np.isnan(raw).all()
        assert codec.restore(raw).to_pylist() == [None] * len(values)
        assert codec.restore(raw).type == kind
