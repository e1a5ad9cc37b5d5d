"""Which table a column refers to, by its name: the conventions by which people name foreign keys.

A name is a list of words (``BillingAddressId``: billing, address, id), in the singular; what is said is found by
looking up words, never by comparing every column with every table.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from dbclone.schema import Table, TableName

Words = tuple[str, ...]

ENDINGS = frozenset({"id", "key", "code", "no", "nr", "num", "number", "sk", "fk", "uuid", "guid", "oid", "ref", "cd"})
"""Last words that say that a column identifies something."""
GENERIC = ENDINGS | {"name", "rowid", "pk", "seq"}
"""Names of key columns that say nothing of what they identify."""
PREFIXES = frozenset({"tbl", "tb", "t", "dim", "fact", "d", "f", "stg", "vw", "lkp", "ref", "app", "sys"})
"""First words that say what sort of thing a table is, not what its rows are."""
OWN_ROW = frozenset(
    {
        "parent", "ancestor", "root", "reply", "manager", "supervisor", "boss", "chief", "superior", "predecessor",
        "previous", "prev", "preceding", "next", "successor", "original", "master", "head", "mother", "father", "sire",
        "dam", "duplicate",
    }
)  # fmt: skip
"""Words for another row of the same table."""
PERSONS = frozenset({"user", "account", "person", "employee", "member", "staff", "customer", "actor", "login"})
PERSON_ROLES = frozenset(
    {
        "author", "owner", "creator", "editor", "user", "assignee", "reviewer", "approver", "sender", "recipient",
        "seller", "buyer", "uploader", "manager", "reporter", "moderator", "rep", "agent", "requester", "receiver",
        "updater", "inviter", "purchaser", "deleter", "submitter",
    }
)  # fmt: skip
"""Words for a person who did something, and for the tables of persons."""
ROLE_LAST = "role"
"""Word put first where the words of a role stand last (``icon_id_off``)."""
LONG_NAME = 5
"""Letters of a table's name that are no chance at the end of a word."""
FEWEST_LETTERS = 3
"""Letters of an abbreviation that say enough."""
SHARED = 0.6
"""Share of the tables, or of a table's columns, that begin with a prefix that says nothing."""

EXACT, BARE, KEY_NAME, TAIL, BARE_TAIL, KEY_TAIL, OWN, PART, ROLE, ABBREVIATED = (
    1.0, 0.97, 0.95, 0.8, 0.78, 0.75, 0.75, 0.6, 0.5, 0.5,
)  # fmt: skip
"""How much each convention says."""
ALONE = frozenset({EXACT, KEY_NAME, TAIL, KEY_TAIL})
"""Those that a column follows hardly by chance: bare names (``artist``) may as well be values."""


@dataclass(frozen=True)
class Hint:
    """That a column may refer to a table's rows."""

    parent: TableName
    score: float
    """0 to 1."""
    reason: str

    @property
    def alone(self) -> bool:
        """Whether the name hardly means anything else."""
        return self.score in ALONE


