"""What trees see of a column: its code, or its quantile bin and the calendar of its date."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dbclone.columns.temporal import DAY
from dbclone.models.features import (
    HOUR,
    MONTH,
    MONTHDAY,
    MOST_BINS,
    WEEKDAY,
    CodedFeature,
    MeasuredFeature,
    calendar_parts,
)

ALL = WEEKDAY | MONTH | MONTHDAY | HOUR
EPOCH = dt.datetime(1970, 1, 1)
SECOND = 1_000_000


def seconds(stamp: dt.datetime) -> float:
    return (stamp - EPOCH) // dt.timedelta(seconds=1)


@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59)))
@example(dt.datetime(1900, 2, 28, 23, 59, 59))
@example(dt.datetime(1900, 3, 1))
@example(dt.datetime(1968, 2, 29, 12))
@example(dt.datetime(1969, 12, 31, 23, 59, 59))
@example(dt.datetime(1970, 1, 1))
@example(dt.datetime(2000, 2, 29))
@example(dt.datetime(2024, 2, 29, 1))
@example(dt.datetime(1, 1, 1))
@example(dt.datetime(9999, 12, 31, 23))
def test_calendar_bytes_are_those_of_the_calendar(stamp: dt.datetime) -> None:
    feature = MeasuredFeature(np.zeros(0), ALL, SECOND, 0.0)
    _, weekday, month, monthday, hour = feature.view(np.array([seconds(stamp)]))[:, 0].tolist()
    assert (weekday, month, monthday, hour) == (stamp.weekday() + 1, stamp.month, stamp.day, stamp.hour + 1)


@given(st.dates(), st.integers(-40_000, 40_000))
def test_the_origin_of_the_lattice_does_not_matter(day: dt.date, origin: int) -> None:
    count = (day - dt.date(1970, 1, 1)).days
    feature = MeasuredFeature(np.zeros(0), WEEKDAY | MONTH | MONTHDAY, DAY, float(origin * DAY))
    seen = feature.view(np.array([float(count - origin)]))[1:, 0].tolist()
    assert seen == [day.weekday() + 1, day.month, day.day]


@pytest.mark.parametrize("parts", range(16))
def test_a_feature_is_as_wide_as_it_says_and_null_is_all_zero(parts: int) -> None:
    known = np.array([-5.0, 7.0])
    for feature in (
        MeasuredFeature(np.array([0.0]), parts, DAY),
        MeasuredFeature(np.array([0.0]), parts, DAY, 0.0, known, np.array([1, 2], np.uint8)),
    ):
        seen = feature.view(np.array([np.nan, 7.0]))
        assert seen.shape == (feature.width, 2)
        assert len(feature.ordered) == feature.width
        assert not seen[:, 0].any()
        assert seen[:, 1].all()


def test_types_of_known_dates_are_shown() -> None:
    feature = MeasuredFeature(np.zeros(0), 0, DAY, 0.0, np.array([10.0, 20.0, 30.0]), np.array([3, 1, 2], np.uint8))
    assert feature.view(np.array([10.0, 20.0, 30.0, np.nan]))[1].tolist() == [3, 1, 2, 0]


@given(st.lists(st.one_of(st.just(np.nan), st.floats(-1e9, 1e9)), min_size=1, max_size=300))
def test_bins_rise_with_the_numbers(values: list[float]) -> None:
    raw = np.sort(np.array(values))
    bins = MeasuredFeature.fit(raw).view(raw)[0]
    known = bins[~np.isnan(raw)]
    assert np.all(np.diff(known.astype(int)) >= 0)
    assert np.all(known > 0)
    assert not bins[np.isnan(raw)].any()


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=200))
def test_few_distinct_numbers_have_a_bin_each(values: list[int]) -> None:
    raw = np.array(values, dtype=float)
    bins = MeasuredFeature.fit(raw).view(raw)[0]
    assert len(set(bins.tolist())) == len(set(values))


def test_bins_of_a_continuum_hold_like_numbers_of_rows() -> None:
    raw = np.random.default_rng(0).lognormal(5, 3, 10_000)
    bins = np.bincount(MeasuredFeature.fit(raw).view(raw)[0])[1:]
    assert len(bins) in range(MOST_BINS - 2, MOST_BINS + 3)
    assert bins.max() <= 2 * len(raw) / MOST_BINS


def test_a_frequent_value_has_a_bin_of_its_own() -> None:
    others = np.random.default_rng(0).random(10_000) * 100
    feature = MeasuredFeature.fit(np.append(others, np.full(2_000, 50.0)))
    assert feature.view(np.array([50.0]))[0, 0] not in feature.view(others)[0]


def test_codes_beyond_a_byte_are_folded_into_its_last() -> None:
    codes = np.array([0, 1, 254, 255, 256, 100_000], np.int32)
    assert CodedFeature().view(codes).tolist() == [[0, 1, 254, 255, 255, 255]]


@pytest.mark.parametrize(
    ("unit", "days", "parts"),
    [
        (DAY, 3, 0),
        (DAY, 30, WEEKDAY | MONTHDAY),
        (DAY, 1_000, WEEKDAY | MONTHDAY | MONTH),
        (SECOND, 0.5, 0),
        (SECOND, 5, HOUR),
        (SECOND, 1_000, ALL),
    ],
)
def test_parts_of_the_calendar_are_shown_where_the_data_span_them(unit: int, days: float, parts: int) -> None:
    assert calendar_parts(unit, days * DAY) == parts
