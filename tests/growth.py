"""How the time of a clone grows with the number of rows, and whether its quality stays.

    python -m tests.growth DATA [--only NAME …] [--scales 1 3 10] [--max-rows 5000]

DATA is a folder of ``*.sqlite.gz``.  Of each database clones of several sizes are made, which serve as the originals:
each of them is cloned, after one clone whose time does not count (it compiles).  Beside the seconds of fitting, of
generating and of the whole clone stand those that it takes SQLite to copy the same rows into an empty database with the
same keys (INSERT … SELECT), as on a shared machine only ratios tell.  Quality is the mean distance of all accuracies
from one half, as ``dbclone compare`` computes it, with that of fresh real rows beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from dbclone.cloning import clone
from dbclone.fidelity import compare
from dbclone.options import CloneOptions, CompareOptions, GenerateOptions
from dbclone.progress import Silent
from tests.scoreboard import unpacked

SETS = ("movielens100k", "nafld")
SCALES = (1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Growth:
    """One size of one database: its rows, seconds, and mean distances from one half (the last of fresh real rows)."""

    rows: int
    copying: float
    fit: float
    generate: float
    whole: float
    distance: float
    floor: float


def measure(original: Path, max_rows: int) -> Growth:
    """Clone a SQLite database beside itself; ``max_rows`` of each side are shown to a classifier."""
    copying = copy_rows(original, original.with_suffix(".copied"))
    made = original.with_suffix(".clone")
    began = perf_counter()
    summary = clone(str(original), f"sqlite:///{made}", CloneOptions(), Silent())
    whole = perf_counter() - began
    seconds = {phase.phase: phase.seconds for phase in summary.phases}
    scores = compare(str(original), str(made), CompareOptions(max_rows=max_rows), Silent())
    rows = sum(table.real_rows for table in summary.tables)
    made.unlink()
    return Growth(rows, copying, seconds["fit"], seconds["generate"], whole, scores.distance, scores.floor_distance)


def copy_rows(original: Path, copy: Path) -> float:
    """Seconds in which SQLite copies all rows into a new file with the same tables and keys, which is then removed."""
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        connection.execute("ATTACH ? AS original", (str(original),))
        listed = "SELECT name, sql FROM original.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = connection.execute(listed).fetchall()
        for _, sql in tables:
            connection.execute(sql)
        began = perf_counter()
        for name, _ in tables:
            quoted = '"' + name.replace('"', '""') + '"'
            connection.execute(f"INSERT INTO main.{quoted} SELECT * FROM original.{quoted}")
        connection.commit()
        seconds = perf_counter() - began
    copy.unlink()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--scales", nargs="*", type=float, default=SCALES)
    parser.add_argument("--max-rows", type=int, default=5_000)
    options = parser.parse_args()
    print("| | rows | copying | fit | generate | whole | whole : copying | dist | floor |\n|---|" + "---|" * 8)  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            real = unpacked(options.data / f"{name}.sqlite.gz", Path(folder))
            for scale in options.scales:
                original = real.with_suffix(f".{scale:g}")
                chosen = CloneOptions(generate=GenerateOptions(scale=scale, seed=1))
                clone(str(real), f"sqlite:///{original}", chosen, Silent())
                print(f"| {name} × {scale:g} | {shown(measure(original, options.max_rows))} |", flush=True)  # noqa: T201
                original.unlink()


def shown(found: Growth) -> str:
    """The cells of a Markdown row."""
    seconds = (found.copying, found.fit, found.generate, found.whole)
    cells = [f"{found.rows:,}", *(f"{s:.1f} s" for s in seconds), f"{found.whole / found.copying:.1f}"]
    return " | ".join([*cells, f"{found.distance:.3f}", f"{found.floor:.3f}"])


if __name__ == "__main__":
    main()
