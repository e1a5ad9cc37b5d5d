"""One line for everything that a source holds: what becomes of it, and why.  (PostgreSQL's: see tests/dialects.)"""

import json
from pathlib import Path

import pytest

from dbclone.ledger import Entry, Fate, make_ledger
from dbclone.options import PlanOptions
from tests.commands import dbclone, small_shop
from tests.hand_made import build, plan_of

ODD = """
CREATE TABLE item (
  id INTEGER PRIMARY KEY, size INTEGER, name TEXT,
  CONSTRAINT small CHECK (size < 1000), CONSTRAINT strange CHECK (likelihood(size >= 0, 0.5) OR name IS NULL)
);
CREATE TABLE sale (
  item_id INTEGER REFERENCES item, day DATE, CONSTRAINT lost FOREIGN KEY (item_id) REFERENCES gone (id)
);
CREATE INDEX by_day ON sale (day);
CREATE VIEW names AS SELECT name FROM item;
CREATE TRIGGER quiet AFTER DELETE ON item BEGIN SELECT 1; END;
"""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    rows = {"item": [(i, i % 40, f"thing {i % 7}") for i in range(90)], "sale": [(i % 90, None) for i in range(300)]}
    return build(tmp_path / "odd.sqlite", ODD, rows)


def ledger_of(path: Path, dialect: str = "sqlite", options: PlanOptions | None = None) -> dict[str, Entry]:
    plan = plan_of(path, options)
    return {entry.subject: entry for entry in make_ledger(plan, dialect, plan.findings)}


def test_tables_columns_and_constraints_fare_as_planned(tmp_path: Path) -> None:
    fates = {subject: line.fate for subject, line in ledger_of(small_shop(tmp_path / "shop.sqlite")).items()}
    assert {subject: fates[subject] for subject in fates if "status" in subject or "customer" in subject} == {
        "table status": Fate.COPIED,
        "column status.code": Fate.COPIED,
        "column status.label": Fate.COPIED,
        "primary key status_pkey on status": Fate.KEPT,
        "unique key status_label_key on status": Fate.KEPT,
        "table customer": Fate.MODELLED,
        "column customer.id": Fate.KEPT,
        "column customer.name": Fate.MODELLED,
        "column customer.email": Fate.MODELLED,
        "column customer.city": Fate.MODELLED,
        "primary key customer_pkey on customer": Fate.KEPT,
        "unique key customer_email_key on customer": Fate.KEPT,
        "column purchase.customer_id": Fate.KEPT,
        "column purchase.status": Fate.KEPT,
        "foreign key purchase_customer_id_fkey on purchase": Fate.KEPT,
        "foreign key purchase_status_fkey on purchase": Fate.KEPT,
    }


def test_what_is_not_understood_is_not_said_to_hold_by_construction(odd: Path) -> None:
    lines = ledger_of(odd)
    assert lines["check small on item"].fate is Fate.KEPT
    assert lines["check strange on item"].fate is Fate.RECREATED
    assert "proven at the end" in lines["check strange on item"].reason
    assert lines["index by_day on sale"].fate is Fate.RECREATED


def test_what_leads_nowhere_or_is_left_out_is_dropped_with_the_reason(odd: Path) -> None:
    lines = ledger_of(odd, options=PlanOptions(exclude=("item",)))
    assert {subject for subject, line in lines.items() if line.fate is Fate.DROPPED} == {
        "table item",
        "foreign key lost on sale",
        "foreign key sale_item_id_fkey on sale",
    }
    assert "by choice" in lines["table item"].reason
    assert "gone" in lines["foreign key lost on sale"].reason


def test_another_product_does_not_get_what_is_in_the_source_s_language(odd: Path) -> None:
    assert {s for s, line in ledger_of(odd, "postgresql").items() if line.fate is Fate.DROPPED} == {
        "view names",
        "trigger quiet",
        "foreign key lost on sale",
    }


def test_a_copy_accounts_for_what_the_target_refused(odd: Path, tmp_path: Path) -> None:
    outcome = dbclone("copy", "--json", "--exclude", "item", odd, tmp_path / "clone.sqlite")
    ledger = {f"{line['kind']} {line['name']}": line for line in json.loads(outcome.out)["ledger"]}
    assert ledger["view names"]["fate"] == "dropped"
    assert "refuses" in ledger["view names"]["reason"]


def test_every_line_is_shown_on_demand_and_the_dropped_ones_always(odd: Path) -> None:
    short, whole = dbclone("plan", odd).out, dbclone("plan", "--ledger", odd).out
    for shown in (short, whole):
        assert "dropped: foreign key lost on sale (" in shown
    line = "recreated: trigger quiet (created after the load"
    assert line in whole
    assert line not in short
