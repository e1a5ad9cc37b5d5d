"""A MariaDB server for the tests: one that is named, or one that runs here."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import pymysql

LOCAL = "mysql://root@127.0.0.1:3306/"
MODE = "ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"


def server_url() -> str | None:
    """The URL of a server on which databases can be created, or None."""
    url = os.environ.get("DBCLONE_TEST_MARIADB_URL", LOCAL)
    try:
        connect(url).close()
    except pymysql.MySQLError:
        return None
    return url


def with_database(url: str, name: str) -> str:
    """The URL with another database in it."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def connect(url: str, **more: Any) -> pymysql.connections.Connection:
    """A session in which double quotes delimit names."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""), database=parts.path.strip("/") or None, charset="utf8mb4",
        autocommit=True, sql_mode=MODE, connect_timeout=3, init_command="SET time_zone = '+00:00'", **more,
    )  # fmt: skip


def run(url: str, *statements: str) -> None:
    """Run statements one by one."""
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def has_tls(url: str) -> bool:
    """Whether the server speaks TLS."""
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@have_ssl")
            return bool(cursor.fetchone() == ("YES",))
    finally:
        connection.close()
