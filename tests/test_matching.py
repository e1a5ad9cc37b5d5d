"""Child rows find their parents."""

import pyarrow as pa
import pytest

from dbclone.matching import NULL, ORPHAN, parent_rows
from dbclone.schema import ForeignKey, TableName


def key(*pairs: tuple[str, str]) -> ForeignKey:
    return ForeignKey("fk", tuple(c for c, _ in pairs), TableName("", "parent"), tuple(p for _, p in pairs))


def test_a_single_column() -> None:
    child, parent = pa.table({"p": [30, 10, None, 99]}), pa.table({"id": [10, 20, 30]})
    assert parent_rows(child, parent, key(("p", "id"))).tolist() == [2, 0, NULL, ORPHAN]


def test_several_columns_and_one_null_means_no_parent() -> None:
    child = pa.table({"a": [1, 2, 2, None, 1], "b": ["x", "x", "y", "x", None]})
    parent = pa.table({"a": [2, 1, 1], "b": ["x", "y", "x"]})
    assert parent_rows(child, parent, key(("a", "a"), ("b", "b"))).tolist() == [2, 0, ORPHAN, NULL, NULL]


def test_three_columns_refine_each_other() -> None:
    parent = pa.table({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2], "c": ["p", "q", "p", "q"]})
    pairs = (("a", "a"), ("b", "b"), ("c", "c"))
    assert parent_rows(parent, parent, key(*pairs)).tolist() == [0, 1, 2, 3]
    crossed = pa.table({"a": [1, 2], "b": [2, 2], "c": ["p", "q"]})
    assert parent_rows(crossed, parent, key(*pairs)).tolist() == [ORPHAN, 3]


def test_types_may_differ() -> None:
    child, parent = pa.table({"p": ["7", "x"]}), pa.table({"id": [7, 8]})
    assert parent_rows(child, parent, key(("p", "id"))).tolist() == [0, ORPHAN]


@pytest.mark.parametrize(("values", "expected"), [([1, 2], [ORPHAN, ORPHAN]), ([], [])])
def test_an_empty_parent_has_no_children(values: list[int], expected: list[int]) -> None:
    child, parent = pa.table({"p": pa.array(values, pa.int64())}), pa.table({"id": pa.array([], pa.int64())})
    assert parent_rows(child, parent, key(("p", "id"))).tolist() == expected


def test_a_parent_without_a_key_value_is_nobodys_parent() -> None:
    child, parent = pa.table({"p": [1, None]}), pa.table({"id": [None, 1, 1]})
    assert parent_rows(child, parent, key(("p", "id"))).tolist() == [1, NULL]


def test_chunks_do_not_matter() -> None:
    child = pa.table({"p": pa.chunked_array([[1], [2, 3]])})
    parent = pa.table({"id": pa.chunked_array([[3, 2], [1]])})
    assert parent_rows(child, parent, key(("p", "id"))).tolist() == [2, 1, 0]


def test_of_several_parents_with_one_value_the_first_is_meant() -> None:
    key = ForeignKey("fk", ("a",), TableName("", "p"), ("k",))
    child, parent = pa.table({"a": [7, None, 5, 9, 7]}), pa.table({"k": [5, None, 7, 7, 5]})
    assert parent_rows(child, parent, key).tolist() == [2, NULL, 0, ORPHAN, 2]
