"""Opening databases by URL: which product, which file or server, and whether source and target are the same one."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from dbclone.abc import Source, Target
from dbclone.errors import ConnectionFailed, DbcloneError, TargetError, UsageError

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_MYSQL = frozenset({"mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"})
_SQLITE = frozenset({"sqlite"})
_DUCKDB = frozenset({"duckdb"})
_DUCKDB_FILES = (".duckdb", ".ddb")
"""How paths of DuckDB files end; all others are SQLite's."""


@contextlib.contextmanager
def open_source(url: str) -> Iterator[Source]:
    """The database behind a URL or a path to a SQLite file, read-only, in one snapshot until the block ends.

    Raises UsageError for a URL that cannot be meant, ConnectionFailed, SourceError.
    """
    source = _source(url)
    try:
        yield source
    finally:
        source.close()


@contextlib.contextmanager
def open_target(url: str) -> Iterator[Target]:
    """The database behind a URL or path, to be written; whatever was not committed is undone when the block ends.

    Raises UsageError for a URL that cannot be meant, ConnectionFailed, TargetError.
    """
    target = _target(url)
    try:
        yield target
    except BaseException:
        target.rollback()
        raise
    finally:
        target.close()


def display_url(url: str) -> str:
    """The URL as it may be shown and logged: without any password, also where characters in it should be escaped."""
    match = _SCHEME.match(url)
    if match is None:
        return url
    rest = url[match.end() :]
    before_query = rest.partition("?")[0]
    query = rest[len(before_query) :]
    if "@" in before_query or "@" not in query:
        user, at, place = before_query.rpartition("@")
    else:  # a question mark in a password, or an @ in a parameter
        user, at, place, query = *rest.rpartition("@"), ""
    shown = (user.split(":", 1)[0] + "@" + place if at else place) + query
    shown = re.sub(r"(?i)([?&][^=&?]*(?:password|secret|token|sslkey)[^=&]*=)[^&]*", r"\1***", shown)
    return match.group() + shown


def asks_for_password(url: str) -> bool:
    """Whether this is a server that wants a password and was given none; True only if it has said so."""
    try:
        if _path(url) is None:
            _source(url).close()
    except ConnectionFailed as error:
        return error.wants_password
    except DbcloneError:
        pass  # whoever opens it for good will tell
    return False


def with_password(url: str, password: str) -> str:
    """The URL of a server with the password in it."""
    match = _SCHEME.match(url)
    assert match is not None
    before, question, query = url[match.end() :].partition("?")
    user, _, place = before.rpartition("@")
    return f"{match.group()}{user.partition(':')[0]}:{quote(password, safe='')}@{place}{question}{query}"


def refuse_same(source: Source, target: Target) -> None:
    """Raise TargetError if both are one database, whatever the URLs, links or host names that led to it."""
    if same_database(source.identity, target.identity):
        raise TargetError("Source and target are the same database: name another target.")


def same_database(one: str, other: str) -> bool:
    """True if two identities can only be those of one database.

    An identity is ``product:facts``; where the product gives several facts (``key=value`` joined by ``;``), a place
    within the server (``database``) must agree and one fact that both know about the server suffices.
    """
    if "=" not in one or "=" not in other:
        return one == other
    first, second = _facts(one), _facts(other)
    if first.pop("database", "") != second.pop("database", ""):
        return False
    return any(first[fact] == second[fact] for fact in first.keys() & second.keys())


def _facts(identity: str) -> dict[str, str]:
    return dict(fact.split("=", 1) for fact in identity.split(":", 1)[1].split(";"))


def _source(url: str) -> Source:
    path = _path(url)
    if path is not None and _is_duckdb(url):
        raise UsageError(f"{display_url(url)} is a DuckDB database: dbclone writes these, it does not read them.")
    if path is not None:
        from dbclone.dialects.sqlite_source import SqliteSource

        return SqliteSource(path)
    if _scheme(url) in _MYSQL:
        from dbclone.dialects.mysql_source import MysqlSource

        return MysqlSource(url, display_url(url))
    from dbclone.dialects.postgresql_source import PostgresqlSource

    return PostgresqlSource(_libpq_url(url), display_url(url))


def _target(url: str) -> Target:
    path = _path(url)
    if path is not None and _is_duckdb(url):
        from dbclone.dialects.duckdb_target import DuckdbTarget

        return DuckdbTarget(path)
    if path is not None:
        from dbclone.dialects.sqlite_target import SqliteTarget

        return SqliteTarget(path)
    if _scheme(url) in _MYSQL:
        from dbclone.dialects.mysql_target import MysqlTarget

        return MysqlTarget(url, display_url(url))
    from dbclone.dialects.postgresql_target import PostgresqlTarget

    return PostgresqlTarget(_libpq_url(url), display_url(url))


def _scheme(url: str) -> str:
    match = _SCHEME.match(url)
    return match.group(1).lower() if match else ""


def _is_duckdb(url: str) -> bool:
    scheme = _scheme(url)
    return scheme in _DUCKDB or (not scheme and url.lower().endswith(_DUCKDB_FILES))


def _path(url: str) -> Path | None:
    """The file of a URL (SQLAlchemy's three or four slashes) or bare path; None for a server."""
    match = _SCHEME.match(url)
    if match is None:
        if not url or re.match(r"^[A-Za-z][A-Za-z0-9+.]+:(?!\\)", url):
            raise UsageError(
                f"{display_url(url)!r} is neither a database URL nor a path: expected e.g. sqlite:///file.db."
            )
        return Path(url).expanduser()
    scheme = match.group(1).lower()
    if scheme in _POSTGRESQL | _MYSQL:
        return None
    if scheme not in _SQLITE | _DUCKDB:
        known = "sqlite:///file.db, postgresql://user@host/database or mysql://user@host/database"
        raise UsageError(f"Databases of kind {scheme!r} are not supported: expected {known}.")
    rest = url[match.end() :].partition("?")[0]
    if not rest.startswith("/") or rest == "/" or rest == "/:memory:":
        raise UsageError(f"{display_url(url)!r} names no file: expected {scheme}:///file.db.")
    return Path(unquote(rest[1:])).expanduser()


def _libpq_url(url: str) -> str:
    """The URL as libpq takes it: its query parameters (TLS and others) pass through."""
    return "postgresql://" + url.split("://", 1)[1]
