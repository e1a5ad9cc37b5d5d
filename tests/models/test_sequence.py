"""The compiled loop: what a step is counted from, what it may see, which parents it may take."""

import numpy as np
import pytest

from dbclone.models.atoms import Atoms
from dbclone.models.drawing import Size, draw_rows
from dbclone.models.features import CodedFeature, MeasuredFeature
from dbclone.models.layout import (
    ABSOLUTE,
    ALIKE,
    CODED,
    DIRECT,
    FIRST_TYPE,
    LINK,
    LINKED,
    LOOKUP,
    MEASURED,
    OWNER,
    SAME_AS_EARLIER,
    SAME_AS_PREVIOUS,
    SAME_ROW,
    SIBLING,
)
from dbclone.models.rows import Hop, Path, Rows
from dbclone.models.steps import Bound, Link, Restriction, Scale, Step, TableSteps, Variant
from dbclone.models.tree import Tree
from dbclone.schema import TableName

PARENT, OTHER, CHILD, LAND = (TableName("", n) for n in ("parent", "other", "child", "land"))


def leaf(codes: list[int]) -> Tree:
    """A tree that looks at nothing and draws one of the codes."""
    zero, none = np.zeros(1, np.int64), np.full(1, -1, np.int32)
    mask = np.zeros((1, 4), np.uint64)
    return Tree(none, mask, none, none, none, zero, np.array([len(codes)]), np.array(codes, np.int32), np.array([1.0]))


def fork(byte: int, value: int, left: int, right: int) -> Tree:
    """Draws ``left`` where the byte has this value, else ``right``."""
    mask = np.zeros((3, 4), np.uint64)
    mask[0, value >> 6] = np.uint64(1) << np.uint64(value & 63)
    feature, up = np.array([byte, -1, -1], np.int32), np.array([-1, 0, 0], np.int32)
    start, end = np.array([0, 0, 5_000]), np.array([10_000, 5_000, 10_000])
    codes = np.repeat(np.array([left, right], np.int32), 5_000)
    child = np.array([1, -1, -1], np.int32)
    return Tree(feature, mask, child, child + (child > 0), up, start, end, codes, np.full(len(feature), 1e-9))


def coded(name: str, *codes: int, first: tuple[Variant, ...] = ()) -> Step:
    return Step(name, CODED, CodedFeature(), (*first, Variant(ABSOLUTE, leaf(list(codes)))))


def counted(
    reference: int, *steps: float, source: Path | None = None, scale: Scale | None = None, link: int = -1
) -> Variant:
    """A distance from the source that is one of ``steps``, all alike frequent."""
    at = np.array(steps, dtype=float)
    return Variant(reference, leaf(list(range(1, len(at) + 1))), Atoms(at, at, True), source, scale or Scale(), link)


def measured(name: str, *variants: Variant, low: float = -1e9, high: float = 1e9, **more: object) -> Step:
    feature = MeasuredFeature(np.zeros(0))
    return Step(name, MEASURED, feature, variants, Scale(), low, high, **more)  # type: ignore[arg-type]


def drawn(
    steps: tuple[Step, ...],
    children: list[int],
    links: tuple[Link, ...] = (),
    database: dict[TableName, Rows] | None = None,
    *,
    numbers: tuple[Path, ...] = (),
    kind: str = "",
    seed: int = 0,
) -> Rows:
    table = TableSteps(CHILD, "fk", PARENT, (), numbers, links, steps, 0, "", kind)
    world = {PARENT: Rows(len(children)), **(database or {})}
    return draw_rows(table, Size(np.array(children, dtype=np.int64), 0), world, {}, seed)


def test_children_stand_family_by_family() -> None:
    rows = drawn((coded("a", 1),), [2, 0, 3])
    assert rows.parents["fk"].tolist() == [0, 0, 2, 2, 2]
    assert rows.codes["a"].tolist() == [1] * 5


def test_rows_without_owner_come_last() -> None:
    table = TableSteps(CHILD, "fk", PARENT, (), (), (), (coded("a", 1),), 0)
    rows = draw_rows(table, Size(np.array([1, 2]), 3), {PARENT: Rows(2)}, {}, 0)
    assert rows.parents["fk"].tolist() == [0, 1, 1, -1, -1, -1]


@pytest.mark.parametrize("children", [[], [0, 0]])
def test_no_children_are_no_rows(children: list[int]) -> None:
    rows = drawn((coded("a", 1), measured("x", counted(ABSOLUTE, 5))), children)
    assert rows.n == 0
    assert len(rows.numbers["x"]) == 0


