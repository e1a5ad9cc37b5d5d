"""What happens to each table: synthesised, copied as a reference table, or left empty; always with the reason.

Copying is the exception and has to be earned.  Reference tables (statuses, countries, genres, vocabularies) name things
that applications know by value; entities (customers, products, molecules) are what a clone must invent.  Size does not
tell the two apart, shape does: a reference table is a key and a unique short label, rarely more, that many rows share.
A table with personal data, or one that refers to anything that is not itself a reference table, is never copied.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.graph import Reference, is_nullable
from dbclone.plan import TableRole
from dbclone.privacy.pii import MODELLED
from dbclone.schema import Column, Table, TableName, TypeFamily
from dbclone.survey import TEMPORAL, Survey, referring_columns

SMALL = 100
"""Rows up to which a key with a unique label is a reference table by its shape alone."""
MEDIUM = 1_000
"""Rows up to which it is one if its name says so too, or its labels are shared by many more rows."""
LARGE = 50_000
"""Rows up to which a vocabulary (referred to several times by one table) is copied."""
REUSE = 3.0
"""Rows that refer to a table, per row of it, from which on its rows count as shared."""
STRONG_REUSE = 20.0
MAX_DESCRIPTIVE = 3
MAX_LABEL_LENGTH = 60
UNIQUE_SHARE = 0.95
"""Share of distinct labels from which on they name rows; a mere handful of much used rows may repeat some."""
HANDFUL = 50
HANDFUL_UNIQUE_SHARE = 0.7

TEXTS = frozenset({TypeFamily.TEXT, TypeFamily.ENUM})
REFERENCE_WORDS = re.compile(
    r"(type|status|state|kind|category|genre|class|country|countries|region|language|currency|unit|role|reason"
    r"|level|grade|priority|code|lookup|ref|reference|dictionary|concept|vocabulary|species|colou?r|media|format|tag)s?$",
    re.IGNORECASE,
)
AUDIT = re.compile(r"(last_?update|updated|created|modified|inserted|last_?change|timestamp)", re.IGNORECASE)
PERSON_WORDS = re.compile(
    r"(^|_)(person|people|patient|customer|client|user|member|employee|staff|subject|student|teacher|household"
    r"|account_?holder|driver|player|author|contact|passenger|guest|donor|citizen|resident|borrower|subscriber)s?$",
    re.IGNORECASE,
)
PERSONAL_KINDS = frozenset(
    {"first_name", "last_name", "full_name", "username", "email", "phone", "national_id", "birth_date", "password"}
)
"""Kinds of PII that make a row a person (an address or a company's name alone does not)."""
_REACHED = {"email", "phone"}
"""Of these, those that organisations have, too."""


@dataclass(frozen=True)
class RoleChoice:
    role: TableRole
    reason: str


def choose_table_roles(survey: Survey, order: tuple[TableName, ...]) -> dict[TableName, RoleChoice]:
    """The role of each table; ``order`` is the load order, so that parents are decided before their children."""
    roles: dict[TableName, RoleChoice] = {}
    for name in order:
        roles[name] = _choose(survey, survey.schema.table(name), roles)
    return roles


def person_tables(survey: Survey) -> frozenset[TableName]:
    """Tables whose rows are persons: by their name, or by a column with a name, an e-mail address or a phone number."""
    return frozenset(t.name for t in survey.schema.tables if survey.rows(t.name) and _is_person(survey, t))


def tables_of_named_persons(survey: Survey) -> frozenset[TableName]:
    """Those of the person tables that say more of their rows than how to reach them, as those of branches do."""
    return frozenset(
        t.name for t in survey.schema.tables if survey.rows(t.name) and _is_person(survey, t, PERSONAL_KINDS - _REACHED)
    )


def _is_person(survey: Survey, table: Table, kinds: Collection[str] = PERSONAL_KINDS) -> bool:
    if PERSON_WORDS.search(_words(table.name.name)):
        return True
    found = (survey.own_pii(table.name, c.name) for c in _descriptive(table))
    return any(evidence is not None and evidence.kind in kinds for evidence in found)


def _words(name: str) -> str:
    """CamelCase to snake_case, so that a word begins where a reader sees one begin."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _choose(survey: Survey, table: Table, roles: Mapping[TableName, RoleChoice]) -> RoleChoice:
    if survey.rows(table.name) == 0:
        return RoleChoice(TableRole.EMPTY, "has no rows in the source")
    if not table.insertable:
        return RoleChoice(TableRole.EMPTY, "has no column that could be written")
    for fk in table.foreign_keys:
        parent = roles.get(fk.parent)
        if parent and parent.role is TableRole.EMPTY and fk.parent != table.name and not is_nullable(table, fk):
            return RoleChoice(TableRole.EMPTY, f"needs rows of {fk.parent}, which is empty")
    against = _objection(survey, table, roles)
    if against:
        return RoleChoice(TableRole.SYNTHESISE, against)
    return _by_shape(survey, table)


def _objection(survey: Survey, table: Table, roles: Mapping[TableName, RoleChoice]) -> str:
    """Why the table can be no reference table, whatever its rows look like; empty if nothing speaks against it."""
    if not survey.referrers[table.name]:
        return "no table refers to it"
    if not table.keys:
        return "it has no key"
    for fk in table.foreign_keys:
        decided = roles.get(fk.parent)
        if fk.parent != table.name and (decided is None or decided.role is not TableRole.COPY):
            return f"it refers to {fk.parent}, which is synthesised"
    if PERSON_WORDS.search(_words(table.name.name)):
        return "its rows are persons, by its name"
    for column in _descriptive(table):
        if (evidence := survey.pii(table.name, column.name)) is not None and evidence.kind not in MODELLED:
            return f"column {column.name} holds personal data ({evidence.kind})"
    return ""


def _by_shape(survey: Survey, table: Table) -> RoleChoice:
    rows = survey.rows(table.name)
    references = survey.referrers[table.name]
    reuse = sum(survey.rows(reference.child) for reference in references) / rows
    lenient = rows <= HANDFUL and reuse >= STRONG_REUSE
    label = _label(survey, table, HANDFUL_UNIQUE_SHARE if lenient else UNIQUE_SHARE)
    if label is None:
        return RoleChoice(TableRole.SYNTHESISE, "no short text column names each of its rows")
    if reuse < REUSE:
        return RoleChoice(TableRole.SYNTHESISE, f"its rows are hardly shared ({reuse:.1f} referring rows per row)")
    if _is_vocabulary(survey, table, references):
        tables = len({reference.child for reference in references})
        return RoleChoice(
            TableRole.COPY, f"a vocabulary: {len(references)} foreign keys of {tables} tables refer to it"
        )
    return _by_size(survey, table, label, reuse)


def _by_size(survey: Survey, table: Table, label: str, reuse: float) -> RoleChoice:
    rows = survey.rows(table.name)
    shared = f"{rows} rows, each named by {label}, {reuse:.0f} referring rows per row"
    if rows <= HANDFUL and reuse >= STRONG_REUSE and _has_natural_key(table):
        return RoleChoice(TableRole.COPY, f"a reference table with a code of its own: {shared}")
    key = table.primary_key.columns if table.primary_key else ()
    columns = [c for c in _descriptive(table) if c.name not in key and not _is_incidental(survey, table, c)]
    if len(columns) > MAX_DESCRIPTIVE:
        return RoleChoice(TableRole.SYNTHESISE, f"an entity: {len(columns)} columns describe each row")
    measures = [c.name for c in columns if _is_measure(survey, table, c)]
    if measures:
        return RoleChoice(TableRole.SYNTHESISE, f"an entity: it holds measures or dates ({', '.join(measures)})")
    named = REFERENCE_WORDS.search(table.name.name) is not None
    if rows <= SMALL or (rows <= MEDIUM and (named or reuse >= STRONG_REUSE)):
        return RoleChoice(TableRole.COPY, f"a reference table: {shared}")
    return RoleChoice(TableRole.SYNTHESISE, f"an entity: {rows} rows are more than a list of values")


def _descriptive(table: Table) -> tuple[Column, ...]:
    """Columns that say something of a row: no surrogate key, no reference, nothing generated."""
    key = table.primary_key.columns if table.primary_key else ()
    technical = referring_columns(table) | {n for n in key if table.column(n).type.family not in TEXTS}
    return tuple(c for c in table.insertable if c.name not in technical)


def _has_natural_key(table: Table) -> bool:
    """Whether rows are referred to by a code that people chose, not by a number."""
    key = table.primary_key.columns if table.primary_key else ()
    return len(key) == 1 and table.column(key[0]).type.family in TEXTS


def _label(survey: Survey, table: Table, unique_share: float) -> str | None:
    """The first short text column whose values are unique: what a reader would call the row by."""
    for column in _descriptive(table):
        if column.type.family in TEXTS and _names_rows(survey, table, column, unique_share):
            return column.name
    return None


def _names_rows(survey: Survey, table: Table, column: Column, unique_share: float) -> bool:
    values = survey.values(table.name, column.name)
    filled = len(values) - values.null_count
    if filled < UNIQUE_SHARE * len(values) or not pa.types.is_string(values.type):
        return False
    if survey.distinct(table.name, column.name) < unique_share * filled:
        return False
    length = pc.mean(pc.utf8_length(values)).as_py()
    wordlike = pc.mean(pc.match_substring_regex(values, "[A-Za-z\\p{L}]{2}").cast(pa.int8())).as_py()
    return bool(length <= MAX_LABEL_LENGTH and wordlike >= 0.5)


def _is_incidental(survey: Survey, table: Table, column: Column) -> bool:
    """Constant columns and times of change describe no row."""
    audit = column.type.family in TEMPORAL and AUDIT.search(column.name) is not None
    return audit or survey.distinct(table.name, column.name) <= 1


def _is_measure(survey: Survey, table: Table, column: Column) -> bool:
    """Fractions, dates and integers of many values, unless the integers merely number the rows (a display order)."""
    if column.type.family in {TypeFamily.FLOAT, TypeFamily.DECIMAL} or column.type.family in TEMPORAL:
        return True
    if column.type.family is not TypeFamily.INTEGER:
        return False
    different = survey.distinct(table.name, column.name)
    if not different:
        return False
    bounds = pc.min_max(survey.values(table.name, column.name)).as_py()
    return bool(bounds["max"] - bounds["min"] > 2 * max(different, 10))


def _is_vocabulary(survey: Survey, table: Table, references: tuple[Reference, ...]) -> bool:
    """Many tables refer to it, one of them in several roles, and nothing about its rows is measured."""
    per_table: dict[TableName, int] = {}
    for reference in references:
        per_table[reference.child] = per_table.get(reference.child, 0) + 1
    measured = (c for c in _descriptive(table) if c.type.family not in TEMPORAL and _is_measure(survey, table, c))
    many = len(per_table) >= 3 and max(per_table.values()) >= 2
    return many and survey.rows(table.name) <= LARGE and not any(measured)
