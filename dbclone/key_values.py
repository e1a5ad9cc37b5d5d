"""Which table a column refers to, by its values alone: where these are codes, no small numbers, it is no chance."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.abc import Read
from dbclone.key_names import Hint
from dbclone.schema import Column, Key, Table, TableName, TypeFamily

SAMPLE = 16
"""Different values of a column that are looked up."""
FEWEST = 8
"""Different values without which nothing is said."""
ROWS = 2_000
"""About so many rows are looked at for them."""
CODE = re.compile(r"(?=.*\d)\S{6,64}", re.ASCII)
VALUES = 0.45
"""How much it says that values are keys: less than any name."""
SHARE = 0.9
"""Share of the sampled values that must be keys."""
_CODES = (TypeFamily.UUID, TypeFamily.TEXT)

Sampled = dict[tuple[TableName, str], pa.Array]


def hints_by_value(
    tables: Iterable[Table], keys: Mapping[TableName, tuple[Key, ...]], read: Read
) -> dict[tuple[TableName, str], list[Hint]]:
    """Per column of codes the tables whose keys its sampled values are, by one look at each key."""
    tables = tuple(tables)
    samples = {place: values for table in tables for place, values in _samples(table, read).items()}
    if not samples:
        return {}
    owners = [place for place, values in samples.items() for _ in range(len(values))]
    wanted = pa.concat_arrays(list(samples.values()))
    places: dict[str, list[tuple[TableName, str]]] = defaultdict(list)
    for value, place in zip(wanted.to_pylist(), owners, strict=True):
        places[value].append(place)
    distinct = pc.unique(wanted)
    found: dict[tuple[TableName, str], list[Hint]] = defaultdict(list)
    for table in tables:
        for key in keys[table.name]:
            if len(key.columns) != 1 or table.column(key.columns[0]).type.family not in _CODES:
                continue
            values = read(table.name).column(key.columns[0]).cast(pa.string())
            met = distinct.filter(pc.is_in(distinct, value_set=pc.unique(values).drop_null()))
            hits = Counter(place for value in met.to_pylist() for place in places[value])
            for place, number in hits.items():
                if number >= SHARE * len(samples[place]) and place != (table.name, key.columns[0]):
                    found[place].append(Hint(table.name, VALUES, "its values are keys of it"))
    return found


def _samples(table: Table, read: Read) -> Sampled:
    columns = [column for column in table.insertable if column.type.family in _CODES]
    if not columns:
        return {}
    rows = read(table.name)
    found = {(table.name, column.name): _sample(rows.column(column.name), column) for column in columns}
    return {place: values for place, values in found.items() if len(values) >= FEWEST}


def _sample(values: pa.ChunkedArray, column: Column) -> pa.Array:
    """Different values, evenly spread; none where they are words, which may be anything."""
    step = max(len(values) // ROWS, 1)
    some = values.take(pa.array(range(0, len(values), step))) if step > 1 else values
    some = pc.unique(some.cast(pa.string())).drop_null()[:SAMPLE]
    if column.type.family is TypeFamily.UUID or not len(some):
        return some
    return some if all(map(CODE.fullmatch, some.to_pylist())) else some[:0]
