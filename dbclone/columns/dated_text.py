"""Dates and times that a database keeps as text: new ones of the same form, always real calendar days."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_FORM = re.compile(r"0000-00-00(?:([ T])00:00(:00)?(\.0{1,6})?(Z|[+-]00(?::?00)?)?)?")
_LEAST_SHARE = 0.95
_MOST_BUCKETS = 24
_DAY = 86_400


@dataclass(frozen=True)
class DatedText:
    """``edges`` are quantiles in seconds since 1970, so many buckets and one; each value is ``step`` from the next."""

    joint: str
    """' ' or 'T' between date and time, '' for dates alone."""
    seconds: bool
    fraction: int
    """Digits of fractional seconds."""
    zone: str
    """Suffix that at least k entities share, as it stands."""
    edges: npt.NDArray[np.int64]
    step: int

    @property
    def size(self) -> int:
        """Number of buckets."""
        return len(self.edges) - 1

    def bucket(self, texts: pa.Array) -> npt.NDArray[np.int64]:
        """The bucket of each text, int64[n]; 0 for what is no date."""
        moments = _moments(texts).fill_null(int(self.edges[0])).to_numpy(zero_copy_only=False)
        found: npt.NDArray[np.int64] = np.searchsorted(self.edges[1:-1], moments, side="right").astype(np.int64)
        return found

    def draw(self, buckets: npt.NDArray[np.integer], rng: np.random.Generator) -> pa.Array:
        """One text for each bucket, evenly from its span."""
        low, high = self.edges[buckets], np.maximum(self.edges[buckets + 1], self.edges[buckets] + self.step)
        moments = low + rng.integers(0, np.maximum((high - low) // self.step, 1)) * self.step
        clock = f"{self.joint}%H:%M" + (":%S" if self.seconds else "") if self.joint else ""
        text = pc.strftime(pa.array(moments, pa.int64()).cast(pa.timestamp("s")), format=f"%Y-%m-%d{clock}")
        if self.fraction:
            parts = pc.cast(pa.array(rng.integers(0, 10**self.fraction, len(moments))), pa.string())
            text = pc.binary_join_element_wise(text, pc.utf8_lpad(parts, self.fraction, "0"), ".")
        return pc.binary_join_element_wise(text, self.zone, "") if self.zone else text


def learn(strings: Sequence[str], k: int) -> DatedText | None:
    """The form of the strings, one entity each, if nearly all of them are dates of one form; else None."""
    forms = Counter(re.sub(r"\d", "0", text) for text in strings if len(text) <= 35)
    form, count = forms.most_common(1)[0] if forms else ("", 0)
    match = _FORM.fullmatch(form)
    if match is None or count < max(_LEAST_SHARE * len(strings), k):
        return None
    moments = _moments(pa.array(strings, pa.string())).drop_null().to_numpy(zero_copy_only=False).astype(np.int64)
    if len(moments) < _LEAST_SHARE * len(strings):
        return None
    unit = _DAY if match[1] is None else 3600
    return DatedText(
        joint=match[1] or "",
        seconds=match[2] is not None,
        fraction=max(len(match[3] or "") - 1, 0),
        zone=_zone(strings, len(match[4] or ""), k),
        edges=_edges(moments, k, unit),
        step=max(int(np.gcd.reduce(np.unique(moments) - moments.min())), 1) if len(np.unique(moments)) > 1 else unit,
    )


def _edges(moments: npt.NDArray[np.int64], k: int, unit: int) -> npt.NDArray[np.int64]:
    """Quantiles, each bucket of at least k values, rounded down to whole units; the extremes are the k-th ones."""
    inside = np.sort(moments)[min(k - 1, len(moments) // 2) : max(len(moments) - k + 1, len(moments) // 2 + 1)]
    steps = min(_MOST_BUCKETS, max(len(moments) // max(4 * k, 4), 1))
    knots = np.quantile(inside, np.linspace(0, 1, steps + 1)).astype(np.int64) // unit * unit
    knots[-1] += unit
    return np.unique(knots)


def _moments(texts: pa.Array) -> pa.Array:
    """Seconds since 1970; NULL for what is no date."""
    plain = pc.replace_substring(pc.utf8_slice_codeunits(texts, 0, 19), "T", " ")
    midnight = pc.equal(pc.utf8_length(plain), 10)
    plain = pc.if_else(midnight, pc.binary_join_element_wise(plain, " 00:00:00", ""), plain)
    minutes = pc.match_substring_regex(plain, r"^\d{4}-\d\d-\d\d \d\d:\d\d($|[^:\d])")
    padded = pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, 16), ":00", "")
    plain = pc.if_else(minutes, padded, plain)
    return pc.strptime(plain, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True).cast(pa.int64())


def _zone(strings: Sequence[str], length: int, k: int) -> str:
    """The most frequent suffix, or UTC if too few share it."""
    if not length:
        return ""
    suffix, count = Counter(text[-length:] for text in strings).most_common(1)[0]
    return suffix if count >= k else "Z" if length == 1 else ("+00:00" if length == 6 else "+0000")[:length]
