"""All or nothing on a server whose DDL is not transactional.

A clone is built in a database of its own beside the target, and its tables are put into their place by one RENAME
TABLE, which the server does as a whole.  Triggers, views, routines and events cannot be renamed: they are made again at
once, from a journal that the next run finds if this one is killed.

A user who may not create databases can still fill an empty target: a mark in it tells the next run that what is there
was never finished.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence

from dbclone.dialects.base import quote
from dbclone.dialects.mysql_catalogue import MODE, Definition, read_definitions
from dbclone.dialects.mysql_session import FORBIDDEN, PLAIN_MODE, STRICT_MODE, ZONE, MysqlError, Session, code_of
from dbclone.errors import TargetError
from dbclone.schema import Statement

_LOCK_SECONDS = 10
_JOURNAL = "dbclone journal"
_MARK = "dbclone unfinished"
_THERE_ALREADY = frozenset({1050, 1304, 1359, 1537})
"""Something of this name is there: an earlier run got as far as this."""
_TABLES = (
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    " AND TABLE_TYPE <> 'VIEW' AND TABLE_TYPE <> 'SYSTEM VIEW' ORDER BY 1"
)
_DROPS = {"VIEW": "VIEW", "FUNCTION": "FUNCTION", "PROCEDURE": "PROCEDURE", "EVENT": "EVENT", "TRIGGER": "TRIGGER"}


class Stage:
    """The place where a clone is built; ``session`` works in it from ``open`` to ``finish`` or ``discard``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.target = session.database
        name = hashlib.sha256(self.target.encode()).hexdigest()[:12]
        self._new, self._old = f"dbclone_{name}_new", f"dbclone_{name}_old"
        self._direct = False
        self._opened = False
        if session.scalar("SELECT get_lock(%s, %s)", f"dbclone_{name}", _LOCK_SECONDS) != "1":
            raise TargetError("Another run of dbclone is writing this target: wait for its end.")
        self._recover()

    def is_empty(self) -> bool:
        """Whether the target holds no table, view or sequence."""
        sql = "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
        return str(self._session.scalar(sql, self.target)) == "0"

    def open(self) -> None:
        """An empty database to build in; the target itself if no other may be made and it is empty."""
        try:
            self._create_database(self._new)
        except MysqlError as error:
            if code_of(error) not in FORBIDDEN:
                raise
            self._open_target()
        self._opened = True
        self._session.execute(f"USE {quote(self.target if self._direct else self._new)}")
        self._session.mode(STRICT_MODE)
        self._session.execute("SET SESSION foreign_key_checks = 0")

    def probe(self, statements: Sequence[Statement]) -> tuple[list[Statement], list[tuple[Statement, Exception]]]:
        """Create views and the like in the stage: those that could be, in an order that works, and those that not."""
        pending, done = list(statements), list[Statement]()
        while True:
            tried = [(statement, self._try(statement)) for statement in pending]
            failed = [(statement, error) for statement, error in tried if error is not None]
            done += [statement for statement, error in tried if error is None]
            if len(failed) in (0, len(pending)):
                return done, failed
            pending = [statement for statement, _ in failed]

    def put_in_place(self, definitions: Sequence[str]) -> None:
        """Make the clone the target: its tables by one statement, then what cannot be renamed."""
        if self._direct:
            self._session.execute(f"DROP TABLE {quote(self.target)}.{quote(_MARK)}")
            self._opened = False
            return
        self._session.execute(f"USE {quote(self._new)}")
        self._drop(self._definitions(self._new))
        self._create_database(self._old)
        old = self._definitions(self.target)
        triggers = [d for d in old if d.kind == "TRIGGER"]
        drops = [_drop_statement(d) for d in old if d.kind != "TRIGGER"]
        self._write_journal([d.text for d in triggers], [*drops, *definitions])
        self._session.execute(f"USE {quote(self.target)}")
        try:
            self._drop(triggers)
            moves = [(self.target, self._old, name) for name in self._tables(self.target)]
            moves += [(self._new, self.target, name) for name in self._tables(self._new)]
            told = (f"{quote(a)}.{quote(name)} TO {quote(b)}.{quote(name)}" for a, b, name in moves)
            self._session.execute(f"RENAME TABLE {', '.join(told)}")
        except MysqlError:
            self._recover()
            raise
        self._opened = False
        if error := self._complete():
            raise error

    def discard(self) -> None:
        """Drop what was built; nothing of the target was touched."""
        if self._opened:
            self._opened = False
            self._session.execute(f"USE {quote(self.target)}")
            if self._direct:
                self._empty_target()
            else:
                self._recover()

    def _open_target(self) -> None:
        if not self.is_empty():
            raise TargetError(
                f"This user may not create the database {self._new}, in which a clone is built before it replaces"
                " what the target holds: grant ALL ON `dbclone\\_%`.* to the user, or empty the target."
            )
        self._direct = True
        self._session.execute(f"CREATE TABLE {quote(self.target)}.{quote(_MARK)} (x int)")

    def _create_database(self, name: str) -> None:
        """With the character set of the target, for what the server makes without being told one."""
        charset, collation = self._session.rows(
            "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
            " WHERE SCHEMA_NAME = %s",
            (self.target,),
        )[0]
        self._session.execute(f"CREATE DATABASE {quote(name)} CHARACTER SET {charset} COLLATE {collation}")

    def _recover(self) -> None:
        """Undo, or bring to its end, what an earlier run left behind."""
        self._session.execute("SET SESSION foreign_key_checks = 0")
        if _MARK in self._tables(self.target):
            self._empty_target()
        if self._journal() and not self._tables(self._new):
            self._complete()
            return
        self._run([text for phase, text in self._journal() if phase == "undo"])
        self._drop_databases(self._old, self._new)

    def _complete(self) -> MysqlError | None:
        """Make again what cannot be renamed; the first thing that could not be, which must hinder no further run."""
        error = self._run([text for phase, text in self._journal() if phase == "redo"])
        self._drop_databases(self._new, self._old)
        return error

    def _drop_databases(self, *names: str) -> None:
        """In an order of which no beginning looks like another state of things: a journal without tables to come is
        one to complete."""
        for name in names:
            if self._session.scalar("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", name):
                self._session.execute(f"DROP DATABASE IF EXISTS {quote(name)}")

    def _empty_target(self) -> None:
        self._session.execute("SET SESSION foreign_key_checks = 0")
        self._drop(self._definitions(self.target))
        names = sorted(self._tables(self.target), key=lambda name: name == _MARK)
        for name in names:
            self._session.execute(f"DROP TABLE IF EXISTS {quote(self.target)}.{quote(name)}")

    def _tables(self, database: str) -> list[str]:
        return [name for (name,) in self._session.rows(_TABLES, (database,)) if name != _JOURNAL]

    def _definitions(self, database: str) -> list[Definition]:
        before, self._session.database = self._session.database, database
        self._session.execute(f"USE {quote(database)}")
        self._session.mode(PLAIN_MODE)
        found = list(read_definitions(self._session))
        self._session.mode(STRICT_MODE)
        self._session.database = before
        return found

    def _drop(self, definitions: Sequence[Definition]) -> None:
        for definition in definitions:
            self._session.execute(_drop_statement(definition))

    def _try(self, statement: Statement) -> Exception | None:
        try:
            self.define(statement.sql)
            if statement.kind == "event" and not self._direct:
                self._session.execute(f"DROP EVENT {quote(statement.name)}")  # which must not happen here
        except MysqlError as error:
            return error
        return None

    def define(self, definition: str) -> None:
        """Run a statement in the mode and time zone that it names at its end."""
        mode = MODE.search(definition)
        if mode is None:
            self._session.execute(definition)
            return
        self._session.mode(mode[1])
        try:
            if mode[2]:
                self._session.execute(f"SET SESSION time_zone = '{mode[2]}'")
            self._session.execute(definition[: mode.start()])
        finally:
            self._session.mode(STRICT_MODE)
            self._session.execute(f"SET SESSION time_zone = '{ZONE}'")

    def _write_journal(self, undo: Sequence[str], redo: Sequence[str]) -> None:
        place = f"{quote(self._old)}.{quote(_JOURNAL)}"
        self._session.execute(
            f"CREATE TABLE {place} (place int PRIMARY KEY, phase varchar(4), text longtext) CHARSET=utf8mb4"
        )
        steps = [("undo", text) for text in undo] + [("redo", text) for text in redo]
        with self._session.connection.cursor() as cursor:
            rows = [(at, phase, text) for at, (phase, text) in enumerate([*steps, ("end", "")])]
            cursor.execute("BEGIN")
            cursor.executemany(f"INSERT INTO {place} VALUES (%s, %s, %s)", rows)
            cursor.execute("COMMIT")

    def _journal(self) -> list[tuple[str, str]]:
        """Phase and statement of each step; nothing if there is no journal or it was not finished."""
        sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        if not self._session.rows(sql, (self._old, _JOURNAL)):
            return []
        rows = self._session.rows(f"SELECT phase, text FROM {quote(self._old)}.{quote(_JOURNAL)} ORDER BY place")
        return [(phase, text) for phase, text in rows]

    def _run(self, statements: Sequence[str]) -> MysqlError | None:
        self._session.execute(f"USE {quote(self.target)}")
        self._session.mode(STRICT_MODE)
        first = None
        for statement in statements:
            try:
                self.define(statement)
            except MysqlError as error:
                if code_of(error) not in _THERE_ALREADY:
                    first = first or error
        return first


def _drop_statement(definition: Definition) -> str:
    return f"DROP {_DROPS[definition.kind]} IF EXISTS {quote(definition.name)}"


def release(stage: Stage | None) -> None:
    """Discard a stage whatever state its session is in: what then remains is the next run's to clear away."""
    if stage is not None:
        with contextlib.suppress(MysqlError, OSError):
            stage.discard()
