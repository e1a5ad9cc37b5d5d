"""Totals over children: what they run over, and children that change where a total would be a rare one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbclone.columns.codecs import MeasuredCodec
from dbclone.engines.forest_values import Values
from dbclone.models.derivation import TotalOf, label_codes, on_lattice
from dbclone.models.mending import donors
from dbclone.models.totals import aggregate, sizes


@dataclass(frozen=True)
class Summed:
    """A total, and what it is made of: ``passing`` bool[n] are the rows that count, ``numbers`` float64[n]."""

    total: TotalOf
    codec: MeasuredCodec
    passing: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, total: TotalOf, codec: MeasuredCodec, children: Values, n: int) -> Summed:
        """From the ``n`` drawn children."""
        only, column = total.total.only, total.total.column
        passing = np.ones(n, dtype=bool)
        if only is not None:
            passing = (label_codes(children.keys[only.column], (only.value,)) == 0) == only.equal
        return cls(total, codec, passing, children.numbers(column) if column else np.zeros(n))

    def over(self, group: np.ndarray, groups: int, rows: np.ndarray) -> np.ndarray:
        """The totals of the rows (int64[m]) by their group (int64[m]), float64[groups]."""
        counted = np.where(self.passing[rows], group, -1)
        made = aggregate(self.total.total.operation, counted, groups, self.numbers[rows])
        return np.where(sizes(counted, groups) == 0, self.total.total.empty, made)

    def forbidden(self, group: np.ndarray, groups: int, rows: np.ndarray) -> np.ndarray:
        """Of which groups the total is one that may not be, bool[groups]."""
        raw = on_lattice(self.codec, self.over(group, groups, rows))
        moved: np.ndarray = self.total.sieve.passed(raw) != raw
        return moved & ~np.isnan(raw)


def mended(totals: Sequence[Summed], up: np.ndarray, owners: int, rng: np.random.Generator) -> np.ndarray:
    """The row that each child becomes like so that no total is a rare one, int64[n], −1 for itself.

    ``up`` int64[n] is the owner of each child, −1 for none.
    """

    def forbidden(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
        found, there = np.zeros(owners, dtype=bool), np.zeros(owners, dtype=bool)
        there[up[rows]] = True
        for total in totals:
            found |= total.forbidden(up[rows], owners, like)
        return found & there

    return donors(up, np.nan_to_num(totals[0].numbers), forbidden, rng)
