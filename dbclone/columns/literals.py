"""Valid values of database types that are no plain numbers or texts, as the product prints them.

Where a type has a magnitude (intervals, ranges, money) it is learned as rounded quantiles; the rest is random.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import geometries
from dbclone.columns.uniqueness import code_points, strings_of
from dbclone.privacy import pools

_KNOTS = 17
_EPOCH = dt.date(1970, 1, 1)
_CLOCK = re.compile(r"(-?)(?:P\S*)?(\d+):(\d{2}):(\d{2}(?:\.\d+)?)")
_SPAN = re.compile(r"(-?\d+) (year|mon|day)")
_SECONDS = {"year": 31_557_600.0, "mon": 2_629_800.0, "day": 86_400.0}
_DEAREST = 2.0**63 / 100 - 1024
"""The most that PostgreSQL's money holds, in units, less what a float of this size cannot tell."""
_LONGEST = 86_400.0 * (2**31 - 1)
"""Seconds of an interval written in days."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?")
_BITS = code_points("01")
_LABEL = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Literals:
    """Makes values of one type: ``form`` is its plain name, ``magnitudes`` and ``widths`` are quantiles.

    Of a SET, ``words`` are its labels and ``magnitudes`` their shares; of a geometry, what stands before and its kind.
    """

    form: str
    magnitudes: tuple[float, ...] = (0.0, 0.0)
    widths: tuple[float, ...] = (1.0, 1.0)
    decimals: int = 0
    words: tuple[str, ...] = ()

    def draw(self, n: int, rng: np.random.Generator) -> pa.Array:
        """n valid literals."""
        return FORMS[self.form](self, n, rng)


def literals_for(sql: str, values: Sequence[str]) -> Literals | None:
    """What makes values of the type, learned from the given ones; None for a type that is not known here."""
    if sql.lower().startswith("set("):
        return _set(sql, values)
    name = re.sub(r"\(.*?\)", "", sql.lower()).split(".")[-1].strip().strip('"')
    if (words := geometries.words_of(name, values)) is not None:
        name = "geometry"
    form = _ALIASES.get(name, name)
    if form not in FORMS:
        return None
    measure = _MEASURES.get(form, _numbers)
    pairs = [pair for v in values if (pair := measure(v)) is not None]
    if not pairs:
        return Literals(form, words=words or ())
    low, width = np.array(pairs, dtype=np.float64).T
    decimals = max((len(m.partition(".")[2]) for v in values[:200] for m in _NUMBER.findall(v)), default=0)
    return Literals(form, _quantiles(low), _quantiles(width), min(decimals, 6), words or ())


def _set(sql: str, values: Sequence[str]) -> Literals:
    """MariaDB's SET: each label of the type by itself, as often as it is there."""
    labels = tuple(label.replace("''", "'") for label in _LABEL.findall(sql))
    members = [set(value.split(",")) for value in values]
    shares = (sum(label in found for found in members) / max(len(members), 1) for label in labels)
    return Literals("set", tuple(round(share, 2) for share in shares), words=labels)


def seconds_of(text: str) -> float | None:
    """Length of a PostgreSQL interval as printed ('3 days 04:05:06'), months as a twelfth of 365.25 days."""
    spans = _SPAN.findall(text)
    clock = _CLOCK.search(text)
    if not spans and clock is None:
        return None
    total = sum(int(amount) * _SECONDS[unit] for amount, unit in spans)
    if clock is None:
        return total
    sign, hours, minutes, seconds = clock.groups()
    return total + (-1 if sign else 1) * (int(hours) * 3600 + int(minutes) * 60 + float(seconds))


def _interval(text: str) -> tuple[float, float] | None:
    return None if (seconds := seconds_of(text)) is None else (seconds, 0.0)


def _numbers(text: str) -> tuple[float, float] | None:
    """First number and its distance to the second."""
    found = [float(number) for number in _NUMBER.findall(text.replace(",", " "))[:2]]
    return (found[0], found[-1] - found[0]) if found else None


def _money(text: str) -> tuple[float, float] | None:
    digits = re.sub(r"[^\d.-]", "", text)
    return (float(digits), 0.0) if re.fullmatch(_NUMBER, digits) else None


def _dates(text: str) -> tuple[float, float] | None:
    """First day since 1970 and the days to the second."""
    found = [float((dt.date.fromisoformat(day) - _EPOCH).days) for day in _DATE.findall(text)[:2]]
    return (found[0], found[-1] - found[0]) if found else None


