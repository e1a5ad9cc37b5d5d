"""Operators on dates, moments and times of day, all of them in microseconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.conditions.operators import Operator, any_null
from dbclone.conditions.tree import Kind
from dbclone.conditions.vectors import DAY, Numbers, Vector

_HOUR, _MINUTE, _SECOND = 3_600_000_000, 60_000_000, 1_000_000
_JULIAN_EPOCH = 210_866_760_000_000
"""Milliseconds from the beginning of Julian days to 1970."""
_DEFAULT_FORM = "0000-00-00 00:00:00"


def _days(data: Numbers) -> Numbers:
    return np.floor_divide(data, DAY).astype("datetime64[D]")


def _months(data: Numbers) -> Numbers:
    return _days(data).astype("datetime64[M]").astype(np.int64)


def _years(data: Numbers) -> Numbers:
    return _days(data).astype("datetime64[Y]").astype(np.int64)


def _since(unit: str) -> Callable[[Numbers], Numbers]:
    """Whole days since the beginning of the month or year."""
    return lambda data: (_days(data) - _days(data).astype(f"datetime64[{unit}]")).astype(np.int64)


_FIELDS: dict[str, Callable[[Numbers], Numbers]] = {
    "year": lambda data: _years(data) + 1970,
    "quarter": lambda data: _months(data) % 12 // 3 + 1,
    "month": lambda data: _months(data) % 12 + 1,
    "day": lambda data: _since("M")(data) + 1,
    "doy": lambda data: _since("Y")(data) + 1,
    "dow": lambda data: (data // DAY + 4) % 7,
    "isodow": lambda data: (data // DAY + 3) % 7 + 1,
    "hour": lambda data: data % DAY // _HOUR,
    "minute": lambda data: data % _HOUR // _MINUTE,
    "second": lambda data: data % _MINUTE,
    "epoch": lambda data: data,
}
_FRACTIONS = ("second", "epoch")
FIELDS = tuple(_FIELDS)
"""What can be extracted of a moment."""


def _field(name: str) -> Operator:
    digits = 6 if name in _FRACTIONS else 0
    return lambda vector: Vector(Kind.DECIMAL, _FIELDS[name](vector.data), vector.null, digits)


def _truncated(name: str) -> Operator:
    """The beginning of the year, month, …"""
    plain = {"day": DAY, "hour": _HOUR, "minute": _MINUTE, "second": _SECOND}

    def truncate(vector: Vector) -> Vector:
        if name in plain:
            begun = vector.data // plain[name] * plain[name]
        elif name == "week":
            begun = (vector.data // DAY - (vector.data // DAY + 3) % 7) * DAY
        else:
            unit = "Y" if name == "year" else "M"
            begun = _days(vector.data).astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64) * DAY
        return Vector(Kind.MOMENT, begun, vector.null)

    return truncate


def _days_between(one: Vector, other: Vector) -> Vector:
    return Vector(Kind.INTEGER, (one.data - other.data) // DAY, any_null(one, other))


def _plus_days(date: Vector, days: Vector) -> Vector:
    return Vector(Kind.DATE, date.data + days.data * DAY, any_null(date, days))


def _plus_months(moment: Vector, months: Vector) -> Vector:
    """The same day of another month, or that month's last day."""
    first = (_months(moment.data) + months.data).astype("datetime64[M]")
    last = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64) - 1
    day = np.minimum(_since("M")(moment.data), last)
    data = (first.astype("datetime64[D]").astype(np.int64) + day) * DAY + moment.data % DAY
    return Vector(Kind.MOMENT, data, any_null(moment, months))


def _julian_day(vector: Vector) -> Vector:
    return Vector(Kind.FLOAT, (vector.data // 1_000 + _JULIAN_EPOCH) / 86_400_000.0, vector.null)


def _time_of_day(vector: Vector) -> Vector:
    return Vector(Kind.CLOCK, vector.data % DAY, vector.null)


def _printed(vector: Vector, form: Vector) -> Vector:
    """As SQLite keeps it: ``form`` is such a text with every digit as 0."""
    shape = str(form.data[0].as_py()) or _DEFAULT_FORM
    distinct, place = np.unique(vector.data, return_inverse=True)
    text = _print_times(distinct, len(shape)) if shape[2:3] == ":" else _print_moments(distinct, shape)
    return Vector(Kind.TEXT, text.take(pa.array(place)), vector.null)


def _print_times(stamps: Numbers, length: int) -> pa.Array:
    return pc.utf8_slice_codeunits(pa.array(stamps % DAY).cast(pa.time64("us")).cast(pa.string()), 0, length)


def _print_moments(stamps: Numbers, shape: str) -> pa.Array:
    text = pa.array(stamps).cast(pa.timestamp("us")).cast(pa.string())
    clock = shape[11:]
    zone = clock.lstrip("0:.")
    length = len(shape) - len(zone)
    cut = pc.utf8_rpad(pc.utf8_slice_codeunits(text, 0, length), width=length, padding="0")
    if clock and shape[10] != " ":
        cut = pc.replace_substring(cut, pattern=" ", replacement=shape[10])
    return pc.binary_join_element_wise(cut, zone, "") if zone else cut


TIME_OPERATORS: dict[str, Operator] = {
    **{f"field {name}": _field(name) for name in _FIELDS},
    **{f"begin {name}": _truncated(name) for name in ("year", "month", "week", "day", "hour", "minute", "second")},
    "days between": _days_between, "plus days": _plus_days, "plus months": _plus_months,
    "julian day": _julian_day, "time of day": _time_of_day, "printed": _printed,
}  # fmt: skip
