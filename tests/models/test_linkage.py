"""Which parent a further foreign key refers to: codes, slots, and ancestors that rows have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbclone.models.layout import FIRST_TYPE, SAME_AS_EARLIER, SAME_AS_PREVIOUS
from dbclone.models.linkage import find_restriction, link_codes, make_slots, new_meetings
from dbclone.models.rows import Hop, Path, Rows
from dbclone.schema import TableName

families_and_parents = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 5)), max_size=40).map(
    lambda rows: np.array(sorted(rows, key=lambda r: r[0]), dtype=np.int64).reshape(-1, 2).T
)


def test_codes_say_whether_a_family_meets_a_parent_again() -> None:
    family = np.array([0, 0, 0, 0, 1, 1, 1])
    parent = np.array([7, 7, 2, 7, 7, -1, 7])
    types = np.arange(10) % 3
    assert link_codes(family, parent, types, np.full(len(parent), -1)).tolist() == [
        FIRST_TYPE + 1, SAME_AS_PREVIOUS, FIRST_TYPE + 2, SAME_AS_EARLIER,
        FIRST_TYPE + 1, 0, SAME_AS_EARLIER,
    ]  # fmt: skip


def test_codes_say_in_which_way_a_parent_is_known_unless_it_is_the_previous_one() -> None:
    parent = np.array([7, 7, 2, 5])
    codes = link_codes(np.zeros(4, np.int64), parent, np.arange(10) % 3, np.array([0, 0, 1, -1]))
    assert codes.tolist() == [FIRST_TYPE + 3, SAME_AS_PREVIOUS, FIRST_TYPE + 4, FIRST_TYPE + 2]


@given(families_and_parents)
def test_codes_are_what_a_reader_of_the_rows_would_say(rows: np.ndarray) -> None:
    family, parent = rows
    codes = link_codes(family, parent, np.arange(6), np.full(len(parent), -1))
    met: set[tuple[int, int]] = set()
    before = (-1, -1)
    for f, p, code in zip(family.tolist(), parent.tolist(), codes.tolist(), strict=True):
        if p < 0:
            assert code == 0
        elif before == (f, p):
            assert code == SAME_AS_PREVIOUS
        else:
            assert code == (SAME_AS_EARLIER if (f, p) in met else FIRST_TYPE + p)
        met.add((f, p))
        before = (f, p)


@given(families_and_parents)
def test_new_meetings_count_the_families_of_each_parent(rows: np.ndarray) -> None:
    family, parent = rows
    codes = link_codes(family, parent, np.zeros(6, np.int64), np.full(len(parent), -1))
    found = new_meetings(codes, parent, 6, types=1)
    wanted = [len({f for f, p in zip(family.tolist(), parent.tolist(), strict=True) if p == q}) for q in range(6)]
    assert found.tolist() == wanted


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3), st.integers(0, 5)), min_size=1, max_size=30))
def test_each_parent_has_a_slot_per_due_child_in_the_segment_of_its_group_and_type(
    parents: list[tuple[int, int, int]],
) -> None:
    types, group, degree = (np.array(column) for column in zip(*parents, strict=True))
    made = make_slots(types, 3, group, 4, degree.astype(float), rng=np.random.default_rng(0))
    for g in range(4):
        for t in range(3):
            a, b = made.segments[g * 3 + t], made.segments[g * 3 + t + 1]
            wanted = np.repeat(np.arange(len(types)), np.where((group == g) & (types == t), degree, 0))
            assert sorted(made.slots[a:b].tolist()) == wanted.tolist()
        members = made.candidates[made.groups[g] : made.groups[g + 1]]
        assert members.tolist() == np.flatnonzero(group == g).tolist()
    assert made.segments[-1] == len(made.slots)


def test_a_due_number_that_is_missing_or_negative_is_none() -> None:
    made = make_slots(
        np.zeros(3, int), 1, np.zeros(3, int), 1, np.array([np.nan, -2.0, 2.0]), rng=np.random.default_rng(0)
    )
    assert made.slots.tolist() == [2, 2]


CITY, SHOP, BUYER, SALE = (TableName("", n) for n in ("city", "shop", "buyer", "sale"))
REFERENCES = {CITY: {}, SHOP: {"shop.city": CITY}, BUYER: {"buyer.city": CITY}, SALE: {}}
TO_CITY = Path((Hop("shop.city", CITY),), "")


def sales(local: float, n: int = 1_000) -> tuple[dict[TableName, Rows], np.ndarray, np.ndarray]:
    """Buyers of 20 cities; a share ``local`` of their sales is in a shop of the buyer's own city."""
    rng = np.random.default_rng(0)
    shop_city, buyer_city = np.arange(100) % 20, rng.integers(0, 20, 200)
    buyer = np.sort(rng.integers(0, 200, n))
    home = rng.random(n) < local
    shop = np.where(home, buyer_city[buyer] + 20 * rng.integers(0, 5, n), rng.integers(0, 100, n))
    rows = {
        CITY: Rows(20),
        SHOP: Rows(100, parents={"shop.city": shop_city}),
        BUYER: Rows(200, parents={"buyer.city": buyer_city}),
    }
    return rows, buyer, shop


def test_an_ancestor_in_common_with_the_owner_is_found() -> None:
    database, buyer, shop = sales(1.0)
    found = find_restriction(database, REFERENCES, [("owner", BUYER, buyer)], (SHOP, shop))
    assert found is not None
    assert (found.source, found.left, found.right) == ("owner", Path((Hop("buyer.city", CITY),), ""), TO_CITY)


def test_an_ancestor_in_common_with_the_previous_sibling_is_found() -> None:
    database, _, _ = sales(1.0)
    rng = np.random.default_rng(1)
    family = np.repeat(np.arange(100), 10)
    shop = (family % 20) + 20 * rng.integers(0, 5, 1_000)
    previous = np.where(np.append(False, family[1:] == family[:-1]), np.append(-1, shop[:-1]), -1)
    found = find_restriction(database, REFERENCES, [("sibling", SHOP, previous)], (SHOP, shop))
    assert found is not None
    assert (found.source, found.left, found.right) == ("sibling", TO_CITY, TO_CITY)


@pytest.mark.parametrize("local", [0.0, 0.5, 0.95])
def test_what_does_not_always_hold_is_no_restriction(local: float) -> None:
    database, buyer, shop = sales(local)
    assert find_restriction(database, REFERENCES, [("owner", BUYER, buyer)], (SHOP, shop)) is None


def test_what_holds_for_a_handful_of_rows_is_no_restriction() -> None:
    database, buyer, shop = sales(1.0, n=19)
    assert find_restriction(database, REFERENCES, [("owner", BUYER, buyer)], (SHOP, shop)) is None


def test_an_ancestor_that_nearly_all_share_says_nothing() -> None:
    database, buyer, shop = sales(1.0)
    database[SHOP].parents["shop.city"][:] = 0
    database[BUYER].parents["buyer.city"][:] = 0
    assert find_restriction(database, REFERENCES, [("owner", BUYER, buyer)], (SHOP, shop)) is None


def test_of_two_restrictions_the_one_that_leaves_fewer_candidates_is_taken() -> None:
    land = TableName("", "land")
    database, buyer, shop = sales(1.0)
    database[CITY].parents["city.land"] = np.arange(20) % 2
    database[land] = Rows(2)
    references = {**REFERENCES, CITY: {"city.land": land}, land: {}}
    found = find_restriction(database, references, [("owner", BUYER, buyer)], (SHOP, shop))
    assert found is not None
    assert found.right == TO_CITY
