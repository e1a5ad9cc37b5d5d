"""What a table may demand beyond keys and references, as SQL for a database and as a Python test for one row.

The Python side serves only to make data that a database accepts; whether a clone holds is asked of the database itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dbclone.schema import TypeFamily

Value = object
Row = dict[str, Value]


def quoted(*names: str) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(value: Value) -> str:
    return "'" + str(value).replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _untouched(row: Row) -> None:
    """What cannot be mended is left out."""


@dataclass(frozen=True)
class Rule:
    """A condition on a row; ``holds`` is true where SQL's answer is true or NULL."""

    sql: str
    holds: Callable[[Row], bool]
    mend: Callable[[Row], None] = _untouched
    """Alters a row that does not hold, where that may help; not for columns of keys and references."""


@dataclass(frozen=True)
class Distinct:
    """A unique index over some rows, folded texts or their beginnings, an exclusion, or a key in which NULL counts."""

    columns: tuple[str, ...]
    condition: Rule | None = None
    folded: bool = False
    nulls_distinct: bool = True
    prefix: int | None = None
    """Only so many characters of each text count (MariaDB)."""

    def repeats(self, rows: Sequence[Row]) -> list[int]:
        """Positions of the rows that repeat an earlier one."""
        seen: set[tuple[Value, ...]] = set()
        found = []
        for at, row in enumerate(rows):
            value = tuple(self._folded(row[c]) for c in self.columns)
            outside = self.condition is not None and not self.condition.holds(row)
            if outside or (self.nulls_distinct and None in value):
                continue
            if value in seen:
                found.append(at)
            seen.add(value)
        return found

    def _folded(self, value: Value) -> Value:
        if not isinstance(value, str):
            return value
        return (value.lower() if self.folded else value)[: self.prefix]


@dataclass(frozen=True)
class Computed:
    """A generated column."""

    sql: str
    value: Callable[[Row], Value]


@dataclass(frozen=True)
class Extras:
    """All of a table that ``Table`` has only as SQL."""

    rules: tuple[Rule, ...] = ()
    distinct: tuple[Distinct, ...] = ()
    computed: Mapping[str, Computed] = ()  # type: ignore[assignment]  # an empty one that is frozen

    def mended(self, row: Row) -> Row:
        """The row with what can be mended in it, and its generated columns."""
        for rule in self.rules:
            if not rule.holds(row):
                rule.mend(row)
        return row | {name: self.computed[name].value(row) for name in self.computed}

    def kept(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that hold every rule and repeat none before them."""
        left = [row for row in rows if all(rule.holds(row) for rule in self.rules)]
        for distinct in self.distinct:
            again = set(distinct.repeats(left))
            left = [row for at, row in enumerate(left) if at not in again]
        return left


def comparable(value: Value, family: TypeFamily) -> Value:
    """A value that compares as the database compares it."""
    return Decimal(str(value)) if family is TypeFamily.DECIMAL else value


# --- conditions ------------------------------------------------------------------------------------------------------


def at_least(name: str, least: Value, family: TypeFamily, instead: Value, *, most: Value = None) -> Rule:
    """A column between bounds; a value outside becomes ``instead``."""
    low, high = comparable(least, family), None if most is None else comparable(most, family)

    def holds(row: Row) -> bool:
        value = None if row[name] is None else comparable(row[name], family)
        return value is None or (value >= low and (high is None or value < high))  # type: ignore[operator]

    bound = "" if most is None else f" AND {quoted(name)} < {literal(most)}"
    return Rule(f"{quoted(name)} >= {literal(least)}{bound}", holds, lambda row: row.update({name: instead}))


def one_of(name: str, labels: Sequence[Value]) -> Rule:
    listed = ", ".join(map(literal, labels))
    return Rule(
        f"{quoted(name)} IN ({listed})",
        lambda row: row[name] is None or row[name] in labels,
        lambda row: row.update({name: labels[0]}),
    )


def not_empty(name: str) -> Rule:
    return Rule(f"length({quoted(name)}) > 0", lambda row: row[name] != "", lambda row: row.update({name: "x"}))


def in_order(first: str, second: str, family: TypeFamily) -> Rule:
    """Two columns of one type, the first not larger; swapped where it is."""

    def holds(row: Row) -> bool:
        one, other = row[first], row[second]
        return one is None or other is None or comparable(one, family) <= comparable(other, family)  # type: ignore[operator]

    def mend(row: Row) -> None:
        row[first], row[second] = row[second], row[first]

    return Rule(f"{quoted(first)} <= {quoted(second)}", holds, mend)


def some_of(names: Sequence[str]) -> Rule:
    sql = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in names)
    return Rule(sql, lambda row: any(row[name] is not None for name in names))


def one_only(first: str, second: str, plain: bool) -> Rule:
    """Exactly one of two columns has a value."""
    sql = f"({quoted(first)} IS NULL) <> ({quoted(second)} IS NULL)"
    mend = (lambda row: row.update({second: None})) if plain else _untouched
    return Rule(sql, lambda row: (row[first] is None) != (row[second] is None), mend)


def different(first: str, second: str) -> Rule:
    sql = f"{quoted(first)} <> {quoted(second)}"
    return Rule(sql, lambda row: None in (row[first], row[second]) or row[first] != row[second])


def implied(name: str, label: Value, needed: str) -> Rule:
    """Rows of a label must have a value in another column."""
    sql = f"{quoted(name)} <> {literal(label)} OR {quoted(needed)} IS NOT NULL"
    return Rule(sql, lambda row: row[name] != label or row[needed] is not None)


def sum_below(first: str, second: str, most: int) -> Rule:
    def holds(row: Row) -> bool:
        one, other = row[first], row[second]
        return one is None or other is None or one + other < most  # type: ignore[operator]

    return Rule(f"{quoted(first)} + {quoted(second)} < {most}", holds, lambda row: row.update({first: 0}))


def is_label(name: str, label: Value) -> Rule:
    """Which rows an index is about: no CHECK."""
    return Rule(f"{quoted(name)} = {literal(label)}", lambda row: row[name] == label)


def is_there(name: str) -> Rule:
    """The same."""
    return Rule(f"{quoted(name)} IS NOT NULL", lambda row: row[name] is not None)


def is_above(name: str, least: int) -> Rule:
    """The same."""
    return Rule(f"{quoted(name)} > {least}", lambda row: row[name] is not None and row[name] > least)  # type: ignore[operator]
