"""Days of the month: dates that only ever stand on a few of them (the first, the fifteenth, the last) stay there.

Conversions between days and dates after Hinnant, "chrono-Compatible Low-Level Date Algorithms".
"""

from __future__ import annotations

import numpy as np

from dbclone.columns.temporal import DAY
from dbclone.models.compiled import inner, kernel
from dbclone.privacy.protection import Guard

_MOST = 4
"""Days of the month that are a habit and no chance."""
_SUPPORT = 0.995
_LEAST_ROWS, _LEAST_MONTHS = 50, 3


def days_of_month(raw: np.ndarray, unit: float, origin: float, guard: Guard) -> int:
    """Bit d for day d of the month, bit 0 for its last day, of the few on which all dates stand; 0 if they are not few.

    ``raw`` float64[n] are lattice numbers (NaN is NULL); stamps are raw · unit + origin in microseconds since 1970.
    """
    held = np.flatnonzero(~np.isnan(raw))
    if unit != DAY or len(held) < _LEAST_ROWS:
        return 0
    days = np.floor((raw[held] * unit + origin) / DAY).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    last = (days + 1).astype("datetime64[M]") > months
    day = np.where(last, 0, (days - months.astype("datetime64[D]")).astype(np.int64) + 1)
    counts = np.where(guard.take(held).held(day, 32), np.bincount(day, minlength=32), 0)
    most = np.argsort(-counts, kind="stable")[:_MOST]
    if len(np.unique(months)) < _LEAST_MONTHS or counts[most].sum() < _SUPPORT * len(held):
        return 0
    return int(sum(1 << int(d) for d in most if counts[d] > 0))


@inner
def civil(day):  # type: ignore[no-untyped-def]
    """(year, month, day of month) of a number of days since 1970."""
    z = int(day) + 719_468
    era = z // 146_097
    of_era = z - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (1 if month <= 2 else 0), month, of_year - (153 * shifted + 2) // 5 + 1


@inner
def _day_of(year, month, day):  # type: ignore[no-untyped-def]
    """Days since 1970 of a date."""
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era_year = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + of_era_year * 365 + of_era_year // 4 - of_era_year // 100 + of_year - 719_468


@kernel
def on_days_of_month(number, origin, mask, low, high):  # type: ignore[no-untyped-def]
    """The nearest lattice number (of days) on one of the mask's days of the month, in bounds; itself if none is."""
    day = int(np.floor(number + origin / 86_400_000_000.0))
    year, month, _ = civil(day)
    best, found = number, np.inf
    for step in range(-1, 2):
        index = year * 12 + month - 1 + step
        first = _day_of(index // 12, index % 12 + 1, 1)
        length = _day_of((index + 1) // 12, (index + 1) % 12 + 1, 1) - first
        for d in range(32):
            if (mask >> d) & 1 == 0 or d > length:
                continue
            candidate = number + (first + (d if d > 0 else length) - 1 - day)
            if low <= candidate <= high and abs(candidate - number) < found:
                best, found = candidate, abs(candidate - number)
    return best
