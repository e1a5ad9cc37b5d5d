"""What a database looks like, as data and as JSON."""

import json
from functools import cache
from pathlib import Path

import pytest

from dbclone.dialects.sqlite_source import SqliteSource
from dbclone.inspection import Inspection, inspect, inspection_document, plan_document
from dbclone.planning import make_plan
from tests.hand_made import build, plan_of

SQL = """
create table department(id integer primary key, head integer references employee(id), title varchar(40) not null);
create table employee(id integer primary key, department integer not null references department(id),
                      badge varchar(10) not null unique, email varchar(60));
"""
ROWS = {
    "department": [(i, 10 * i, f"unit {i}") for i in range(6)],
    "employee": [(i, i // 10, f"B{i:04}", f"p{i}@example.com") for i in range(60)],
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return build(tmp_path / "source.sqlite", SQL, ROWS)


@pytest.fixture
def inspection(database: Path) -> Inspection:
    source = SqliteSource(database)
    schema, counts = source.reflect(), source.row_counts(source.reflect())
    plan = make_plan(schema, counts, cache(lambda name: source.read(schema.table(name))))
    source.close()
    return inspect(schema, counts, plan)


def test_tables_stand_by_name_with_rows_and_keys(inspection: Inspection) -> None:
    described = [(str(t.table), t.rows, t.keys) for t in inspection.tables]
    assert described == [("department", 6, (("id",),)), ("employee", 60, (("id",), ("badge",)))]
    assert inspection.rows == 66


def test_the_graph_its_order_and_where_its_cycle_is_cut(inspection: Inspection) -> None:
    assert [str(r) for r in inspection.graph] == ["department(head) -> employee", "employee(department) -> department"]
    assert [str(name) for name in inspection.load_order] == ["department", "employee"]
    assert [str(r) for cycle in inspection.cycles for r in cycle.deferred] == ["department(head) -> employee"]


def test_every_column_has_a_kind_with_its_reason(inspection: Inspection) -> None:
    kinds = {(str(t.table), c.name): c.kind for t in inspection.tables for c in t.columns}
    assert kinds["employee", "email"] == "pii:email"
    assert kinds["department", "id"] == "identifier"
    assert all(c.reason for t in inspection.tables for c in t.columns)


def test_documents_are_json_and_always_the_same(database: Path, inspection: Inspection) -> None:
    document = inspection_document(inspection)
    assert json.loads(json.dumps(document)) == document
    assert document["cycles"] == [
        {
            "tables": ["department", "employee"],
            "deferred": [
                {"table": "department", "columns": ["head"], "parent": "employee", "parent_columns": ["id"]},
            ],
        }
    ]
    first, second = (json.dumps(plan_document(plan_of(database))) for _ in range(2))
    assert first == second


def test_no_data_value_is_in_the_documents(database: Path, inspection: Inspection) -> None:
    text = json.dumps([inspection_document(inspection), plan_document(plan_of(database))])
    values = [str(value) for rows in ROWS.values() for row in rows for value in row if isinstance(value, str)]
    assert not [value for value in values if value in text]
