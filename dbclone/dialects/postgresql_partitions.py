"""What single partitions of a PostgreSQL table have and ask for themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dbclone.dialects.base import qualified, quote
from dbclone.dialects.postgresql_catalogue import Attribute, Constraint, Relation
from dbclone.schema import Check, Statement, TableName

_HASHED = re.compile(r"satisfies_hash_partition\('\d+'::oid, \d+, \d+, [^()]*\)")
"""In the condition of a partition: that a hash of these columns leads to it."""


def rows_it_might_hold(part: Relation) -> str:
    """A condition for the rows of a table that one of its partitions holds, or might hold where a hash places them.

    What is asked of its rows is asked of all these: only the server knows the hash.
    """
    return _HASHED.sub("true", part.condition or "")


def asked_within(
    part: Relation, constraints: Iterable[Constraint], own: Sequence[Attribute], above: Sequence[Attribute]
) -> Iterator[Check]:
    """What a partition asks of its own rows alone, as conditions on all: a row is another's, or it holds."""
    bound = rows_it_might_hold(part) or "true"
    asked = [(c.name, c.condition or "true") for c in constraints if c.kind == "c" and not c.inherited]
    asked += [(f"NOT NULL of {name}", f"{quote(name)} IS NOT NULL") for name in _required(own, above)]
    for name, condition in asked:
        yield Check(name, f"NOT ({bound}) OR ({condition})")


def own_columns(name: TableName, own: Sequence[Attribute], above: Sequence[Attribute]) -> Iterator[Statement]:
    """NOT NULL and defaults that a partition has and the table above it has not."""
    defaults = {attribute.name: attribute.expression for attribute in above}
    changes = [f"{quote(column)} SET NOT NULL" for column in _required(own, above)]
    for attribute in own:
        if attribute.expression != defaults[attribute.name] and not attribute.generated:
            default = f"SET DEFAULT {attribute.expression}" if attribute.expression else "DROP DEFAULT"
            changes.append(f"{quote(attribute.name)} {default}")
    for change in changes:
        yield Statement("partition", str(name), f"ALTER TABLE {qualified(name)} ALTER COLUMN {change}")


def _required(own: Sequence[Attribute], above: Sequence[Attribute]) -> list[str]:
    optional = {attribute.name for attribute in above if not attribute.not_null}
    return [attribute.name for attribute in own if attribute.not_null and attribute.name in optional]
