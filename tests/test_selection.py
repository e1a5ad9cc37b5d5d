"""Globs choose tables; parents left out are pulled in or turned into NULL."""

from pathlib import Path

import pytest

from dbclone.errors import UsageError
from dbclone.options import PlanOptions
from dbclone.schema import Schema, Table, TableName
from dbclone.selection import Selection, select
from tests.hand_made import build, name, schema_of

SQL = """
create table Customer(id integer primary key);
create table seller(id integer primary key, boss integer references seller(id));
create table orders(id integer primary key, customer integer not null references Customer(id),
                    seller integer references seller(id));
create table order_line(orders integer not null references orders(id), line integer not null,
                        primary key (orders, line));
"""


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    return schema_of(build(tmp_path / "source.sqlite", SQL))


def chosen(selection: Selection) -> list[str]:
    return sorted(table.name.name for table in selection.schema.tables)


def codes(selection: Selection) -> list[str]:
    return [finding.code for finding in selection.findings]


def test_without_options_everything_is_cloned(schema: Schema) -> None:
    selection = select(schema, PlanOptions())
    assert selection.schema == schema
    assert codes(selection) == []


def test_globs_ignore_case(schema: Schema) -> None:
    assert chosen(select(schema, PlanOptions(tables=("CUST*", "Seller")))) == ["Customer", "seller"]


def test_globs_see_the_schema_too() -> None:
    both = Schema("postgresql", tuple(Table(TableName(s, "t"), ()) for s in ("app", "audit")))
    assert [t.name.schema for t in select(both, PlanOptions(tables=("app.*",))).schema.tables] == ["app"]
    assert len(select(both, PlanOptions(tables=("t",))).schema.tables) == 2


def test_a_required_parent_is_pulled_in_with_its_own(schema: Schema) -> None:
    selection = select(schema, PlanOptions(tables=("order_line",)))
    assert chosen(selection) == ["Customer", "order_line", "orders"]
    assert codes(selection) == ["pulled-in", "pulled-in", "nulled"]


def test_even_an_excluded_parent_is_pulled_in_if_it_is_required(schema: Schema) -> None:
    selection = select(schema, PlanOptions(exclude=("customer",)))
    assert "Customer" in chosen(selection)
    assert [f.table for f in selection.findings if f.code == "pulled-in"] == [name("Customer")]


def test_a_nullable_reference_to_a_parent_left_out_is_dropped(schema: Schema) -> None:
    selection = select(schema, PlanOptions(exclude=("seller",)))
    orders = selection.schema.table(name("orders"))
    assert [fk.columns for fk in orders.foreign_keys] == [("customer",)]
    assert [fk.columns for fk in selection.nulled[name("orders")]] == [("seller",)]
    assert orders.ddl is None, "the source's own words still spell the foreign key"
    assert codes(selection) == ["nulled"]


def test_an_unknown_glob_is_named_with_near_matches(schema: Schema) -> None:
    with pytest.raises(UsageError, match=r"'custommer' in --tables.*Customer"):
        select(schema, PlanOptions(tables=("custommer",)))
    with pytest.raises(UsageError, match="'zzz' in --exclude"):
        select(schema, PlanOptions(exclude=("zzz",)))


def test_nothing_left_is_an_error(schema: Schema) -> None:
    with pytest.raises(UsageError, match="no table"):
        select(schema, PlanOptions(exclude=("*",)))


def test_a_key_to_a_table_that_does_not_exist_is_dropped_with_a_warning(schema: Schema) -> None:
    broken = Schema(schema.dialect, tuple(t for t in schema.tables if t.name != name("Customer")))
    selection = select(broken, PlanOptions())
    assert [fk.columns for fk in selection.schema.table(name("orders")).foreign_keys] == [("seller",)]
    assert selection.nulled[name("orders")] == ()
    assert codes(selection) == ["missing-parent"]
