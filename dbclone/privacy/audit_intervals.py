"""How sure a measured attack is: areas under ROC curves, hit rates at few false alarms, and their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

Z = 1.959964
"""95% of a normal distribution lie within so many standard deviations."""
FALSE_ALARMS = 0.01
_RESAMPLES = 300


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """What an attack says of each entity: the higher, the more it believes that the model was fitted to it.

    An attack that learns from real entities of its own uses one part of the controls for that and judges the other,
    then the other way round: each such fold scores all members, and those controls that it did not learn from.
    """

    members: Floats
    """[folds, entities that the model was fitted to]"""
    controls: Floats
    """[entities that it has never seen]"""
    folds: npt.NDArray[np.int64]
    """[controls]: the fold that judged the control."""

    @classmethod
    def of(cls, members: Floats, controls: Floats) -> Scores:
        """Scores of an attack without folds."""
        return cls(members[None, :], controls, np.zeros(len(controls), dtype=np.int64))

    def only(self, members: Mask, controls: Mask) -> Scores:
        """The scores of some of the entities."""
        return Scores(self.members[:, members], self.controls[controls], self.folds[controls])

    def mean_over_folds(self, figure: Callable[[Floats, Floats], float]) -> float:
        """The mean of ``figure(members, controls)`` over the folds, weighted by their controls."""
        sizes = np.bincount(self.folds, minlength=len(self.members))
        figures = [figure(m, self.controls[self.folds == i]) for i, m in enumerate(self.members) if sizes[i]]
        return float(np.average(figures, weights=sizes[sizes > 0])) if figures else float("nan")


def auc(scores: Scores) -> Interval:
    """The chance that a member scores higher than a control (ties count half).

    The interval is method 5 of Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney
    statistic", Statistics in Medicine 25 (2006): it also holds for few entities and for areas near 0 and 1.
    """
    members, controls = scores.members.shape[1], len(scores.controls)
    if not (members and controls):
        return Interval(0.5, 0.0, 1.0)
    value = scores.mean_over_folds(_area)
    return Interval(value, *_newcombe(value, members, controls))


def tpr(scores: Scores, rng: np.random.Generator) -> Interval:
    """The share of members found when at most 1% of the controls are taken for members.

    The interval is a percentile bootstrap over members and controls, widened to Wilson's where that is wider.
    """
    members, controls = scores.members.shape[1], len(scores.controls)
    if not (members and controls):
        return Interval(0.0, 0.0, 1.0)
    value = scores.mean_over_folds(_hits)
    drawn = [_resampled(scores, rng).mean_over_folds(_hits) for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    outer = wilson(value * members, members)
    return Interval(value, min(float(low), outer.low), max(float(high), outer.high))


def wilson(successes: float, attempts: float) -> Interval:
    """A success rate with Wilson's interval; without any attempt nothing is known."""
    if attempts <= 0:
        return Interval(0.0, 0.0, 1.0)
    rate, weight = successes / attempts, Z * Z / attempts
    middle = (rate + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * float(np.sqrt(rate * (1 - rate) / attempts + weight / (4 * attempts)))
    return Interval(rate, min(max(middle - half, 0.0), rate), max(min(middle + half, 1.0), rate))


def excess(success: Interval, control: Interval) -> Interval:
    """How much of what is left to guess is guessed only because of the fit: (s − c) / (1 − c), not below 0.

    The risk of Giomi et al., "A unified framework for quantifying privacy risk in synthetic data", PoPETs 2023, with
    the error propagated from both rates.
    """
    left = 1 - control.value
    if left <= 0:
        return Interval(0.0, 0.0, 1.0)
    value = (success.value - control.value) / left
    of_success, of_control = (i.high - i.low for i in (success, control))
    half = float(np.hypot(of_success / 2 / left, (1 - success.value) / left**2 * of_control / 2))
    low, high = (min(max(v, 0.0), 1.0) for v in (value - half, value + half))
    return Interval(min(max(value, 0.0), 1.0), low, high)


def _area(members: Floats, controls: Floats) -> float:
    ordered = np.sort(controls)
    below = np.searchsorted(ordered, members, side="left") + np.searchsorted(ordered, members, side="right")
    return float(below.mean() / (2 * len(ordered)))


def _hits(members: Floats, controls: Floats) -> float:
    """Share of members above the control that leaves at most 1% of the controls above it."""
    allowed = int(FALSE_ALARMS * len(controls))
    threshold = np.partition(controls, len(controls) - 1 - allowed)[len(controls) - 1 - allowed]
    return float((members > threshold).mean())


def _resampled(scores: Scores, rng: np.random.Generator) -> Scores:
    members = rng.integers(0, scores.members.shape[1], scores.members.shape[1])
    controls = rng.integers(0, len(scores.controls), len(scores.controls))
    return Scores(scores.members[:, members], scores.controls[controls], scores.folds[controls])


def _newcombe(value: float, members: int, controls: int) -> tuple[float, float]:
    spread = (members + controls) / 2 - 1

    def deviation(area: float) -> float:
        more = 1 + spread * (1 - area) / (2 - area) + spread * area / (1 + area)
        return Z * float(np.sqrt(max(area * (1 - area) * more / (members * controls), 0.0)))

    low = _bisect(lambda area: area + deviation(area) >= value, 0.0, value)
    high = 1 - _bisect(lambda rest: (1 - rest) - deviation(1 - rest) <= value, 0.0, 1 - value)
    return low, high


def _bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    """The smallest number between ``low`` and ``high`` for which ``reached`` holds, as it does for ``high``."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
