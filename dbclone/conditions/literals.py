"""Constants in the terms of what they are compared with: numbers, truth values, dates, durations from their text."""

from __future__ import annotations

import datetime
import re

from dbclone.conditions.tree import NUMBERS, Constant, Kind
from dbclone.conditions.vectors import DAY

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_WORDS = {"t": True, "true": True, "yes": True, "y": True, "on": True, "1": True,
          "f": False, "false": False, "no": False, "n": False, "off": False, "0": False}  # fmt: skip
_UNITS = {
    "microsecond": 1, "millisecond": 1_000, "second": 1_000_000, "sec": 1_000_000, "minute": 60_000_000,
    "min": 60_000_000, "hour": 3_600_000_000, "day": DAY, "week": 7 * DAY,
}  # fmt: skip
_LONG_UNITS = {"month": 1, "mon": 1, "year": 12, "decade": 120, "century": 1200}
_QUANTITY = re.compile(r"\s*(-?\d+)\s*([a-zA-Z]+)\s*")
_CLOCK = re.compile(r"\s*(-?)(\d+):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?\s*")
MONTH = 30 * DAY
"""A month where durations are compared."""


def number(text: str, floating: bool) -> Constant | None:
    """A numeric literal: INTEGER, else FLOAT where the product computes with floats, else an exact DECIMAL."""
    if not _NUMBER.fullmatch(text):
        return None
    text = text.strip()
    if text.lstrip("+-").isdigit():
        return Constant(int(text), Kind.INTEGER)
    if floating or "e" in text.lower():
        return Constant(float(text), Kind.FLOAT if floating else Kind.APPROXIMATE)
    whole, _, fraction = text.partition(".")
    return Constant(int((whole + fraction) or "0"), Kind.DECIMAL, len(fraction))


def moment(text: str, kind: Kind) -> Constant | None:
    """A date or moment in ISO 8601, in UTC where it names a zone."""
    try:
        found = datetime.datetime.fromisoformat(re.sub(r" (?=[+-]\d\d)", "", text.strip()))
    except ValueError:
        return None
    if found.tzinfo is not None:
        found = found.astimezone(datetime.UTC).replace(tzinfo=None)
    micros = (found - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    return Constant(micros // DAY * DAY if kind is Kind.DATE else micros, kind)


def clock(text: str) -> Constant | None:
    """A time of day, or a duration written like one."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    sign, hours, minutes, seconds, fraction = found.groups()
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds or 0)
    micros = whole * 1_000_000 + int((fraction or "0").ljust(6, "0"))
    return Constant(-micros if sign else micros, Kind.CLOCK)


def duration(text: str) -> Constant | None:
    """A SPAN, or MONTHS if it is made of months and years alone; None if it mixes both."""
    as_clock = clock(text)
    if as_clock is not None:
        return Constant(as_clock.value, Kind.SPAN)
    micros = months = at = 0
    while at < len(text):
        found = _QUANTITY.match(text, at)
        if found is None:
            return None
        unit = found.group(2).lower()
        unit = unit if unit in _UNITS or unit in _LONG_UNITS else unit.removesuffix("s")
        if unit in _LONG_UNITS:
            months += int(found.group(1)) * _LONG_UNITS[unit]
        elif unit in _UNITS:
            micros += int(found.group(1)) * _UNITS[unit]
        else:
            return None
        at = found.end()
    if months and micros:
        return None
    return Constant(months, Kind.MONTHS) if months else Constant(micros, Kind.SPAN)


def coerced(node: Constant, kind: Kind, floating: bool) -> Constant | None:
    """A text literal as a value of the kind with which it stands; None if it is none."""
    if node.value is None:
        return Constant(None, kind)
    text = str(node.value)
    if kind is Kind.TEXT:
        return node
    if kind in NUMBERS:
        return number(text, floating)
    if kind is Kind.BOOLEAN:
        word = _WORDS.get(text.strip().lower())
        return None if word is None else Constant(word, kind)
    if kind in (Kind.DATE, Kind.MOMENT):
        return moment(text, kind)
    if kind is Kind.CLOCK:
        return clock(text)
    if kind in (Kind.SPAN, Kind.MONTHS):
        return duration(text)
    return None
