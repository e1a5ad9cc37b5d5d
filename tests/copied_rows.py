"""How many rows of a clone equal a real row, beside how many of one half of the source's rows equal one of the other.

    python -m tests.copied_rows DATA [--only NAME …] [--seed 0]

DATA is a folder of ``*.sqlite.gz``.  Tables of fewer than three describing columns are passed over, and those that are
copied on purpose.  Prints a Markdown table; the last column is what is over the allowance of two hundredths.  A whole
table has twice the rows to meet that a half has, so that the clone is compared with one half of the entities, too, like
with like: that half beside the other one, with which it shares no entity, is the strictest of all floors.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dbclone.cloning import clone
from dbclone.halving import halve
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.plan import TableRole
from dbclone.privacy.audit_copies import MIN_COLUMNS
from dbclone.privacy.audit_values import descriptive, row_hashes
from dbclone.progress import Silent
from dbclone.schema import TableName
from dbclone.units import choose_unit
from tests.real_data import read_all
from tests.scoreboard import SETS, unpacked

ALLOWANCE = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shares = ("equal a real row", "between halves of rows", "equal one of half the entities", "between these halves")
    head = ("set", "table", *shares, "over")
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            real = unpacked(options.data / f"{name}.sqlite.gz", Path(folder))
            for table, *found in shares_of(real, options.seed):
                over = max(found[0] - found[1] - ALLOWANCE, 0.0)
                cells = " | ".join(f"{share:.1%}" for share in (*found, over))
                print(f"| {name} | {table} | {cells} |", flush=True)  # noqa: T201


def shares_of(real: Path, seed: int) -> Iterator[tuple[TableName, float, float, float, float]]:
    """Table; share of the clone's rows that equal a real one; of one half of the source's rows in the other; of the
    clone's that equal one of half the entities; of that half's in the other.
    """
    target = real.with_suffix(".clone")
    chosen = CloneOptions(fit=FitOptions(seed=seed), generate=GenerateOptions(seed=seed))
    made = clone(str(real), f"sqlite:///{target}", chosen, Silent())
    schema, source = read_all(real)
    _, twin = read_all(target)
    halves = halve(schema, source, choose_unit(schema, source), seed)
    for table in made.tables:
        columns = [c.name for c in descriptive(schema.table(table.table))]
        if table.role is not TableRole.SYNTHESISE or len(columns) < MIN_COLUMNS or not table.synthetic_rows:
            continue
        one, other = (half[table.table] for half in (halves.first, halves.second))
        if table.table not in halves.split:  # it hangs from nobody: halved by itself
            alone = halve(schema, source, table.table, seed)
            one, other = alone.first[table.table], alone.second[table.table]
        hashes = row_hashes([source[table.table], twin[table.table], one, other], columns)
        rows = np.random.default_rng(0).permutation(hashes[0])
        pairs = (
            (hashes[1], hashes[0]),
            (rows[: len(rows) // 2], rows[len(rows) // 2 :]),
            (hashes[1], hashes[2]),
            (hashes[3], hashes[2]),
        )
        share, floor, like, strict = (float(np.isin(a, b).mean()) for a, b in pairs)
        yield table.table, share, floor, like, strict


if __name__ == "__main__":
    main()
