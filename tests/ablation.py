"""What each mechanism of the engine gains: clones with and without it, told from the original.

    python -m tests.ablation DATA [--seeds 1] [--only NAME …] [--without MECHANISM …] [--max-rows 1500]

DATA is a folder of ``*.sqlite.gz``; bank, clinic and shop are the repository's own examples.  A mechanism is turned off
by replacing one function (or limit) of the engine in this process, the product has no switches for it.  The score is
that of ``dbclone compare``: the mean distance of all accuracies from one half, the smaller the better.  Where clones
are the same with and without a mechanism, it found nothing to do in that database, and the cell says "–".

Prints a Markdown table: the score with everything; then by how much it rises without each mechanism (thousandths of an
accuracy; positive: the mechanism gains that much), and the mean over the databases in which it has a say.  The row
"nothing, other seeds" says how much of such a difference is chance.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from dbclone import planning
from dbclone.engines import forest
from dbclone.examples import build_sqlite
from dbclone.fidelity import Scores, mean_distance, table_scores
from dbclone.fidelity_folds import Linked
from dbclone.fitting import fit
from dbclone.generation import generate
from dbclone.graph import descendants, references
from dbclone.halving import Tables
from dbclone.models import bases, conditional, deriving, encoding, hidden, learning, observation, sampling, tails, tree
from dbclone.models.layout import ALIKE, LINKED, OWNER, SAME_ROW, SIBLING
from dbclone.models.sieve import NO_SIEVE
from dbclone.models.tree import Growth
from dbclone.options import FitOptions, GenerateOptions
from dbclone.planning import make_plan
from dbclone.progress import Silent
from dbclone.schema import Schema, TableName
from dbclone.two_samples import check_extra
from tests.real_data import read_all
from tests.scoreboard import unpacked

EXAMPLES = ("bank", "clinic", "shop")
OTHER_SEEDS = "nothing, other seeds"
SETS = ("biodegradability", "movielens100k", "rossmann", "nafld", "chinook", *EXAMPLES)

Replaced = tuple[ModuleType, str, Callable[[Any], Any]]
"""Where a name is used, the name, and from what it stands for to what is put in its place."""


def _always(value: object) -> Callable[[Any], Any]:
    """A function that returns the same, whatever it is given."""
    return lambda _: lambda *_, **__: value


def _instead(value: object) -> Callable[[Any], Any]:
    """Another value of a limit."""
    return lambda _: value


def _not_counted_from(*references: int) -> Callable[[Any], Any]:
    """``choose_bases`` without the bases of these kinds."""
    return lambda choose: (
        lambda observed, shape, raw, found, **more: choose(
            observed, shape, raw, [b for b in found if b.reference not in references], **more
        )
    )


def _one_type(cluster: Any) -> Any:
    return lambda profiles, children, *_, **more: cluster(profiles, children, 1, **more)


def _no_factors(_: Any) -> Any:
    return lambda _, __, lefts, rights: (np.zeros((lefts, 0)), np.zeros((rights, 0)))


def _none_known(_: Any) -> Any:
    return lambda _, up, *__: ((), np.full(len(up), -1, dtype=np.int64))


def _unsorted(choose: Any) -> Any:
    return lambda *given: replace(choose(*given), order_by=())


def _without_previous(take: Any) -> Any:
    """The sample with nothing to see of the previous sibling: so no tree looks at it when rows are drawn."""

    def taken(*given: Any, **more: Any) -> Any:
        sample = take(*given, **more)
        own = len(sample.features) - sample.own_at
        sample.features[sample.alike_bytes.start - own : sample.alike_bytes.start] = 0
        return sample

    return taken


def _without_position(take: Any) -> Any:
    """Nothing to see of the number of siblings, the place among them and the pace."""

    def positioned(*given: Any) -> Any:
        return np.zeros_like(take(*given))

    return positioned


def _grown(**limits: Any) -> Callable[[Any], Any]:
    return lambda grow: lambda *given: grow(*given, Growth(**limits))


def _judged_by_itself(put: Any) -> Any:
    """Types of owners as each row sees them, the row itself included."""

    def put_types(seen: Any, observed: Any, *given: Any) -> Any:
        types = put(seen, observed, *given)
        observed.others_types = np.zeros(0, dtype=np.int64)
        return types

    return put_types


SAME = tuple((kind, strength) for kind, strength in Growth().shrinkages if kind == "same")

MECHANISMS: Mapping[str, tuple[Replaced, ...]] = {
    "hidden types of parents": ((hidden, "cluster", _one_type),),
    "types judged by the other rows": ((hidden, "_put_types", _judged_by_itself),),
    "types of dates": ((hidden, "_with_types", lambda _: lambda _, column: column),),
    "levels of long families": ((hidden, "_put_levels", _always(None)),),
    "dates of the last child": ((hidden, "_put_last", _always(None)),),
    "labels of a family": ((hidden, "_put_labels", _always(None)),),
    "dates that two tables share": ((hidden, "shared_dates", _always(None)),),
    "parents that are known": ((hidden, "known_parents", _none_known),),
    "factors of who meets whom": ((hidden, "spectral", _no_factors),),
    "common ancestors of parents": ((hidden, "find_restriction", _always(None)),),
    "dates of further parents": ((learning, "anchor_of", _always(None)),),
    "columns of further parents": ((learning, "MOST_LINK_BYTES", _instead(0)),),
    "columns of the owner and beyond": ((learning, "MOST_OWNER_BYTES", _instead(0)),),
    "columns beyond the owner": ((learning, "DEEPEST_CONTEXT", _instead(0)),),
    "sort keys": ((planning, "choose_references", _unsorted),),
    "the previous sibling": (
        (learning, "take_sample", _without_previous), (learning, "choose_bases", _not_counted_from(SIBLING)),
    ),
    "counting from the sibling": ((learning, "choose_bases", _not_counted_from(SIBLING)),),
    "number and place of siblings": ((sampling, "_positions", _without_position),),
    "pace": ((bases, "_paced", lambda _: lambda _, __, ___, sibling, ____: sibling),),
    "kinds of rows": ((learning, "kind_step", _always("")),),
    "counting from the last alike": ((learning, "choose_bases", _not_counted_from(ALIKE)),),
    "counting within the row": ((learning, "choose_bases", _not_counted_from(SAME_ROW)),),
    "counting from the owner": ((learning, "choose_bases", _not_counted_from(OWNER)),),
    "counting from further parents": ((learning, "choose_bases", _not_counted_from(LINKED)),),
    "inequalities": ((learning, "bounds_of", _always(())),),
    "formulas and totals": ((forest, "derive", _always(None)),),
    "copies": ((observation, "find_copies", _always(())), (observation, "find_sometimes", _always(()))),
    "lookups": ((learning, "determining", _always({})),),
    "rules of NULLs": ((learning, "null_rules", _always({})),),
    "days of the month": ((learning, "days_of_month", _always(0)),),
    "parts of dates": ((encoding, "calendar_parts", _always(0)),),
    "days apart from times": ((encoding, "_keeps_days_apart", _always(False)),),
    "tails": ((tails, "has_tails", _always(False)), (learning, "has_tails", _always(False))),
    "sieve": tuple((module, "Sieve", lambda _: _NoSieves) for module in (deriving, learning)),
    "shrinkage of each node's own": ((conditional, "grow", _grown(shrinkages=SAME)),),
    "shrinkage": ((conditional, "grow", _grown(shrinkages=(("same", 1e-3),) * 3)),),
    "each fifth left out": ((tree, "_FEW", _instead(0)),),
    "pruning": ((conditional, "grow", _grown(cuts=(3.0, 3.0))),),
}  # fmt: skip


class _NoSieves:
    """Lets every number pass."""

    @staticmethod
    def fit(*_: object, **__: object) -> object:
        return NO_SIEVE


@contextlib.contextmanager
def without(mechanism: str) -> Iterator[None]:
    """Within the block the mechanism is turned off; KeyError if there is none of that name."""
    with contextlib.ExitStack() as stack:
        for module, name, change in MECHANISMS[mechanism]:
            stack.enter_context(patch.object(module, name, change(getattr(module, name))))
        yield


@dataclass(frozen=True)
class Original:
    """A database with the rows that its clones are told from."""

    schema: Schema
    tables: Tables

    @classmethod
    def read(cls, path: Path) -> Original:
        """The rows of a SQLite file."""
        return cls(*read_all(path))

    def clone(self, seed: int) -> Tables:
        """The rows of a clone, not written anywhere."""
        counts = {name: rows.num_rows for name, rows in self.tables.items()}
        plan = make_plan(self.schema, counts, self.tables.__getitem__)
        model = fit(plan, self.tables.__getitem__, FitOptions(seed=seed), Silent())
        return dict(generate(model, GenerateOptions(seed=seed), Silent()))

    def known(self, seed: int, max_rows: int) -> Known:
        """The clone of a seed and its scores."""
        clone = self.clone(seed)
        return Known(clone, self.scores(clone, max_rows))

    def scores(self, clone: Tables, max_rows: int, known: Known | None = None) -> dict[TableName, Scores]:
        """The scores of all tables that the clone does not repeat.

        Those of tables that ``known`` has the same, with all that they are shown with, are taken from there.
        """
        real, twin = Linked(self.schema, self.tables), Linked(self.schema, clone)
        same = {n for n, rows in clone.items() if known is not None and rows.equals(known.clone[n])}
        found = {}
        for name, rows in self.tables.items():
            if known is not None and self._shown(name) <= same:
                found |= {name: known.scores[name]} if name in known.scores else {}
            elif not rows.equals(clone[name]):
                found[name] = table_scores(name, real, twin, max_rows)
        return found

    def _shown(self, name: TableName) -> set[TableName]:
        """The table, its children, and all that it hangs from."""
        children = {r.child for r in references(self.schema) if r.parent == name}
        return {name} | children | {t.name for t in self.schema.tables if name in descendants(self.schema, t.name)}


@dataclass(frozen=True)
class Known:
    """A clone with everything, and its scores."""

    clone: Tables
    scores: Mapping[TableName, Scores]

    @property
    def distance(self) -> float:
        """Mean distance of all accuracies from one half."""
        return mean_distance(list(self.scores.values()))


def gains(original: Original, mechanisms: Sequence[str], seeds: int, max_rows: int) -> Iterator[tuple[str, float]]:
    """First ("", distance with everything), then how much it rises with other seeds and without each mechanism.

    NaN: it makes no difference to any row; infinity: without it no clone can be made.
    """
    whole = [original.known(seed, max_rows) for seed in range(seeds)]
    reached = float(np.mean([known.distance for known in whole]))
    yield "", reached
    others = [original.known(seed + seeds, max_rows).distance for seed in range(seeds)]
    yield OTHER_SEEDS, float(np.mean(others)) - reached
    for mechanism in mechanisms:
        yield mechanism, _gain(original, mechanism, whole, max_rows)


def _gain(original: Original, mechanism: str, whole: Sequence[Known], max_rows: int) -> float:
    risen = []
    for seed, known in enumerate(whole):
        try:
            with without(mechanism):
                clone = original.clone(seed)
        except Exception:  # noqa: BLE001  # parts may need each other: that is a result
            traceback.print_exc()
            return float("inf")
        if all(rows.equals(known.clone[name]) for name, rows in clone.items()):
            return float("nan")
        scores = original.scores(clone, max_rows, known)
        risen.append(mean_distance(list(scores.values())) - known.distance)
    return float(np.mean(risen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--without", nargs="*", default=list(MECHANISMS))
    parser.add_argument("--max-rows", type=int, default=1_500)
    options = parser.parse_args()
    check_extra()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            original = Original.read(_database(name, options.data, Path(folder)))
            found[name] = {}
            for mechanism, gain in gains(original, options.without, options.seeds, options.max_rows):
                found[name][mechanism] = gain
                sys.stderr.write(f"{name}: {mechanism or 'nothing'}: {gain:.4f}\n")
    print_table(found)


def _database(name: str, data: Path, folder: Path) -> Path:
    if name not in EXAMPLES:
        return unpacked(data / f"{name}.sqlite.gz", folder)
    build_sqlite(name, folder / f"{name}.sqlite")
    return folder / f"{name}.sqlite"


def print_table(found: Mapping[str, Mapping[str, float]]) -> None:
    """``found[database][mechanism]``; the mechanism '' is the score with all of them."""
    print("| without | mean | " + " | ".join(found) + " |\n|---|---|" + "---|" * len(found))  # noqa: T201
    whole = [scores[""] for scores in found.values()]
    print(f"| nothing | {np.mean(whole):.3f} | " + " | ".join(f"{score:.3f}" for score in whole) + " |")  # noqa: T201
    for mechanism in next(iter(found.values())):
        if mechanism:
            risen = np.array([scores[mechanism] for scores in found.values()])
            told = risen[np.isfinite(risen)]
            mean = f"{1000 * told.mean():+.0f}" if len(told) else "–"
            print(f"| {mechanism} | {mean} | " + " | ".join(map(_shown, risen)) + " |")  # noqa: T201


def _shown(risen: float) -> str:
    if np.isnan(risen):
        return "–"
    return "none made" if np.isinf(risen) else f"{1000 * risen:+.0f}"


if __name__ == "__main__":
    main()
