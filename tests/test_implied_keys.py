"""Two foreign keys that share a column bind their parents to each other, though no key between these is declared."""

import json
import random
import sqlite3
from pathlib import Path

import pytest

from tests import hand_made
from tests.commands import dbclone

TENANTS, ORDERS, LINES = 30, 150, 300
SQL = """
CREATE TABLE tenant (id INTEGER PRIMARY KEY);
CREATE TABLE orders (
  tenant_id INTEGER NOT NULL, number INTEGER NOT NULL, amount INTEGER NOT NULL, UNIQUE (tenant_id, number)
);
CREATE TABLE line (
  id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant (id), number INTEGER NOT NULL,
  quantity INTEGER NOT NULL, FOREIGN KEY (tenant_id, number) REFERENCES orders (tenant_id, number)
);
"""


def shop(path: Path, strays: int = 0) -> Path:
    """Lines of orders of tenants whose numbers are far from 1; ``strays`` orders belong to no tenant."""
    draw = random.Random(1)
    tenants = [100 + 7 * n for n in range(TENANTS)]
    orders = [(tenant, number, draw.randrange(100)) for tenant in tenants for number in range(1, 6)]
    lines = [(n, *draw.choice(orders)[:2], draw.randrange(9)) for n in range(LINES)]
    orders += [(5, number, 0) for number in range(strays)]
    return hand_made.build(path, SQL, {"tenant": [(t,) for t in tenants], "orders": orders, "line": lines})


def references(path: Path) -> set[tuple[str, str, str]]:
    """(table, columns, parent) of every reference of the plan."""
    outcome = dbclone("plan", "--json", path)
    assert outcome.code == 0, outcome.err
    tables = json.loads(outcome.out)["tables"]
    return {(t["table"], ",".join(r["columns"]), r["parent"]) for t in tables for r in t["references"]}


def test_no_row_is_lost_where_a_shared_column_has_to_fit_both_parents(tmp_path: Path) -> None:
    source, target = shop(tmp_path / "shop.sqlite"), tmp_path / "clone.sqlite"
    outcome = dbclone("copy", source, target)
    assert outcome.code == 0, outcome.err
    with sqlite3.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM line").fetchone()[0] == pytest.approx(LINES, rel=0.03)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        stray = "SELECT count(*) FROM orders WHERE tenant_id NOT IN (SELECT id FROM tenant)"
        assert connection.execute(stray).fetchone() == (0,)
        [keys] = connection.execute("SELECT count(*) FROM pragma_foreign_key_list('orders')").fetchone()
    assert keys == 0, "what is not declared in the source is not declared in the clone"


def test_the_plan_tells_the_key_that_follows(tmp_path: Path) -> None:
    assert ("orders", "tenant_id", "tenant") in references(shop(tmp_path / "shop.sqlite"))


def test_rows_that_break_it_show_that_it_does_not_follow(tmp_path: Path) -> None:
    assert ("orders", "tenant_id", "tenant") not in references(shop(tmp_path / "shop.sqlite", strays=1))


def test_it_follows_over_several_references(tmp_path: Path) -> None:
    """Parts of lines name their tenant; lines have it from their order, whose table does not say so."""
    sql = SQL.replace("tenant_id INTEGER NOT NULL REFERENCES tenant (id), number", "tenant_id INTEGER NOT NULL, number")
    sql = sql.replace("id INTEGER PRIMARY KEY, tenant_id", "id INTEGER NOT NULL, tenant_id")
    sql = sql.replace("quantity INTEGER NOT NULL,", "quantity INTEGER NOT NULL, PRIMARY KEY (tenant_id, id),")
    sql += """
    CREATE TABLE part (
      id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant (id), line INTEGER NOT NULL,
      FOREIGN KEY (tenant_id, line) REFERENCES line (tenant_id, id)
    );
    """
    draw = random.Random(1)
    tenants = [100 + 7 * n for n in range(TENANTS)]
    orders = [(tenant, number, draw.randrange(100)) for tenant in tenants for number in range(1, 6)]
    lines = [(n, *draw.choice(orders)[:2], draw.randrange(9)) for n in range(LINES)]
    parts = [(n, lines[n % LINES][1], lines[n % LINES][0]) for n in range(2 * LINES)]
    rows: hand_made.Rows = {"tenant": [(t,) for t in tenants], "orders": orders, "line": lines, "part": parts}
    source = hand_made.build(tmp_path / "s.sqlite", sql, rows)
    assert ("orders", "tenant_id", "tenant") in references(source)
    outcome = dbclone("copy", source, tmp_path / "clone.sqlite")
    assert outcome.code == 0, outcome.err
    with sqlite3.connect(tmp_path / "clone.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM part").fetchone()[0] == pytest.approx(2 * LINES, rel=0.03)


def test_a_row_that_may_do_without_owner_does_where_the_owner_fits_no_parent(tmp_path: Path) -> None:
    """Half of the orders belong to no tenant and can have no lines, which need not belong to an order."""
    sql = SQL.replace("number INTEGER NOT NULL,\n  quantity", "number INTEGER,\n  quantity")
    tenants = [(100,), (101,)]
    orders = [(100 + n % 4, n, n % 10) for n in range(ORDERS)]
    lines = [(n, *orders[n % 2 + 4 * (n % 30)][:2], n % 9) for n in range(LINES)]
    lines += [(LINES + n, 100 + n % 2, None, n % 9) for n in range(LINES)]
    source = hand_made.build(tmp_path / "s.sqlite", sql, {"tenant": tenants, "orders": orders, "line": lines})
    outcome = dbclone("copy", source, tmp_path / "clone.sqlite")
    assert outcome.code == 0, outcome.err
    with sqlite3.connect(tmp_path / "clone.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM line").fetchone()[0] == pytest.approx(2 * LINES, rel=0.03)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_condition_on_a_reference_binds_the_row_that_is_referred_to(tmp_path: Path) -> None:
    sql = """
    CREATE TABLE route (
      origin TEXT NOT NULL, goal TEXT NOT NULL, driver_email TEXT, PRIMARY KEY (origin, goal)
    );
    CREATE TABLE trip (
      id INTEGER PRIMARY KEY, origin TEXT NOT NULL, goal TEXT NOT NULL, CHECK (origin <> goal),
      FOREIGN KEY (origin, goal) REFERENCES route (origin, goal)
    );
    """
    trips = [(n, "Ulm", "Rom") for n in range(40)]
    routes = [("Ulm", "Rom", "ann@roads.example")]
    source = hand_made.build(tmp_path / "s.sqlite", sql, {"route": routes, "trip": trips})
    outcome = dbclone("copy", source, tmp_path / "clone.sqlite")
    assert outcome.code == 0, outcome.err
    with sqlite3.connect(tmp_path / "clone.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM trip").fetchone() == (40,)
        assert connection.execute("SELECT count(*) FROM route WHERE origin = goal").fetchone() == (0,)
