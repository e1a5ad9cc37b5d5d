"""Small databases are drawn again where chance emptied a table: its few rows could not satisfy all that binds them.

A table of three rows can be drawn so that no row of another one may refer to it.  Large tables do not know this: what a
row cannot have, another can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from dbclone.abc import Progress
from dbclone.engines.forest_generation import Generation
from dbclone.engines.forest_tables import TableModel
from dbclone.errors import PlanError
from dbclone.options import GenerateOptions
from dbclone.plan import Plan
from dbclone.progress import Silent
from dbclone.schema import TableName

SMALL = 2_000
"""Rows of a database that costs nothing to draw again."""
_DRAWS = 12
_STRIDE = 1_000_003
"""Between the seeds of the draws: far from those that a user would count through."""

Tables = Iterator[tuple[TableName, pa.Table]]


def draw_tables(plan: Plan, models: tuple[TableModel, ...], options: GenerateOptions, progress: Progress) -> Tables:
    """Every table in load order: of a small database the draw that lacks the fewest rows, the first if none lacks any.

    Raises PlanError if no draw satisfies a condition.
    """
    first = Generation(plan, models, options, progress)
    if first.wished() > SMALL:
        yield from first.tables()
        return
    drawn: list[tuple[int, list[tuple[TableName, pa.Table]]]] = []
    failures: list[PlanError] = []
    for draw in range(_DRAWS):
        seeded = replace(options, seed=options.seed + draw * _STRIDE)
        generation = Generation(plan, models, seeded, Silent()) if draw else first
        try:
            tables = list(generation.tables())
            drawn.append((generation.missing(), tables))
        except PlanError as error:
            failures.append(error)
        if drawn and not drawn[-1][0]:
            break
    if not drawn:
        raise failures[0]
    yield from min(drawn, key=lambda found: found[0])[1]
