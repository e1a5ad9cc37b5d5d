"""Sessions with a MariaDB or MySQL server: connecting, identity, and errors in words without data or passwords.

The driver is PyMySQL: pure Python under the MIT licence, so that it installs on a machine without compiler and headers.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pymysql
from pymysql.connections import Connection
from pymysql.converters import encoders

from dbclone.errors import (
    ConnectionFailed,
    DbcloneError,
    IntegrityError,
    SourceError,
    TargetError,
    UsageError,
    WriteError,
)

MysqlError = pymysql.MySQLError

PLAIN_MODE = ""
"""In which the catalogue prints names in backticks, as sqlglot reads them."""
ANSI_MODE = "ANSI_QUOTES"
STRICT_MODE = "ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
"""Values that do not fit are errors, a 0 is no request for the next number, and zero dates are let in."""

ZONE = "+00:00"

_SETTINGS = (
    f"SET SESSION time_zone = '{ZONE}'",
    "SET SESSION net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 86400",
    "SET SESSION group_concat_max_len = 1000000",
    "SET SESSION sql_notes = 0",
    f"SET SESSION sql_mode = '{ANSI_MODE}'",
)


def _yes(text: str) -> bool:
    return text.lower() in ("1", "true", "yes")


_PARAMETERS: dict[str, Callable[[str], object]] = {
    "charset": str, "unix_socket": str, "connect_timeout": int, "ssl_ca": str, "ssl_cert": str, "ssl_key": str,
    "ssl_verify_cert": _yes, "ssl_verify_identity": _yes, "ssl_disabled": _yes, "local_infile": _yes,
}  # fmt: skip
_URL = re.compile(
    r"[A-Za-z+]+://(?:(?P<user>.*)@)?(?P<place>[^@/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL
)
_PORT = 3306


class Session:
    """A connection in autocommit mode whose values come as bytes, as the server prints them."""

    def __init__(self, connection: Connection, database: str) -> None:
        self.connection = connection
        self.database = database

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, values as text."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return [tuple(v.decode() if isinstance(v, bytes) else v for v in row) for row in cursor.fetchall()]

    def execute(self, sql: str) -> int:
        """A statement without rows; the number of rows concerned."""
        with self.connection.cursor() as cursor:
            return int(cursor.execute(sql))

    def scalar(self, sql: str, *parameters: object) -> Any:
        """The first value of a query, as text; None if there is none."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def mode(self, sql_mode: str) -> None:
        """How the server reads and prints from here on."""
        self.execute(f"SET SESSION sql_mode = '{sql_mode}'")

    def close(self) -> None:
        with contextlib.suppress(Exception):  # a broken session has nothing left to close
            self.connection.close()


def connect(url: str, shown: str, *, local_infile: bool = False) -> Session:
    """A session; ``shown`` is the URL without password.  Raises ConnectionFailed, UsageError.

    ``local_infile`` lets the server ask for the files that a LOAD DATA LOCAL names, unless the URL forbids it.
    """
    arguments = _arguments(url, shown)
    arguments["local_infile"] = local_infile and arguments.get("local_infile", True)
    try:
        # Without decoders every value arrives as the bytes that the server sent.
        connection = pymysql.connect(**arguments, conv=encoders, use_unicode=False, autocommit=True)
        session = Session(connection, str(arguments["database"]))
        for statement in _SETTINGS:
            session.execute(statement)
    except (MysqlError, OSError, RuntimeError) as error:
        wants = code_of(error) in _UNKNOWN and "using password: NO" in str(error)
        message = f"Cannot connect to {shown}: {_refusal(error)}."
        raise ConnectionFailed(message, wants_password=wants) from _without_text(error)
    return session