def test_the_seed_decides() -> None:
    steps = (coded("a", *range(1, 100)),)
    first, again, other = (drawn(steps, [50], seed=seed).codes["a"].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_step_is_counted_from_the_previous_sibling_and_the_first_from_nothing() -> None:
    sibling = counted(SIBLING, 1, source=Path((), "x"))
    rows = drawn((measured("x", sibling, counted(ABSOLUTE, 100)),), [3, 2])
    assert rows.numbers["x"].tolist() == [100, 101, 102, 100, 101]


def test_a_step_is_counted_from_an_earlier_one_in_that_ones_unit() -> None:
    """Days to hours: 24 h + 5 h."""
    days = measured("day", counted(ABSOLUTE, 3))
    hours = measured("hour", counted(SAME_ROW, 5, source=Path((), "day"), scale=Scale(24.0)))
    assert drawn((days, hours), [2]).numbers["hour"].tolist() == [77, 77]


def test_a_step_is_counted_from_its_owner_and_from_nothing_where_that_is_null() -> None:
    owners = Rows(3, numbers={"born": np.array([10.0, np.nan, 30.0])})
    born = Path((), "born")
    steps = (measured("x", counted(OWNER, 1, source=born), counted(ABSOLUTE, -7)),)
    rows = drawn(steps, [1, 1, 1], database={PARENT: owners}, numbers=(born,))
    assert rows.numbers["x"].tolist() == [11, -7, 31]


def test_a_step_is_counted_from_the_last_sibling_of_the_same_kind() -> None:
    """Kinds take turns; each kind counts on by itself."""
    turn = Step("k", CODED, CodedFeature(), (Variant(ABSOLUTE, fork(20, 1, 2, 1)),))
    alike = counted(ALIKE, 10, source=Path((), "x"))
    rows = drawn((turn, measured("x", alike, counted(ABSOLUTE, 1))), [6, 3], kind="k")
    kinds = rows.codes["k"]
    assert kinds.tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 1]
    assert rows.numbers["x"].tolist() == [1, 1, 11, 11, 21, 21, 1, 1, 11]


def test_a_value_is_looked_up_where_it_is_known_and_drawn_where_not() -> None:
    city = coded("city", 1, 2, 3)
    look = Variant(LOOKUP, source=Path((), "city"), known=np.array([1.0, 2.0]), starts=np.array([0, 1, 3]),
                   determined=np.array([5.0, 6.0, 7.0]))  # fmt: skip
    rows = drawn((city, coded("state", 9, first=(look,)), measured("zip", look, counted(ABSOLUTE, -1))), [300])
    for level, states, zips in ((1, {5}, {5}), (2, {6, 7}, {6, 7}), (3, {9}, {-1})):
        held = rows.codes["city"] == level
        assert set(rows.codes["state"][held].tolist()) == states
        assert set(rows.numbers["zip"][held].tolist()) == zips


def test_nothing_leaves_the_extremes_of_the_source() -> None:
    sibling = counted(SIBLING, -3, 4, source=Path((), "x"))
    rows = drawn((measured("x", sibling, counted(ABSOLUTE, 5), low=0, high=10),), [500])
    assert rows.numbers["x"].min() >= 0
    assert rows.numbers["x"].max() <= 10


def test_a_bound_by_another_number_holds() -> None:
    ordered = measured("ordered", counted(ABSOLUTE, *range(0, 100, 7)))
    bound = Bound(SAME_ROW, Path((), "ordered"), Scale(), -1, upper=False)
    shipped = measured("shipped", counted(ABSOLUTE, *range(0, 100, 5)), low=0, high=99, bounds=(bound,))
    rows = drawn((ordered, shipped), [500])
    assert np.all(rows.numbers["shipped"] >= rows.numbers["ordered"])


def test_a_step_sees_its_place_among_the_siblings() -> None:
    """Without an owner's context the bytes begin: number of siblings, place, how many are left."""
    place = Step("a", CODED, CodedFeature(), (Variant(ABSOLUTE, fork(1, 0, 1, 2)),))
    last = Step("b", CODED, CodedFeature(), (Variant(ABSOLUTE, fork(2, 1, 1, 2)),))
    alone = Step("c", CODED, CodedFeature(), (Variant(ABSOLUTE, fork(0, 1, 1, 2)),))
    rows = drawn((place, last, alone), [3, 1])
    assert rows.codes["a"].tolist() == [1, 2, 2, 1]
    assert rows.codes["b"].tolist() == [2, 2, 1, 1]
    assert rows.codes["c"].tolist() == [2, 2, 2, 1]


# Links.


def link(*, distinct: bool = False, nullable: bool = False, types: int = 1, **more: object) -> Link:
    given = {"direct": False, "context": (), "numbers": (), "restriction": None, **more}
    return Link("to", OTHER, distinct=distinct, nullable=nullable, types=types, **given)  # type: ignore[arg-type]


def linked(*codes: int) -> Step:
    return Step("link:to", LINK, CodedFeature(), (Variant(ABSOLUTE, leaf(list(codes))),))


def others(counts: list[int], types: list[int] | None = None, **more: object) -> Rows:
    n = len(counts)
    codes = {"type:to": np.array(types or [0] * n, dtype=np.int32) + 1}
    return Rows(n, codes=codes, numbers={"count:to": np.array(counts, dtype=float)}, **more)  # type: ignore[arg-type]


