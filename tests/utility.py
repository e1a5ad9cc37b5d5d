"""Whether a model that was trained on a clone serves on real rows as well as one that was trained on real ones.

    python -m tests.utility DATA [--seeds 3] [--only NAME …] [--unprotected] [--scale 1]

DATA is a folder of ``*.sqlite.gz``.  The entities of each database are split in two halves, each with all that hangs
from them.  One half is cloned; gradient-boosted trees (scikit-learn's) learn a label of the entities from it and from
the real half, and both are tested on the other half, which neither has seen; then the other way round.  What they are
shown is the entity's own columns and aggregates over the tables that hang from it.

The label is chosen once for each database, on real rows: the column of the entities that the aggregates of their
children alone tell best (cross-validated), as a label that the entity's own row gives away would say nothing of how
tables go together; for the same reason nothing is asked that is as good as computed.  Entities without columns of their
own are asked for an aggregate of one table, which is told from the others.  Numbers are asked for by whether they are
above the median, categories by whether they are the most frequent one: so all scores are areas under the ROC curve.

Prints a Markdown table of means over seeds and both directions: both areas, their ratio, and the ratio of what they
exceed guessing (.5) by, which is the stricter one.  Databases of fewer than a hundred entities are passed over: a model
of half of them is hardly better than guessing.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small data: threads that wait for each other cost more than they bring

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from dbclone.cloning import clone
from dbclone.connection import open_target
from dbclone.graph import descendants
from dbclone.halving import Tables, halve
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.privacy.audit_profiles import Attribute, Profiler
from dbclone.progress import Silent
from dbclone.schema import Schema, TableName
from dbclone.units import MANY_ENTITIES, choose_unit
from dbclone.writing import write
from tests.real_data import read_all
from tests.scoreboard import SETS, unpacked

MOST_TOLD = 0.95
"""A label that is told better than that is as good as computed from what is shown."""
LEAST_SHARE = 0.1
"""A label that fewer of the entities have, or have not, is not asked for."""
FOLDS = 5
LEAST_LEAF = 5
"""Entities in a leaf: with scikit-learn's own 20, fifty stores could hardly be split once."""

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Label:
    """What is asked of every entity: whether an attribute is above ``level``, or, of a category, is that level."""

    place: int
    """Of the attribute, in the order of the profiler."""
    name: str
    is_category: bool
    level: float

    def of(self, attributes: Sequence[Attribute]) -> tuple[Bits, Bits]:
        """The label of each entity, and which of them have any; bool[entities] both."""
        values = attributes[self.place].values
        return values == self.level if self.is_category else values > self.level, ~np.isnan(values)

    def shown(self, attributes: Sequence[Attribute], *, children_only: bool = False) -> Floats:
        """float64[entities, features]: all attributes but those of the label's own column or table."""
        hidden = _origin(attributes[self.place])
        told = [a for a in attributes if _origin(a) != hidden and (a.of_children or not children_only)]
        return np.stack([a.values for a in told], axis=1) if told else np.zeros((len(attributes[0].values), 0))


def _origin(attribute: Attribute) -> str:
    """The column of the entity, or the table of the children with the key that leads to the entity."""
    return attribute.name.partition(":")[0] if attribute.of_children else attribute.name


def choose_label(attributes: Sequence[Attribute]) -> Label | None:
    """The label of the rule above; None if nothing can be asked."""
    for of_children in (False, True):
        labels = [_label(i, a) for i, a in enumerate(attributes) if a.of_children == of_children]
        told = [(_told(label, attributes), label) for label in labels if label is not None]
        worth = [(area, label) for area, label in told if 0.5 < area <= MOST_TOLD]
        if worth:
            return max(worth, key=lambda found: found[0])[1]
    return None


def _label(place: int, attribute: Attribute) -> Label | None:
    known = attribute.values[~np.isnan(attribute.values)]
    if not len(known):
        return None
    levels, times = np.unique(known, return_counts=True)
    is_category = attribute.levels > 0
    level = float(levels[times.argmax()] if is_category else np.median(known))
    share = float(np.mean(known == level if is_category else known > level))
    if min(share, 1 - share) < LEAST_SHARE or min(share, 1 - share) * len(known) < FOLDS:
        return None
    return Label(place, attribute.name, is_category, level)


