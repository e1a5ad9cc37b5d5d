"""Whose a row is: the plan names the table of the entities in whom k is counted."""

from functools import cache
from pathlib import Path

import numpy as np

from dbclone.dialects.sqlite_source import SqliteSource
from dbclone.entities import entities_of
from tests.hand_made import build, name, plan_of

BANK = """
CREATE TABLE branch (id INTEGER PRIMARY KEY, phone TEXT NOT NULL);
CREATE TABLE account (id INTEGER PRIMARY KEY, branch_id INTEGER NOT NULL REFERENCES branch, opened DATE NOT NULL);
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, branch_id INTEGER NOT NULL REFERENCES branch, last_name TEXT NOT NULL, income INTEGER);
CREATE TABLE holder (
    account_id INTEGER NOT NULL REFERENCES account, customer_id INTEGER NOT NULL REFERENCES customer,
    share INTEGER NOT NULL, PRIMARY KEY (account_id, customer_id));
CREATE TABLE movement (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES account, amount INTEGER NOT NULL);
"""
NAMES = ("Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Robinson", "Wright")


def bank(path: Path) -> Path:
    holders = [(i, 1 + (i * 7) % 300, 100) for i in range(1, 401)]
    holders += [(i, 1 + (i * 7 + 150) % 300, 50) for i in range(1, 401, 4)]
    rows = {
        "branch": [(i, f"+1 212 555 01{i:02}") for i in range(1, 31)],
        "account": [(i, 1 + i % 30, f"20{10 + i % 9}-0{1 + i % 9}-1{i % 9}") for i in range(1, 401)],
        "customer": [(i, 1 + i % 30, NAMES[i % 10], 900 * i) for i in range(1, 301)],
        "holder": holders,
        "movement": [(i, 1 + i % 400, i % 97) for i in range(1, 3_001)],
    }
    return build(path, BANK, rows)


def test_accounts_are_those_of_the_customers_who_hold_them_and_not_of_their_branch(tmp_path: Path) -> None:
    plan = plan_of(bank(tmp_path / "bank.sqlite"))
    entity = {table: plan.entity(name(table)).name for table in ("account", "holder", "movement", "customer")}
    assert set(entity.values()) == {"customer"}


def test_a_row_that_several_persons_hold_is_the_first_one_s(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.sqlite")
    plan, source = plan_of(path), SqliteSource(path)
    try:
        schema = source.reflect()
        read = cache(lambda table: source.read(schema.table(table)))
        found = entities_of(plan, read)
        holder: dict[int, int] = {}
        pairs = (read(name("holder")).column(c).to_pylist() for c in ("account_id", "customer_id"))
        for account, customer in zip(*pairs, strict=True):
            holder.setdefault(account, customer)
        place = {id_: i for i, id_ in enumerate(read(name("customer")).column("id").to_pylist())}
        accounts = read(name("account")).column("id").to_pylist()
        assert found[name("account")].tolist() == [place[holder[id_]] for id_ in accounts]
        assert len(np.unique(found[name("movement")])) == len(set(holder.values()))
    finally:
        source.close()


def test_members_of_a_household_are_one_entity_and_clients_of_a_district_are_not(tmp_path: Path) -> None:
    sql = """
    CREATE TABLE {above} (id INTEGER PRIMARY KEY, size INTEGER NOT NULL);
    CREATE TABLE client (
        id INTEGER PRIMARY KEY, above_id INTEGER NOT NULL REFERENCES {above}, number INTEGER NOT NULL,
        born DATE NOT NULL,
        UNIQUE (above_id, number));
    """
    for above, n, each in (("household", 150, 2), ("district", 40, 20)):
        rows = {
            above: [(i, i % 7) for i in range(n)],
            "client": [(i, i // each, i % each, f"19{40 + i % 50}-05-0{1 + i % 9}") for i in range(n * each)],
        }
        plan = plan_of(build(tmp_path / f"{above}.sqlite", sql.format(above=above), rows))
        assert plan.table(name("client")).owner is not None
        assert plan.entity(name("client")).name == {"household": "household", "district": "client"}[above]


def test_suppliers_that_can_only_be_reached_come_after_persons(tmp_path: Path) -> None:
    sql = """
    CREATE TABLE supplier (id INTEGER PRIMARY KEY, phone TEXT NOT NULL, email TEXT NOT NULL);
    CREATE TABLE customer (id INTEGER PRIMARY KEY, last_name TEXT NOT NULL);
    CREATE TABLE purchase (
        id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL REFERENCES supplier,
        customer_id INTEGER NOT NULL REFERENCES customer, price INTEGER NOT NULL);
    CREATE TABLE delivery (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL REFERENCES supplier, tons INTEGER);
    """
    rows = {
        "supplier": [(i, f"+1 212 555 01{i:02}", f"desk{i}@example.com") for i in range(40)],
        "customer": [(i, NAMES[i % 10]) for i in range(200)],
        "purchase": [(i, i % 40, i % 200, i % 91) for i in range(2_000)],
        "delivery": [(i, i % 40, i % 13) for i in range(800)],
    }
    plan = plan_of(build(tmp_path / "trade.sqlite", sql, rows))
    assert plan.entity(name("purchase")).name == "customer"
    assert plan.entity(name("delivery")).name == "supplier"