@cache
def words(name: str) -> Words:
    """The words of a name, small and in the singular; digits at the end count no more than case does."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    found = re.findall(r"[^\W_]+", spaced.lower())
    plain = (re.sub(r"(?<=\D)\d+$", "", word) for word in found)
    said = [_singular(word) for word in plain if word]
    while len(said) > 1 and said[-1].isdigit():
        said.pop()
    return tuple(said)


def _singular(word: str) -> str:
    if len(word) <= FEWEST_LETTERS or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return "person" if word == "people" else word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("uses", "us"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending):
            return word[: -len(ending)] + instead
    return word[:-1]


class Names:
    """The tables of a schema by what their names say."""

    def __init__(self, tables: Sequence[Table]) -> None:
        shared = _shared_prefix([words(t.name.name) for t in tables])
        self._own = {t.name: _core(words(t.name.name), shared) for t in tables}
        self._prefixes = {t.name: _column_prefix(t) for t in tables}
        self._cores: dict[str, list[TableName]] = defaultdict(list)
        self._tails: dict[str, list[TableName]] = defaultdict(list)
        self._keys: dict[str, list[TableName]] = defaultdict(list)
        self._short: dict[str, list[TableName]] = defaultdict(list)
        for table in tables:
            self._add(table)

    def _add(self, table: Table) -> None:
        core = self._own[table.name]
        self._cores["".join(core)].append(table.name)
        for at in range(1, len(core)):
            self._tails["".join(core[at:])].append(table.name)
        for length in range(FEWEST_LETTERS, len("".join(core))):
            self._short["".join(core)[:length]].append(table.name)
        if len(core) > 1:
            self._short["".join(word[0] for word in core)].append(table.name)
        for key in table.keys:
            name = words(key.columns[0])
            if len(key.columns) == 1 and not (len(name) == 1 and name[0] in GENERIC):
                self._keys["".join(name)].append(table.name)

    def named(self, text: str) -> list[TableName]:
        """Tables of whose rows a class of that name may be (``Admin::User``: admin_users, users)."""
        said = words(text)
        whole = self._cores.get("".join(said), [])
        return whole or [name for at in range(1, len(said)) for name in self._cores.get("".join(said[at:]), [])]

    def hints(self, table: TableName, column: str) -> list[Hint]:
        """What the column's name says, strongest first, at most one hint for each parent."""
        best: dict[TableName, Hint] = {}
        plural = bool(re.search(r"[^sui]s$", column.lower()))
        for said in self._readings(table, column):
            for hint in self._read(table, said, plural):
                if hint.parent not in best or best[hint.parent].score < hint.score:
                    best[hint.parent] = hint
        return sorted(best.values(), key=lambda hint: (-hint.score, hint.parent))

    def _readings(self, table: TableName, column: str) -> Iterator[Words]:
        said, prefix = self._apart(words(column)), self._prefixes[table]
        if said:
            yield said
        if prefix and len(said) > 1 and said[0] == prefix:
            yield said[1:]
        for at in range(1, len(said) - 1):
            if said[at] in ENDINGS:  # the role stands last
                yield (ROLE_LAST, *said[: at + 1])

    def _apart(self, said: Words) -> Words:
        """The words with the ending apart from the table's name (``parent_hostid``: parent, host, id)."""
        return tuple(part for word in said for part in self._parts(word, len(said) == 1))

    def _parts(self, word: str, alone: bool) -> Words:
        for ending in sorted(ENDINGS):
            rest = word.removesuffix(ending)
            if rest != word and (rest in self._cores or (alone and len(self._tail_of(rest)) > 1)):
                return (*self._tail_of(rest), ending)
        return (word,)

    def _tail_of(self, word: str) -> Words:
        """A word that ends with a table's name as two words, the longest name counting (``billtoaddress``)."""
        for at in range(1, len(word) - LONG_NAME + 1):
            if word not in self._cores and word[at:] in self._cores:
                return word[:at], word[at:]
        return (word,)

    def _read(self, table: TableName, said: Words, plural: bool) -> Iterator[Hint]:
        ended = len(said) > 1 and said[-1] in ENDINGS
        stem = said[:-1] if ended else said
        yield from self._hints(self._keys, "".join(said), KEY_NAME, "has the name of its key")
        for at in range(1, len(said)):
            yield from self._hints(self._keys, "".join(said[at:]), KEY_TAIL, "ends with the name of its key")
        joined = "".join(stem)
        if not ended and plural:
            return  # a number of rows, not one of them
        yield from self._hints(self._cores, joined, EXACT if ended else BARE, "is named after it")
        for at in range(1, len(stem)):
            tail = "".join(stem[at:])
            yield from self._hints(self._cores, tail, TAIL if ended else BARE_TAIL, "is named after it, in a role")
        another = stem[0] in OWN_ROW and self._own[table][-1:] == stem[-1:]
        if another or stem[-1] in OWN_ROW or (len(said) > 1 and said[-1] == "to"):
            yield Hint(table, OWN, "names another row of its table")
        if stem[-1] in PERSON_ROLES or said[-1] == "by":
            persons = [name for name, core in self._own.items() if core and core[-1] in PERSONS]
            yield from (Hint(name, ROLE, "names a person in a role") for name in persons)
        if not ended:
            return
        yield from self._hints(self._tails, joined, PART, "is named after a part of its name")
        if len(joined) >= FEWEST_LETTERS - 1 and len(stem) == 1:
            yield from self._hints(self._short, joined, ABBREVIATED, "abbreviates its name")

    def _hints(self, index: dict[str, list[TableName]], said: str, score: float, reason: str) -> Iterator[Hint]:
        yield from (Hint(name, score, reason) for name in index.get(said, ()))


def _core(said: Words, shared: str) -> Words:
    rest = said[1:] if len(said) > 1 and said[0] in {*PREFIXES, shared} else said
    return rest or said


def _shared_prefix(names: Iterable[Words]) -> str:
    """The first word of most tables (wp_posts, wp_users), or nothing."""
    first = Counter(said[0] for said in names if len(said) > 1)
    total = sum(first.values())
    return next((word for word, n in first.most_common(1) if n >= max(SHARED * total, 3)), "")


def _column_prefix(table: Table) -> str:
    """The first word of nearly all columns (rev_id, rev_page, rev_actor), or nothing."""
    named = [words(column.name) for column in table.columns]
    first = Counter(said[0] for said in named if len(said) > 1)
    return next((word for word, n in first.most_common(1) if n >= max(0.8 * len(named), 3)), "")
