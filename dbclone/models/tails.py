"""How far beyond the numbers that k entities hold those of a clone may lie.

A heavy tail that is cut at the k-th entity loses much of its mean.  So the outermost interval goes on (models.atoms),
as far as the numbers of k entities tell.
"""

from __future__ import annotations

import numpy as np

from dbclone.models.atoms import extremes
from dbclone.models.steps import Scale
from dbclone.privacy.protection import Guard


def has_tails(step: str, scale: Scale) -> bool:
    """Whether numbers may lie beyond those of k entities: amounts, but neither dates nor numbers of children."""
    return step.startswith(("level:", "column:")) and not scale.temporal


def reach(step: str, raw: np.ndarray, scale: Scale, guard: Guard) -> tuple[float, float]:
    """Lowest and highest lattice number that may be drawn; ``raw`` float64[n], NaN for NULL.

    A tail stays on its side of 0 and ends where values would need another digit or bit: the column may hold no others.
    """
    low, high = extremes(raw, scale.lattice, guard)
    if not guard.on or not has_tails(step, scale):
        return low, high
    bottom, top = extremes(raw, scale.lattice, guard, tails=True)
    if step.startswith("level:"):
        return bottom, top
    floor, roof = -_end(-low, scale.unit, -scale.offset), _end(high, scale.unit, scale.offset)
    return min(low, max(bottom, floor)), max(high, min(top, roof))


def _end(number: float, unit: float, offset: float) -> float:
    """The largest number whose value (number · unit + offset) has the sign, digits and bits of the given one's."""
    value = number * unit + offset
    if not abs(value) < 2.0**53:
        return number
    if value < 0:
        return (-min(unit, -value) - offset) / unit
    whole = int(value)
    most = min(10 ** len(str(whole)), 1 << whole.bit_length()) if whole else 1
    return (most - unit - offset) / unit