def _arguments(url: str, shown: str) -> dict[str, Any]:
    """What PyMySQL's connect takes, from a URL ``mysql://user:password@host:port/database?ssl_ca=...``."""
    match = _URL.fullmatch(url)
    if match is None or not match["database"]:
        raise UsageError(f"{shown} names no database: expected mysql://user@host/database.")
    user, _, password = (match["user"] or "").partition(":")
    host, port = _host_and_port(match["place"], shown)
    found: dict[str, Any] = {
        "host": host, "port": port, "database": unquote(match["database"]), "charset": "utf8mb4",
        "connect_timeout": 10, "program_name": "dbclone",
    }  # fmt: skip
    if user:
        found["user"] = unquote(user)
    password = unquote(password) or os.environ.get("MYSQL_PWD", "")
    if password:
        found["password"] = password
    options = Path("~/.my.cnf").expanduser()
    if options.is_file():
        found |= {"read_default_file": str(options), "read_default_group": "client"}
    for name, value in parse_qsl(match["query"] or "", keep_blank_values=True):
        found[name] = _parameter(name, value, shown)
    return found


def _parameter(name: str, value: str, shown: str) -> object:
    if name not in _PARAMETERS:
        known = ", ".join(sorted(_PARAMETERS))
        raise UsageError(f"{shown} has a parameter {name!r} that is not known: expected one of {known}.")
    try:
        return _PARAMETERS[name](value)
    except ValueError:
        raise UsageError(f"{shown} has a parameter {name!r} whose value cannot be meant.") from None


