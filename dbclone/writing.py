"""Writing a whole database: tables, rows, then everything that is faster or only possible after the load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from dbclone.abc import Progress, Target
from dbclone.findings import Finding
from dbclone.plan import Plan
from dbclone.schema import Schema, TableName
from dbclone.virtual_keys import declared

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Written:
    """What ``write`` did."""

    rows: Mapping[TableName, int]
    findings: tuple[Finding, ...]


def write(
    target: Target,
    plan: Plan | Schema,
    tables: Iterable[tuple[TableName, pa.Table]],
    progress: Progress,
    *,
    clean: bool = False,
) -> Written:
    """Create the schema in the target, load the tables as they come, and complete keys, indexes, sequences, views.

    Nothing is committed: the caller checks the target first.  Raises TargetError if the target holds tables and
    ``clean`` is not given, WriteError if it cannot be written, IntegrityError if a row breaks a constraint.
    """
    schema = declared(plan.schema if isinstance(plan, Plan) else plan)
    findings = target.create(schema, clean)
    rows = dict.fromkeys((table.name for table in schema.tables), 0)
    for name, data in tables:
        rows[name] += target.load(schema.table(name), _counted(data, name, progress))
    return Written(rows, (*findings, *target.finish(schema)))


def _counted(data: pa.Table, name: TableName, progress: Progress) -> Iterator[pa.RecordBatch]:
    for batch in data.to_batches(max_chunksize=BATCH_ROWS):
        yield batch
        progress.advance(batch.num_rows, name)
