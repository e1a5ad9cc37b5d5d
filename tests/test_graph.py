"""The foreign-key graph: load order, ancestry, and where cycles are cut."""

from pathlib import Path

import pytest

from dbclone.graph import (
    Cycle,
    ancestors,
    descendants,
    find_cycles,
    load_order,
    person_descendants,
    references,
)
from dbclone.schema import Schema
from tests.hand_made import build, name, schema_of

SHOP = """
create table line(id integer primary key, orders integer references orders(id), product integer references product(id));
create table product(id integer primary key, category integer references category(id));
create table orders(id integer primary key, customer integer not null references customer(id));
create table customer(id integer primary key, recommended_by integer references customer(id));
create table category(id integer primary key);
"""


def schema(tmp_path: Path, sql: str) -> Schema:
    return schema_of(build(tmp_path / "source.sqlite", sql))


def names(tables: object) -> list[str]:
    return [str(table) for table in tables]  # type: ignore[attr-defined]


def cut(cycle: Cycle) -> list[str]:
    return [f"{r.child}.{'+'.join(r.foreign_key.columns)}" for r in cycle.deferred]


def test_parents_come_before_children_and_equals_by_name(tmp_path: Path) -> None:
    assert names(load_order(schema(tmp_path, SHOP))) == ["category", "customer", "orders", "product", "line"]


def test_the_order_does_not_depend_on_the_order_of_declaration(tmp_path: Path) -> None:
    shop = schema(tmp_path, SHOP)
    turned = Schema(shop.dialect, tuple(reversed(shop.tables)))
    assert load_order(turned) == load_order(shop)


def test_a_cycle_is_not_cut_at_columns_that_others_refer_to(tmp_path: Path) -> None:
    sql = """
    create table a(id integer primary key, b integer not null references b(code));
    create table b(id integer primary key, code integer unique references a(id));
    """
    [cycle] = find_cycles(schema(tmp_path, sql))
    assert cut(cycle) == ["a.b"]


def test_a_self_reference_is_no_cycle(tmp_path: Path) -> None:
    shop = schema(tmp_path, SHOP)
    assert find_cycles(shop) == ()
    assert [str(r) for r in references(shop) if r.is_self] == ["customer(recommended_by) -> customer"]


def test_ancestors_and_descendants_go_all_the_way(tmp_path: Path) -> None:
    shop = schema(tmp_path, SHOP)
    assert set(names(ancestors(shop, name("line")))) == {"orders", "customer", "product", "category"}
    assert set(names(descendants(shop, name("category")))) == {"product", "line"}
    assert set(names(person_descendants(shop, {name("customer")}))) == {"customer", "orders", "line"}


@pytest.mark.parametrize(
    ("department", "employee", "expected"),
    [
        ("head integer", "department integer not null", "department.head"),
        ("head integer not null", "department integer", "employee.department"),
        ("head integer unique", "department integer", "employee.department"),
        ("head integer not null unique", "department integer not null", "employee.department"),
    ],
)
def test_a_cycle_is_cut_where_it_costs_least(tmp_path: Path, department: str, employee: str, expected: str) -> None:
    sql = f"""
    create table department(id integer primary key, {department} references employee(id));
    create table employee(id integer primary key, {employee} references department(id));
    """
    (cycle,) = find_cycles(schema(tmp_path, sql))
    assert names(cycle.tables) == ["department", "employee"]
    assert cut(cycle) == [expected]


def test_a_key_that_shares_its_columns_is_cut_last(tmp_path: Path) -> None:
    sql = """
    create table a(id integer primary key, b integer references b(id), c integer references c(id),
                   foreign key (b, c) references d(x, y));
    create table b(id integer primary key, a integer references a(id));
    create table c(id integer primary key);
    create table d(x integer, y integer, primary key (x, y));
    """
    (cycle,) = find_cycles(schema(tmp_path, sql))
    assert cut(cycle) == ["b.a"]


def test_one_cut_serves_cycles_that_share_an_edge(tmp_path: Path) -> None:
    sql = """
    create table a(id integer primary key, b integer references b(id), c integer references c(id));
    create table b(id integer primary key, d integer references d(id));
    create table c(id integer primary key, d integer references d(id));
    create table d(id integer primary key, a integer references a(id));
    """
    (cycle,) = find_cycles(schema(tmp_path, sql))
    assert cut(cycle) == ["d.a"]


def test_two_keys_between_the_same_tables_are_cut_together(tmp_path: Path) -> None:
    sql = """
    create table team(id integer primary key, captain integer references player(id),
                      deputy integer references player(id));
    create table player(id integer primary key, team integer not null references team(id));
    """
    (cycle,) = find_cycles(schema(tmp_path, sql))
    assert cut(cycle) == ["team.captain", "team.deputy"]


def test_separate_cycles_are_cut_separately_and_the_rest_can_be_ordered(tmp_path: Path) -> None:
    sql = """
    create table a(id integer primary key, b integer references b(id));
    create table b(id integer primary key, a integer not null references a(id));
    create table x(id integer primary key, y integer references y(id), a integer references a(id));
    create table y(id integer primary key, x integer not null references x(id));
    """
    both = schema(tmp_path, sql)
    cycles = find_cycles(both)
    assert [cut(cycle) for cycle in cycles] == [["a.b"], ["x.y"]]
    assert names(load_order(both, [r for cycle in cycles for r in cycle.deferred])) == ["a", "b", "x", "y"]


def test_a_cycle_that_is_not_cut_is_an_error(tmp_path: Path) -> None:
    sql = """
    create table a(id integer primary key, b integer references b(id));
    create table b(id integer primary key, a integer references a(id));
    """
    with pytest.raises(ValueError, match="cycle"):
        load_order(schema(tmp_path, sql))
