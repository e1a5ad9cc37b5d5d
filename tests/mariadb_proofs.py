"""What a MariaDB database says of itself, asked without dbclone: statements, broken constraints, next numbers."""

import re
from urllib.parse import urlsplit

import pymysql

from tests.mariadb_filler import CHECKS, KEYS, MariadbFiller
from tests.mariadb_server import connect
from tests.random_rules import quoted

_KINDS = {"BASE TABLE": "TABLE", "VIEW": "VIEW", "SYSTEM VERSIONED": "TABLE", "SEQUENCE": "SEQUENCE"}
_OBJECTS = """
SELECT TABLE_TYPE, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
UNION ALL SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
UNION ALL SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"""


def statements(url: str) -> dict[tuple[str, str], str]:
    """What recreates each object of a database, but for its own name, positions of counters and definers."""
    connection = connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(_OBJECTS)
        found = {}
        for kind, name in cursor.fetchall():
            kind = _KINDS.get(kind, kind)
            cursor.execute(f"SHOW CREATE {kind} {quoted(name)}")
            shown = next(str(value) for value in cursor.fetchone()[1:] if re.match("CREATE ", str(value)))
            own = rf"([`\"]){re.escape(urlsplit(url).path[1:])}\1\."
            found[kind, name] = re.sub(rf" AUTO_INCREMENT=\d+| DEFINER=\S+|{own}", "", shown)
        return found


def violations(url: str) -> list[str]:
    """Foreign keys and checks that some row breaks."""
    connection = connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(KEYS)
        keys: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for table, name, own, parent, theirs in cursor.fetchall():
            keys.setdefault((table, name, parent), []).append((own, theirs))
        broken = []
        for (table, name, parent), pairs in keys.items():
            equal = " AND ".join(f"p.{quoted(theirs)} = c.{quoted(own)}" for own, theirs in pairs)
            present = " AND ".join(f"c.{quoted(own)} IS NOT NULL" for own, _ in pairs)
            where = f"{present} AND NOT EXISTS (SELECT 1 FROM {quoted(parent)} p WHERE {equal})"
            cursor.execute(f"SELECT count(*) FROM {quoted(table)} c WHERE {where}")
            broken += [f"{name} of {table}"] * cursor.fetchone()[0]
        cursor.execute(CHECKS)
        for table, condition in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {quoted(table)} WHERE NOT ({condition})")
            broken += [f"{condition} of {table}"] * cursor.fetchone()[0]
        return broken


def next_inserts_refused(url: str) -> list[str]:
    """Tables whose own number, drawn by the application's next INSERT, is already taken; nothing remains inserted."""
    connection = connect(url)
    with connection:
        filler = MariadbFiller(connection, seed=99)
        refused = []
        for table in filler.tables.values():
            if any(column.numbered for column in table.columns):
                filler.run("START TRANSACTION")
                filler.add(table, 1)
                filler.run("ROLLBACK")
                refused += [table.name for e in filler.refused[table.name] if _on_primary_key(e)]
        return refused


def _on_primary_key(error: Exception) -> bool:
    return isinstance(error, pymysql.err.IntegrityError) and error.args[0] == 1062 and "'PRIMARY'" in error.args[1]
