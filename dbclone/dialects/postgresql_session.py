"""Sessions with a PostgreSQL server: connecting, identity, and errors in words that hold neither data nor passwords."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dbclone.dialects.adbc import AdbcError
from dbclone.errors import (
    ConnectionFailed,
    DbcloneError,
    IntegrityError,
    SourceError,
    TargetError,
    UsageError,
    WriteError,
)

_CONNECT_SECONDS = "10"

SETTINGS = (
    "SET search_path = ''",
    "SET datestyle = 'ISO, YMD'",
    "SET intervalstyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET timezone = 'UTC'",
    "SET extra_float_digits = 1",
    "SET idle_in_transaction_session_timeout = 0",
    "SET jit = off",
)
"""How every session prints values and names: with an empty search path all names come out qualified."""


def connect(url: str, shown: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection in autocommit mode; ``shown`` is the URL without password.  Raises ConnectionFailed, UsageError."""
    try:
        given = conninfo_to_dict(url)
        defaults = {"application_name": "dbclone"}
        if "PGCONNECT_TIMEOUT" not in os.environ:
            defaults["connect_timeout"] = _CONNECT_SECONDS
        settings = make_conninfo(url, **{key: value for key, value in defaults.items() if key not in given})
    except psycopg.Error as error:
        raise UsageError(f"{shown} is not a URL that PostgreSQL understands.") from _without_text(error)
    try:
        connection: psycopg.Connection[tuple[object, ...]] = psycopg.connect(settings, autocommit=True)
        for statement in SETTINGS:
            connection.execute(statement.encode())
    except psycopg.Error as error:
        message, wants = f"Cannot connect to {shown}: {_refusal(error)}.", "no password supplied" in str(error)
        raise ConnectionFailed(message, wants_password=wants) from _without_text(error)
    return connection


def _without_text(error: Exception) -> Exception:
    """The cause of an error without libpq's text: a mistyped URL can carry a piece of a password into it."""
    return type(error)("(text withheld)")


_REFUSALS = (
    ("password authentication failed", "the server refuses this user or password"),
    ("no password supplied", "the server asks for a password: give it in the URL, PGPASSWORD or ~/.pgpass"),
    ("no pg_hba.conf entry", "the server does not admit this user from here"),
    ("role ", "the server does not know this user"),
    ("too many connections", "the server has no free connection"),
    ("remaining connection slots", "the server has no free connection"),
    ("starting up", "the server is starting up"),
    ("database ", "the server has no database of this name"),
    ("translate host name", "the host name is unknown"),
    ("resolve host", "the host name is unknown"),
    ("name or service not known", "the host name is unknown"),
    ("connection refused", "nothing answers at this host and port"),
    ("no such file or directory", "no server listens on this socket"),
    ("timeout", "the server does not answer"),
    ("timed out", "the server does not answer"),
    ("certificate", "the server's certificate is not accepted"),
    ("ssl", "TLS could not be agreed on"),
)


def _refusal(error: psycopg.Error) -> str:
    text = str(error).lower()
    return next((words for word, words in _REFUSALS if word in text), "the server refuses the connection")


def identity(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """Which database this is, whatever host name led to it.

    The system identifier is shared by a primary and its standbys, which is wanted: a clone of a standby must not be
    written to its primary.  Where it may not be asked for, the server's start time serves.
    """
    database = _scalar(connection, "SELECT oid FROM pg_database WHERE datname = current_database()")
    started = _scalar(connection, "SELECT extract(epoch FROM pg_postmaster_start_time())::text")
    facts = [f"database={database}", f"started={started}"]
    with contextlib.suppress(psycopg.Error):
        facts.append(f"system={_scalar(connection, 'SELECT system_identifier FROM pg_control_system()')}")
    return "postgresql:" + ";".join(facts)


def _scalar(connection: psycopg.Connection[tuple[object, ...]], sql: str) -> object:
    row = connection.execute(sql.encode()).fetchone()
    return row[0] if row else None


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Errors of the source's server as SourceError, ConnectionFailed; ``what`` names what is read."""
    try:
        yield
    except (psycopg.Error, AdbcError) as error:
        state = getattr(error, "sqlstate", None) or ""
        if state == "42501" and "row-level security" in str(error):
            message = f"Row-level security hides rows of {what} from this user: read as one who may see all of them."
            raise SourceError(message) from _without_text(error)
        if state == "42501":
            message = f"No permission to read {what}: grant SELECT on it, or leave the table out."
            raise SourceError(message) from _without_text(error)
        if _lost(error, state):
            raise SourceError(f"The source's server ended the connection while {what} was read.") from None
        raise SourceError(f"Cannot read {what}: {describe(error)}.") from _without_text(error)


@contextlib.contextmanager
def writing(what: str) -> Iterator[None]:
    """Errors of the target's server as IntegrityError, TargetError, WriteError; ``what`` names what is written."""
    try:
        yield
    except psycopg.Error as error:
        raise _write_failure(error, what) from _without_text(error)


def _write_failure(error: psycopg.Error, what: str) -> DbcloneError:
    state = error.sqlstate or ""
    if _lost(error, state):
        return WriteError(f"The target's server ended the connection while {what} was written: nothing was changed.")
    if state.startswith("23"):
        return IntegrityError(f"In the target, {what}: {describe(error)}.")
    if state == "42501":
        return TargetError(f"No permission to write {what} in the target.")
    if state in ("42P07", "42710", "42723", "42P06"):
        return TargetError(f"The target already holds {what}: give --clean to replace what is there.")
    return WriteError(f"Cannot write {what}: {describe(error)}.")


def _lost(error: Exception, state: str) -> bool:
    if state[:2] in ("08", "57") and state != "57014":
        return True
    return isinstance(error, psycopg.OperationalError) and not state


_CODES = {
    "53100": "the server's disk is full",
    "53200": "the server is out of memory",
    "53400": "a limit of the server is reached",
    "55P03": "another session holds a lock",
    "40001": "the server cancelled the snapshot: try again",
    "40P01": "deadlock with another session: try again",
    "57014": "the statement was cancelled by a timeout",
    "25006": "the server is read-only",
    "22001": "a text is too long",
    "22003": "a number is out of range",
}


def describe(error: psycopg.Error | AdbcError) -> str:
    """What went wrong, from the error's code and the names it carries; the texts of data errors quote values."""
    state = getattr(error, "sqlstate", None) or ""
    words = _CODES.get(state, "")
    if isinstance(error, psycopg.Error):
        if not words and state[:2] in ("0A", "42", "2B", "3F", "54", "55"):
            words = (error.diag.message_primary or "").strip()
        names = (
            ("constraint", error.diag.constraint_name),
            ("column", error.diag.column_name),
            ("table", error.diag.table_name),
        )
        where = ", ".join(f"{kind} {name}" for kind, name in names if name)
        if where:
            words = f"{words or _class_of(state)} ({where})"
    return words or _class_of(state)


def _class_of(state: str) -> str:
    classes = {"22": "a value does not fit", "23": "a constraint is violated", "42": "a definition is not accepted"}
    return classes.get(state[:2], f"the server reports error {state or 'of unknown kind'}")
