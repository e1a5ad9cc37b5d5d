"""The demonstration: an example shop is built and cloned; rows of both and the planted facts stand side by side."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dbclone import examples
from dbclone.abc import Progress
from dbclone.cloning import clone
from dbclone.errors import TargetError
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.report import CloneSummary

EXAMPLE = "shop"
SAMPLE_TABLES = ("customer", "product")
SAMPLE_ROWS = 5


@dataclass(frozen=True)
class Sample:
    """The first rows of one table in both databases."""

    table: str
    columns: tuple[str, ...]
    real: tuple[tuple[object, ...], ...]
    synthetic: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class FactOutcome:
    """One planted fact, measured in both databases."""

    sentence: str
    hard: bool
    real: float
    synthetic: float
    kept: bool


@dataclass(frozen=True)
class Demonstration:
    real: Path
    synthetic: Path
    summary: CloneSummary
    samples: tuple[Sample, ...]
    facts: tuple[FactOutcome, ...]


def run_demo(folder: Path, seed: int, progress: Progress) -> Demonstration:
    """Write ``shop.sqlite`` and its clone ``shop-clone.sqlite`` into ``folder``, which is made if need be.

    Both files are written anew; TargetError if the folder cannot be used.
    """
    real, synthetic = folder / f"{EXAMPLE}.sqlite", folder / f"{EXAMPLE}-clone.sqlite"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        real.unlink(missing_ok=True)
    except OSError as error:
        raise TargetError(f"the folder {folder} cannot be used: {error.strerror}") from error
    progress.phase("build", 0)
    examples.build_sqlite(EXAMPLE, real)
    options = CloneOptions(fit=FitOptions(seed=seed), generate=GenerateOptions(seed=seed), clean=True)
    summary = clone(str(real), str(synthetic), options, progress)
    with closing(sqlite3.connect(real)) as one, closing(sqlite3.connect(synthetic)) as other:
        samples = tuple(_sample(table, one, other) for table in SAMPLE_TABLES)
        facts = tuple(_outcome(fact, one, other) for fact in examples.facts(EXAMPLE))
    return Demonstration(real, synthetic, summary, samples, facts)


def _sample(table: str, real: sqlite3.Connection, synthetic: sqlite3.Connection) -> Sample:
    sql = f'SELECT * FROM "{table}" LIMIT {SAMPLE_ROWS}'
    cursor = real.execute(sql)
    columns = tuple(description[0] for description in cursor.description)
    return Sample(table, columns, tuple(cursor.fetchall()), tuple(synthetic.execute(sql).fetchall()))


def _outcome(fact: examples.Fact, real: sqlite3.Connection, synthetic: sqlite3.Connection) -> FactOutcome:
    one, other = _number(fact, real), _number(fact, synthetic)
    return FactOutcome(fact.sentence, fact.hard, one, other, fact.holds_in_clone(other))


def _number(fact: examples.Fact, database: sqlite3.Connection) -> float:
    value = database.execute(fact.sqlite).fetchone()[0]
    return float("nan") if value is None else float(value)