def _told(label: Label, attributes: Sequence[Attribute]) -> float:
    """Area under the ROC curve of what the children alone tell of the label, on folds left out."""
    shown = label.shown(attributes, children_only=True)
    answers, known = label.of(attributes)
    if not shown.shape[1]:
        return 0.5
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    told = cross_val_predict(_model(), shown[known], answers[known], cv=folds, method="predict_proba")
    return float(roc_auc_score(answers[known], told[:, 1]))


def _model() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(min_samples_leaf=LEAST_LEAF, random_state=0)


def area(label: Label, trained: Sequence[Attribute], tested: Sequence[Attribute]) -> float:
    """Area under the ROC curve on the tested entities of a model of the trained ones; .5 if these are all alike."""
    (answers, known), (asked, test) = label.of(trained), label.of(tested)
    if len(np.unique(answers[known])) < 2:
        return 0.5
    model = _model().fit(label.shown(trained)[known], answers[known])
    return float(roc_auc_score(asked[test], model.predict_proba(label.shown(tested)[test])[:, 1]))


@dataclass(frozen=True)
class Utility:
    """Of one database: the label, and per run the areas of the model of real rows and of that of the clone."""

    unit: TableName
    entities: int
    label: Label
    real: tuple[float, ...]
    clone: tuple[float, ...]


def measure(path: Path, choices: Sequence[CloneOptions]) -> Utility | None:
    """Utility of clones of the halves of a SQLite database; each of the ``choices`` halves it by its seed.

    Files are written beside it, and removed.  None if there are too few entities, or nothing to ask them for.
    """
    schema, tables = read_all(path)
    unit = choose_unit(schema, tables)
    profiler = Profiler.learn(schema, unit, [tables])
    attributes = profiler.attributes(tables)
    label = choose_label(attributes) if tables[unit].num_rows >= MANY_ENTITIES else None
    if label is None:
        return None
    areas = [pair for chosen in choices for pair in _areas(path, (schema, tables), profiler, label, chosen)]
    real, made = zip(*areas, strict=True)
    return Utility(unit, tables[unit].num_rows, label, real, made)


def _areas(
    path: Path, data: tuple[Schema, Tables], profiler: Profiler, label: Label, chosen: CloneOptions
) -> Iterator[tuple[float, float]]:
    schema, tables = data
    halves = halve(schema, tables, profiler.unit, chosen.fit.seed)
    for number, (half, other) in enumerate(((halves.first, halves.second), (halves.second, halves.first))):
        synthetic = _cloned(schema, half, path.with_suffix(f".{number}"), chosen)
        trained, made, tested = (profiler.attributes(t) for t in (half, synthetic, other))
        yield area(label, trained, tested), area(label, made, tested)


def _cloned(schema: Schema, half: Tables, place: Path, chosen: CloneOptions) -> Tables:
    """The rows of a clone of some rows, by way of two files."""
    real, made = place.with_suffix(".half"), place.with_suffix(".clone")
    with open_target(f"sqlite:///{real}") as target:
        write(target, schema, ((name, half[name]) for name in _parents_first(schema)), Silent())
        target.commit()
    clone(str(real), f"sqlite:///{made}", chosen, Silent())
    _, rows = read_all(made)
    real.unlink()
    made.unlink()
    return rows


def _parents_first(schema: Schema) -> list[TableName]:
    """From a table with more descendants hang those with fewer; in a ring any order will do."""
    return sorted((t.name for t in schema.tables), key=lambda name: -len(descendants(schema, name)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--unprotected", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    k = 0 if options.unprotected else FitOptions().k
    choices = [
        CloneOptions(fit=FitOptions(seed=seed, k=k), generate=GenerateOptions(seed=seed, scale=options.scale))
        for seed in range(options.seeds)
    ]
    print("| | entities | label | trained on real | on a clone | ratio | above .5 |\n|---|---|---|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            found = measure(unpacked(options.data / f"{name}.sqlite.gz", Path(folder)), choices)
            if found is not None:
                print(f"| {name} | {found.entities} {found.unit} | {found.label.name} | {_shown(found)} |", flush=True)  # noqa: T201


def _shown(found: Utility) -> str:
    real, made = float(np.mean(found.real)), float(np.mean(found.clone))
    above = (made - 0.5) / (real - 0.5) if real > 0.5 else float("nan")
    return f"{real:.3f} | {made:.3f} | {made / real:.2f} | {above:.2f}"


if __name__ == "__main__":
    main()