def _host_and_port(place: str, shown: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", place)
    if match is None:
        raise UsageError(f"{shown} is not a URL that can be understood: expected mysql://user@host:port/database.")
    return unquote(match[1].strip("[]")) or "127.0.0.1", int(match[2] or _PORT)


def _without_text(error: Exception) -> Exception:
    """The cause of an error without its text, which may quote values."""
    return type(error)(code_of(error) or "(text withheld)")


def code_of(error: Exception) -> int:
    """The server's number for an error, 0 if it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


_UNKNOWN = frozenset({1045, 1698})
"""The server does not know this user by this password."""
_REFUSALS = {
    1045: "the server refuses this user or password",
    1698: "the server refuses this user or password",
    1044: "this user may not use the database",
    1049: "the server has no database of this name",
    1040: "the server has no free connection",
    1203: "the server has no free connection",
    1226: "the server has no free connection",
    1129: "the server does not admit this machine",
    1130: "the server does not admit this user from here",
    2026: "TLS could not be agreed on",
    2059: "the server asks for a way to authenticate that is not known",
}
_REFUSED_TEXTS = (
    ("name or service not known", "the host name is unknown"),
    ("nodename nor servname", "the host name is unknown"),
    ("name resolution", "the host name is unknown"),
    ("no address associated", "the host name is unknown"),
    ("refused", "nothing answers at this host and port"),
    ("no such file", "no server listens on this socket"),
    ("timed out", "the server does not answer"),
    ("cryptography", "this user's password needs TLS, or pip install 'pymysql[rsa]'"),
    ("nacl", "this user's password needs pip install 'pymysql[ed25519]'"),
    ("certificate", "the server's certificate is not accepted"),
    ("ssl", "TLS could not be agreed on"),
)


def _refusal(error: Exception) -> str:
    if words := _REFUSALS.get(code_of(error)):
        return words
    text = str(error).lower()
    return next((words for word, words in _REFUSED_TEXTS if word in text), "the server refuses the connection")


def identity(session: Session) -> str:
    """Which database this is, whatever host name led to it."""
    facts = [f"database={quote(session.database)}"]
    if session.scalar("SELECT @@lower_case_table_names") != "0":
        facts = [facts[0].lower()]
    for name in ("server_uid", "server_uuid"):
        with contextlib.suppress(MysqlError):
            facts.append(f"{name}={quote(str(session.scalar(f'SELECT @@global.{name}')))}")
    if len(facts) == 1:
        place = session.scalar("SELECT concat_ws(':', @@hostname, @@port, @@datadir)")
        facts.append(f"place={quote(str(place))}")
    return "mysql:" + ";".join(facts)


def is_mariadb(session: Session) -> bool:
    """Whether it is MariaDB and not MySQL."""
    return "mariadb" in str(session.scalar("SELECT version()")).lower()


FORBIDDEN = frozenset({1044, 1142, 1143, 1227, 1370, 1379, 1419, 1410})
LOCAL_OFF = frozenset({1148, 3948, 4166})
"""LOAD DATA LOCAL is switched off at one of both sides."""
_LOST = frozenset({2006, 2013, 2014, 2055, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1927, 4031})
_BROKEN = {
    1062: "a value of a key is repeated", 1586: "a value of a key is repeated", 1022: "a value of a key is repeated",
    1048: "a column that may not be NULL is", 1364: "a column without default is not given",
    1216: "a row refers to a missing one", 1452: "a row refers to a missing one", 1217: "a row is referred to",
    1451: "a row is referred to", 4025: "a check is violated", 3819: "a check is violated",
    1526: "a row fits no partition", 1748: "a row fits no partition",
}  # fmt: skip
_CODES = {
    1264: "a number is out of range", 1265: "a value does not fit", 1292: "a value is not of the type",
    1366: "a value is not of the type", 1406: "a value is too long", 1411: "a value is not of the type",
    1416: "a value is not of the type", 1021: "the server's disk is full", 1114: "the server has no room for the table",
    1030: "the storage engine reports an error", 1037: "the server is out of memory",
    1041: "the server is out of memory",
    1153: "a value is larger than the server's max_allowed_packet", 1301: "a value is larger than max_allowed_packet",
    1205: "another session holds a lock", 1213: "deadlock with another session: try again",
    1290: "the server is read-only or restricted", 1836: "the server is read-only",
    1317: "the statement was cancelled", 1969: "the statement was cancelled by a timeout",
    3024: "the statement was cancelled by a timeout", 1118: "a row would be too large for the storage engine",
    1071: "a key is too long for the storage engine", 1005: "a table or key is not accepted",
    1103: "it takes no name that ends with a space", 1166: "it takes no column name that ends with a space",
    4164: "the statement needs LOCAL files",
}  # fmt: skip
_DEFINITIONS = frozenset({1064, 1101, 1067, 1146, 1054, 1305, 1072, 1176, 1215, 1235, 1170, 1901, 1273, 1115, 1286})
"""Errors about definitions, whose texts hold names only."""
_COLUMN = re.compile(r"for column '?((?:`[^`]*`\.)*`?[^`']+`?)'? at row \d+$")


def describe(error: Exception) -> str:
    """What went wrong, from the error's code and the column that it names; the texts of data errors quote values."""
    code = code_of(error)
    text = str(error.args[1]) if len(error.args) > 1 else ""
    words = _BROKEN.get(code) or _CODES.get(code, "")
    if not words and code in _DEFINITIONS:
        words = "the definition is not accepted" if code == 1064 else text.strip().rstrip(".")
    if column := _COLUMN.search(text):
        name = column.group(1).rpartition(".")[2].strip("`")
        words = f"{words or 'a value does not fit'} (column {name})"
    return words or f"the server reports error {code or 'of unknown kind'}"


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Errors of the source's server as SourceError; ``what`` names what is read."""
    try:
        yield
    except (MysqlError, OSError) as error:
        code = code_of(error)
        if code in FORBIDDEN:
            message = f"No permission to read {what}: grant SELECT on it, or leave the table out."
        elif code in _LOST or isinstance(error, OSError):
            message = f"The source's server ended the connection while {what} was read."
        else:
            message = f"Cannot read {what}: {describe(error)}."
        raise SourceError(message) from _without_text(error)


@contextlib.contextmanager
def writing(what: str) -> Iterator[None]:
    """Errors of the target's server as IntegrityError, TargetError, WriteError; ``what`` names what is written."""
    try:
        yield
    except (MysqlError, OSError) as error:
        raise failure(error, what) from _without_text(error)


def failure(error: Exception, what: str) -> DbcloneError:
    """An error of the target's server, to be raised."""
    code = code_of(error)
    if code in _LOST or (isinstance(error, OSError) and not code):
        return WriteError(f"The target's server ended the connection while {what} was written: nothing was changed.")
    if code in _BROKEN:
        return IntegrityError(f"In the target, {what}: {describe(error)}.")
    if code in FORBIDDEN:
        return TargetError(f"No permission to write {what} in the target.")
    return WriteError(f"Cannot write {what}: {describe(error)}.")
