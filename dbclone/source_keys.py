"""A source's schema with the foreign keys that it does not declare, and its rows read as that schema has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbclone.abc import Progress, Source
from dbclone.checking import measured
from dbclone.fitting import Reader, check_limits
from dbclone.implied_keys import with_implied
from dbclone.key_proposals import Proposal, propose
from dbclone.options import FitOptions, PlanOptions
from dbclone.schema import Schema, TableName
from dbclone.selection import select
from dbclone.virtual_keys import resolve, split, with_keys


@dataclass(frozen=True)
class Surveyed:
    """A source before its rows are looked at."""

    schema: Schema
    """With the virtual keys of the options, and tables as the database has them."""
    counts: Mapping[TableName, int]
    read: Reader

    def proposals(self, options: PlanOptions) -> tuple[Proposal, ...]:
        """The keys that the data of the selected tables suggest."""
        return propose(select(self.schema, options).schema, self.counts, self.read)

    def taking(self, found: Sequence[Proposal], options: PlanOptions) -> Schema:
        """The schema with these keys and those that follow from others, split where they need it.

        From here on rows are read as it has them.
        """
        schema = with_keys(self.schema, [(p.table, p.key) for p in found])
        implied = with_implied(select(schema, options).schema, self.counts, self.read)
        schema = split(
            with_keys(schema, [(t.name, key) for t in implied.tables for key in t.foreign_keys if key.virtual])
        )
        self.read.use(schema)
        return schema


def survey(source: Source, options: PlanOptions, progress: Progress, fitting: FitOptions | None = None) -> Surveyed:
    """Reflect and count; limits of the engine that is to be fitted are asked before any row is read.

    Raises UsageError for keys and globs that the schema does not know, EngineLimitError beyond the engine's limits.
    """
    progress.phase("reflect", 0)
    schema = source.reflect()
    counts = source.row_counts(schema)
    schema = with_keys(schema, [resolve(schema, key) for key in options.virtual_keys])
    wanted = select(schema, options).schema
    if fitting is not None:
        check_limits(wanted, counts, fitting)
    progress.phase("read", sum(counts[table.name] for table in wanted.tables))
    return Surveyed(measured(source, schema, wanted), counts, Reader(source, schema, progress))


def keyed(surveyed: Surveyed, options: PlanOptions) -> Schema:
    """The schema with all keys that the options ask for."""
    return surveyed.taking(surveyed.proposals(options) if options.infer_keys else (), options)
