"""What a computed column may be of other columns of its row and of its parents: arithmetic, date parts, spans, scales.

Numbers are float64[n], NaN for NULL; dates are numbers of days since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Operation = Callable[..., np.ndarray]


def _whole(numbers: np.ndarray) -> np.ndarray:
    """Rounded down, but for what doubles lose."""
    return np.floor(numbers + 1e-7)


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(len(a), np.nan), where=b != 0)


def _year(days: np.ndarray) -> np.ndarray:
    return _in(days, "Y") + 1970


def _month(days: np.ndarray) -> np.ndarray:
    return _in(days, "M") % 12 + 1


def _day(days: np.ndarray) -> np.ndarray:
    return _whole(days) - _start(days, "M") + 1


def _day_of_year(days: np.ndarray) -> np.ndarray:
    return _whole(days) - _start(days, "Y") + 1


def _weekday(days: np.ndarray) -> np.ndarray:
    """0 for Monday."""
    return (_whole(days) + 3) % 7


def _week(days: np.ndarray) -> np.ndarray:
    """ISO 8601: a week belongs to the year of its Thursday."""
    thursday = _whole(days) - _weekday(days) + 3
    return np.floor((_day_of_year(thursday) - 1) / 7) + 1


def _in(days: np.ndarray, unit: str) -> np.ndarray:
    """Whole years or months since 1970."""
    known = ~np.isnan(days)
    found = np.full(len(days), np.nan)
    found[known] = _whole(days[known]).astype("datetime64[D]").astype(f"datetime64[{unit}]").astype(np.int64)
    return found


def _start(days: np.ndarray, unit: str) -> np.ndarray:
    """The first day of the year or month."""
    known = ~np.isnan(days)
    found = np.full(len(days), np.nan)
    first = _whole(days[known]).astype("datetime64[D]").astype(f"datetime64[{unit}]")
    found[known] = first.astype("datetime64[D]").astype(np.int64)
    return found


def _clock(days: np.ndarray, per_day: int, within: int) -> np.ndarray:
    return _whole((days - np.floor(days)) * per_day + 1e-4) % within


PARTS: Mapping[str, Operation] = {
    "year of a": _year,
    "month of a": _month,
    "day of a": _day,
    "quarter of a": lambda a: np.floor((_month(a) - 1) / 3) + 1,
    "weekday of a, Monday 1": lambda a: _weekday(a) + 1,
    "weekday of a, Monday 0": _weekday,
    "weekday of a, Sunday 0": lambda a: (_weekday(a) + 1) % 7,
    "weekday of a, Sunday 1": lambda a: (_weekday(a) + 1) % 7 + 1,
    "ISO week of a": _week,
    "number of the day of a in its year": _day_of_year,
    "hour of a": lambda a: _clock(a, 24, 24),
    "minute of a": lambda a: _clock(a, 1_440, 60),
    "second of a": lambda a: _clock(a, 86_400, 60),
    "year and month of a": lambda a: 100 * _year(a) + _month(a),
    "year, month and day of a": lambda a: 10_000 * _year(a) + 100 * _month(a) + _day(a),
}
"""Of one date."""
SPANS: Mapping[str, Operation] = {
    "(a - b) in hours": lambda a, b: (a - b) * 24,
    "(a - b) in minutes": lambda a, b: (a - b) * 1_440,
    "(a - b) in seconds": lambda a, b: (a - b) * 86_400,
    "(a - b) in whole hours": lambda a, b: _whole((a - b) * 24),
    "(a - b) in whole minutes": lambda a, b: _whole((a - b) * 1_440),
    "(a - b) in whole days": lambda a, b: _whole(a - b),
    "(a - b) from day to day": lambda a, b: _whole(a) - _whole(b),
    "(a - b) in whole years": lambda a, b: _whole((a - b) / 365.25),
}
"""Between two dates."""
PLAIN: Mapping[str, Operation] = {
    "a * b": lambda a, b: a * b,
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b / 100": lambda a, b: a * b / 100,
    "a * (1 + b)": lambda a, b: a * (1 + b),
    "a * (1 - b)": lambda a, b: a * (1 - b),
    "a * (1 - b / 100)": lambda a, b: a * (1 - b / 100),
    "a / b": _over,
    "100 * a + b": lambda a, b: 100 * a + b,
    "60 * a + b": lambda a, b: 60 * a + b,
    "a * b * (1 - c)": lambda a, b, c: a * b * (1 - c),
    "a * b * (1 - c / 100)": lambda a, b, c: a * b * (1 - c / 100),
    "a * b - c": lambda a, b, c: a * b - c,
    "a * b + c": lambda a, b, c: a * b + c,
    "a + b + c": lambda a, b, c: a + b + c,
    "a + b - c": lambda a, b, c: a + b - c,
    "a - b - c": lambda a, b, c: a - b - c,
    "hundreds of a": lambda a: np.floor(a / 100),
    "a without its hundreds": lambda a: a - 100 * np.floor(a / 100),
}
"""Of any numbers."""
SCALED: Mapping[str, Operation] = {
    "a": lambda a: a,
    "a * b": lambda a, b: a * b,
    "a / b": _over,
}
"""What is tried with a constant factor: a tax rate, a unit of measure, a price per thousand."""
EVERY: Mapping[str, Operation] = {**PARTS, **SPANS, **PLAIN, **SCALED}
RANK: Mapping[str, int] = {name: place for place, name in enumerate(EVERY)}
SYMMETRIC = frozenset({"a * b", "a + b", "a * b / 100", "a + b + c"})
SUMS = frozenset({"a + b", "a - b", "a + b + c", "a + b - c", "a - b - c"})


def operands_of(operation: str) -> int:
    """How many columns the operation takes."""
    return EVERY[operation].__code__.co_argcount
