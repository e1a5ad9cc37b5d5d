"""Contexts are gathered along chains of references; where a chain breaks there is nothing to see."""

import numpy as np
import pytest

from dbclone.models.rows import Database, Hop, Path, Rows, follow, gather_bytes, gather_numbers, reference_id
from dbclone.schema import ForeignKey, TableName

A, B, C = (TableName("", n) for n in "abc")
UP, UP_UP = (Hop("c.b", B),), (Hop("c.b", B), Hop("b.a", A))


@pytest.fixture
def database() -> Database:
    return {
        A: Rows(2, numbers={"x": np.array([1.5, np.nan])}, bytes={"x": np.array([[7, 8], [9, 0]], np.uint8)}),
        B: Rows(3, bytes={"y": np.array([[1, 2, 3]], np.uint8)}, parents={"b.a": np.array([1, -1, 0])}),
        C: Rows(4, numbers={"z": np.arange(4.0)}, parents={"c.b": np.array([2, 1, -1, 0])}),
    }


def test_rows_are_followed_to_their_ancestors(database: Database) -> None:
    assert follow(database, C, ()).tolist() == [0, 1, 2, 3]
    assert follow(database, C, UP).tolist() == [2, 1, -1, 0]
    assert follow(database, C, UP_UP).tolist() == [0, -1, -1, 1]


def test_bytes_of_several_paths_stand_below_each_other(database: Database) -> None:
    seen = gather_bytes(database, C, (Path(UP, "y"), Path(UP_UP, "x")))
    assert seen.tolist() == [[3, 2, 0, 1], [7, 0, 0, 8], [9, 0, 0, 0]]
    assert gather_bytes(database, C, ()).shape == (0, 4)


def test_numbers_are_missing_where_the_chain_breaks_or_they_are_null(database: Database) -> None:
    seen = gather_numbers(database, C, (Path(UP_UP, "x"), Path((), "z")))
    assert np.array_equal(seen[:, 0], [1.5, np.nan, np.nan, np.nan], equal_nan=True)
    assert seen[:, 1].tolist() == [0, 1, 2, 3]


def test_an_empty_parent_table_breaks_every_chain() -> None:
    empty = {
        A: Rows(0, numbers={"x": np.zeros(0)}, bytes={"x": np.zeros((2, 0), np.uint8)}),
        C: Rows(3, parents={"c.a": np.full(3, -1)}),
    }
    path = Path((Hop("c.a", A),), "x")
    assert not gather_bytes(empty, C, (path,)).any()
    assert gather_bytes(empty, C, (path,)).shape == (2, 3)
    assert np.isnan(gather_numbers(empty, C, (path,))).all()


def test_references_without_names_are_told_apart_by_their_columns() -> None:
    ends = ((("x",), ("id",)), (("y",), ("id",)), (("x",), ("code",)))
    keys = [ForeignKey("", child, A, parent) for child, parent in ends]
    assert len({reference_id(C, key) for key in keys}) == 3