def test_each_parent_is_taken_as_often_as_it_is_due() -> None:
    counts = [5, 0, 3, 12]
    rows = drawn((linked(FIRST_TYPE),), [1] * 20, (link(),), {OTHER: others(counts)})
    assert np.bincount(rows.parents["to"], minlength=4).tolist() == counts


def test_parents_are_of_the_type_that_is_drawn() -> None:
    world = {OTHER: others([9] * 6, [0, 1, 2] * 2)}
    rows = drawn((linked(FIRST_TYPE, FIRST_TYPE + 2),), [1] * 60, (link(types=3),), world)
    assert set((rows.parents["to"] % 3).tolist()) == {0, 2}


def test_a_family_meets_a_parent_once_where_it_must() -> None:
    rows = drawn((linked(FIRST_TYPE),), [4] * 30, (link(distinct=True),), {OTHER: others([120, 1, 1, 1, 1])})
    pairs = set(zip(rows.parents["fk"].tolist(), rows.parents["to"].tolist(), strict=True))
    assert len(pairs) == rows.n == 120


def test_rows_for_which_no_parent_is_left_are_gone_or_refer_to_none() -> None:
    wish = [5, 2]
    gone = drawn((linked(FIRST_TYPE),), wish, (link(distinct=True),), {OTHER: others([9, 9, 9])})
    assert gone.parents["fk"].tolist() == [0, 0, 0, 1, 1]
    kept = drawn((linked(FIRST_TYPE),), wish, (link(distinct=True, nullable=True),), {OTHER: others([9, 9, 9])})
    assert kept.n == 7
    assert (kept.parents["to"][:5] == -1).sum() == 2


def test_the_code_of_no_parent_is_none_and_of_the_previous_one_the_previous_one() -> None:
    none = drawn((linked(0),), [3], (link(nullable=True),), {OTHER: others([9])})
    assert none.parents["to"].tolist() == [-1, -1, -1]
    same = drawn((linked(SAME_AS_PREVIOUS),), [5, 5], (link(),), {OTHER: others([9] * 40)})
    for family in (same.parents["to"][:5], same.parents["to"][5:]):
        assert len(set(family.tolist())) == 1
    earlier = drawn((linked(SAME_AS_EARLIER),), [8], (link(),), {OTHER: others([9] * 40)})
    assert len(set(earlier.parents["to"].tolist())) == 1


def test_parents_that_are_shared_with_the_owner_are_the_owners() -> None:
    """Owners and others lie in lands; a row's other parent lies in its owner's land."""
    rule = Restriction("owner", Path((Hop("p.land", LAND),), ""), Path((Hop("o.land", LAND),), ""))
    owners = Rows(4, parents={"p.land": np.array([0, 1, 2, -1])})
    there = others([3] * 9, parents={"o.land": np.array([0, 1, 2] * 3)})
    world = {LAND: Rows(3), PARENT: owners, OTHER: there}
    rows = drawn((linked(FIRST_TYPE),), [5] * 4, (link(nullable=True, restriction=rule),), world)
    up, owner = rows.parents["to"], rows.parents["fk"]
    assert np.all(up[owner == 3] == -1)
    assert np.array_equal(up[owner < 3] % 3, owner[owner < 3])


def test_a_step_is_counted_from_the_linked_parent() -> None:
    listed = Path((), "listed")
    there = others([9, 9], parents={})
    there.numbers["listed"] = np.array([100.0, 200.0])
    steps = (linked(FIRST_TYPE), measured("x", counted(LINKED, 7, source=listed, link=0), counted(ABSOLUTE, -1)))
    rows = drawn(steps, [10], (link(numbers=(listed,)),), {OTHER: there})
    assert np.array_equal(rows.numbers["x"], 107 + 100 * rows.parents["to"])


def test_a_copied_parent_is_a_category_and_is_met_once_where_it_must() -> None:
    direct = Step("link:to", DIRECT, CodedFeature(), (Variant(ABSOLUTE, leaf([1, 1, 1, 2, 3])),))
    rows = drawn((direct,), [3] * 20, (link(direct=True, distinct=True),), {OTHER: Rows(3)})
    assert rows.n == 60
    assert all(sorted(rows.parents["to"][3 * i : 3 * i + 3].tolist()) == [0, 1, 2] for i in range(20))
    assert np.array_equal(rows.codes["link:to"], rows.parents["to"] + 1)


def test_the_bytes_of_a_drawn_row_are_those_that_its_feature_shows() -> None:
    steps = (coded("a", 1, 2, 300), measured("x", counted(ABSOLUTE, *range(30))))
    rows = drawn(steps, [50])
    for step in steps:
        held = rows.numbers if step.kind == MEASURED else rows.codes
        assert np.array_equal(rows.bytes[step.name], step.feature.view(held[step.name]))