def _times(text: str) -> tuple[float, float] | None:
    """First moment, in seconds since 1970, and the seconds to the second; zones are all the same, that of reading."""
    parts = (map(int, (part or "0" for part in found)) for found in _MOMENT.findall(text)[:2])
    found = [
        (dt.datetime(year, month, day, hour, minute, second) - dt.datetime(1970, 1, 1)).total_seconds()
        for year, month, day, hour, minute, second in parts
    ]
    return (found[0], found[-1] - found[0]) if found else None


def _coordinates(text: str) -> tuple[float, float] | None:
    return _numbers(text.partition("(")[2])


def _length(text: str) -> tuple[float, float] | None:
    return float(len(text)), 0.0


def _quantiles(numbers: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Rounded to two digits, the outermost 2% cut off."""
    knots = np.quantile(numbers, np.linspace(0.02, 0.98, _KNOTS))
    return tuple(float(f"{knot:.3g}") if abs(knot) < 1000 else float(round(knot)) for knot in knots)


def _between(knots: tuple[float, ...], n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    at = rng.random(n) * (len(knots) - 1)
    return np.asarray(np.interp(at, np.arange(len(knots)), np.array(knots)), dtype=np.float64)


def _text(numbers: npt.NDArray[np.float64], decimals: int = 0) -> pa.Array:
    if not decimals:
        return pc.cast(pa.array(np.rint(numbers).astype(np.int64)), pa.string())
    return pa.array([f"{number:.{decimals}f}" for number in numbers], pa.string())


def _join(parts: Sequence[pa.Array | str], sign: str = "") -> pa.Array:
    return pc.binary_join_element_wise(*parts, sign)


def _draw_interval(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    seconds = np.rint(np.clip(_between(form.magnitudes, n, rng), -_LONGEST, _LONGEST)).astype(np.int64)
    sign = pc.if_else(pa.array(seconds < 0), "-", "")
    size = np.abs(seconds)
    days = _join([sign, _text((size // 86_400).astype(float)), " days "])
    clock = [
        pc.utf8_lpad(_text(part.astype(float)), 2, "0")
        for part in (size % 86_400 // 3600, size % 3600 // 60, size % 60)
    ]
    return _join([days, sign, _join(clock, ":")])


def _draw_range(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    scale = 10.0**form.decimals
    low = np.rint(_between(form.magnitudes, n, rng) * scale)
    high = low + np.maximum(np.rint(np.abs(_between(form.widths, n, rng)) * scale), 1)
    return _join(["[", _text(low / scale, form.decimals), ",", _text(high / scale, form.decimals), ")"])


def _draw_integer_range(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    return _draw_range(Literals(form.form, form.magnitudes, form.widths), n, rng)


def _days(numbers: npt.NDArray[np.float64]) -> pa.Array:
    return pc.cast(pa.array(np.rint(numbers).astype(np.int32)).cast(pa.date32()), pa.string())


def _draw_date_range(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    low = _between(form.magnitudes, n, rng)
    high = low + np.maximum(np.abs(_between(form.widths, n, rng)), 1)
    return _join(["[", _days(low), ",", _days(high), ")"])


def _draw_time_range(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    """Quarter hours, or minutes where ranges are shorter; with the zone, which is UTC where they are read."""
    step = 900.0 if min(map(abs, form.widths)) >= 900 else 60.0
    low = np.rint(_between(form.magnitudes, n, rng) / step) * step
    high = low + np.maximum(np.rint(np.abs(_between(form.widths, n, rng)) / step), 1) * step
    zone = "+00" if form.form.startswith("tstz") else ""
    return _join(['["', _moments(low), f'{zone}","', _moments(high), f'{zone}")'])


def _moments(seconds: npt.NDArray[np.float64]) -> pa.Array:
    times = pa.array(seconds.astype(np.int64)).cast(pa.timestamp("s"))
    return pc.strftime(times, format="%Y-%m-%d %H:%M:%S")


def _draw_multirange(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    return _join(["{", FORMS[form.form.replace("multi", "")](form, n, rng), "}"])


def _draw_clock(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    """MariaDB's TIME, which has hours beyond a day."""
    seconds = np.rint(_between(form.magnitudes, n, rng)).astype(np.int64)
    size = np.abs(seconds)
    parts = (size // 3600, size % 3600 // 60, size % 60)
    clock = _join([pc.utf8_lpad(_text(part.astype(float)), 2, "0") for part in parts], ":")
    return _join([pc.if_else(pa.array(seconds < 0), "-", ""), clock])


def _draw_set(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    if not form.words:
        return pa.array([""] * n, pa.string())
    chosen = rng.random((n, len(form.words))) < np.array(form.magnitudes)
    return pa.array([",".join(np.array(form.words)[row]) for row in chosen], pa.string())


def _draw_geometry(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    x, width = _between(form.magnitudes, n, rng), _between(form.widths, n, rng)
    return geometries.texts(form.words, x, x + width)


def _draw_inet6(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    """Addresses of the private network fd00::/8."""
    digits = code_points("0123456789abcdef")
    return _join(["fd00:", *(strings_of(digits[rng.integers(0, 16, (n, 3))]) for _ in range(2))], ":")


def _draw_money(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    return _text(np.clip(_between(form.magnitudes, n, rng), -_DEAREST, _DEAREST), 2)


def _draw_inet(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    """Addresses of the private network 10.0.0.0/8."""
    return _join(["10", *(_text(rng.integers(0, 256, n).astype(float)) for _ in range(3))], ".")


def _draw_cidr(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    parts = [_text(rng.integers(0, 256, n).astype(float)) for _ in range(2)]
    return _join([_join(["10", *parts, "0"], "."), "/24"])


def _draw_mac(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    size = 7 if form.form == "macaddr8" else 5
    digits = code_points("0123456789abcdef")
    return _join(["02", *(strings_of(digits[rng.integers(0, 16, (n, 2))]) for _ in range(size))], ":")


def _draw_bits(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    longest = max(int(max(form.magnitudes)), 1)
    points = _BITS[rng.integers(0, 2, (n, longest))]
    lengths = np.maximum(np.rint(_between(form.magnitudes, n, rng)), 1)
    return strings_of(np.where(np.arange(longest) < lengths[:, None], points, 0).astype(np.uint32))


def _draw_point(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    x, width = _between(form.magnitudes, n, rng), _between(form.widths, n, rng)
    return _join(["(", _text(x, 4), ",", _text(x + width, 4), ")"])


def _draw_vector(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    """Text search vectors of a few public words."""
    words = [word for word in pools.words() if word.isalpha()]
    picked = np.sort(rng.integers(0, len(words), (n, 6)), axis=1)
    parts = [_join(["'", pa.array(words).take(pa.array(picked[:, i])), f"':{i + 1}"]) for i in range(6)]
    return _join(parts, " ")


def _draw_hstore(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    return pa.repeat(pa.scalar(""), n)


def _draw_xml(form: Literals, n: int, rng: np.random.Generator) -> pa.Array:
    return pa.repeat(pa.scalar("<x/>"), n)


FORMS: dict[str, Callable[[Literals, int, np.random.Generator], pa.Array]] = {
    "interval": _draw_interval,
    "int4range": _draw_integer_range,
    "int8range": _draw_integer_range,
    "numrange": _draw_range,
    "daterange": _draw_date_range,
    "tsrange": _draw_time_range,
    "tstzrange": _draw_time_range,
    **dict.fromkeys(
        ("int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange"),
        _draw_multirange,
    ),
    "geometry": _draw_geometry,
    "inet6": _draw_inet6,
    "money": _draw_money,
    "set": _draw_set,
    "time": _draw_clock,
    "inet": _draw_inet,
    "cidr": _draw_cidr,
    "macaddr": _draw_mac,
    "macaddr8": _draw_mac,
    "bit": _draw_bits,
    "point": _draw_point,
    "tsvector": _draw_vector,
    "hstore": _draw_hstore,
    "xml": _draw_xml,
}
"""By plain type name: what draws n literals."""
_ALIASES = {"bit varying": "bit", "varbit": "bit", "inet4": "inet"}
_MEASURES: dict[str, Callable[[str], tuple[float, float] | None]] = {
    "geometry": _coordinates,
    "interval": _interval,
    "time": _interval,
    "money": _money,
    "bit": _length,
    **dict.fromkeys(("daterange", "datemultirange"), _dates),
    **dict.fromkeys(("tsrange", "tstzrange", "tsmultirange", "tstzmultirange"), _times),
}
