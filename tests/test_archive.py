"""The model file gives back what was saved, and nothing but a whole file of ours is ever read."""

from __future__ import annotations

import hashlib
import io
import json
import math
import random
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dbclone import archive
from dbclone.errors import ModelFileError
from dbclone.findings import Figure, Finding, Severity
from dbclone.options import CloneOptions, FitOptions, PlanOptions
from dbclone.plan import ColumnPlan, ColumnRole, Plan, ReferencePlan, ReferenceRole, TablePlan, TableRole
from dbclone.schema import Column, ForeignKey, Key, Schema, SqlType, Statement, Table, TableName, TypeFamily

OWNER, PET = TableName("", "owner"), TableName("clinic", "pet")


def plan() -> Plan:
    integer = SqlType(TypeFamily.INTEGER, "INTEGER", precision=64)
    owned = ForeignKey("pet_owner", ("owner_id",), OWNER, ("id",))
    owner = Table(OWNER, (Column("id", integer, nullable=False),), Key("pk", ("id",)))
    pet = Table(
        PET, (Column("owner_id", integer), Column("mood", SqlType(TypeFamily.ENUM, "mood", values=("é", "\ud800"))))
    )
    schema = Schema("postgresql", (owner, pet), preamble=(Statement("enum", "mood", "CREATE TYPE mood AS ENUM ()"),))
    return Plan(
        schema,
        (
            TablePlan(OWNER, TableRole.COPY, "small", 2),
            TablePlan(
                PET,
                TableRole.SYNTHESISE,
                "rows of people",
                2**70,
                (ReferencePlan(owned, ReferenceRole.OWNER, "regular"),),
                (ColumnPlan("mood", ColumnRole.VALUE, "categorical", "2 labels"),),
            ),
        ),
        (Finding(Severity.WARNING, "orphans", PET, ("owner_id",), "orphans become NULL", 3),),
    )


def same(a: object, b: object) -> bool:
    """Deep equality in which NaN equals itself and arrays are compared with their types."""
    if type(a) is not type(b):
        return False
    if is_dataclass(a) and is_dataclass(b):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return bool(a.equals(b)) if isinstance(a, pa.Table | pa.Array | pa.ChunkedArray) else bool(a == b)


def holding(value: object) -> Figure:
    """A frozen dataclass of the whitelist around any value."""
    return Figure("value", None, value)  # type: ignore[arg-type]


def reload(model: object, folder: Path) -> object:
    archive.save(model, folder / "model")
    return archive.load(folder / "model")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name)
        for name, value in {
            "none": None,
            "bool": True,
            "int beyond 64 bits": -(10**40),
            "float": 0.1,
            "whole float": 1.0,
            "negative zero": -0.0,
            "nan": math.nan,
            "infinity": -math.inf,
            "text": 'a"\\\n\x00é\ud800',
            "bytes": bytes(range(256)),
            "empty tuple": (),
            "nested tuple": ((1, "a"), (None, (2.5,))),
            "enum": Severity.NOTE,
            "options": CloneOptions(PlanOptions(tables=("a*",)), FitOptions(seed=7)),
            "array": np.arange(12, dtype=np.uint8).reshape(3, 4)[:, ::2],
            "structured array": np.array([(1, 2.0)], dtype=[("feature", "<i4"), ("gain", "<f8")]),
            "text array": np.array(["a", "bcd"]),
            "empty array": np.empty((0, 3)),
            "scalar array": np.array(3.0),
            "table": pa.table({"id": [1, None], "when": pa.array([0, 1], pa.timestamp("us", tz="UTC"))}),
            "empty table": pa.schema([("x", pa.decimal128(10, 2))]).empty_table(),
            "arrow array": pa.array(["a", None]),
            "empty arrow array": pa.array([], pa.date32()),
            "chunked array": pa.chunked_array([["a", None]]),
            "arrow type": pa.decimal128(12, 3),
            "zeros that shrink a thousandfold": np.zeros(2_000_000),
        }.items()
    ],
)
def test_a_value_comes_back_as_it_was(value: object, tmp_path: Path) -> None:
    assert same(reload(holding(value), tmp_path), holding(value))


def test_a_plan_comes_back_with_its_lookup_by_name(tmp_path: Path) -> None:
    loaded = reload(plan(), tmp_path)
    assert loaded == plan()
    assert isinstance(loaded, Plan)
    assert loaded.table(PET).owner == plan().table(PET).owner


def test_numpy_scalars_become_plain_numbers(tmp_path: Path) -> None:
    assert reload(holding((np.int32(3), np.float32(0.5), np.bool_(True))), tmp_path) == holding((3, 0.5, True))


def test_loaded_arrays_can_be_written_to(tmp_path: Path) -> None:
    loaded = reload(holding(np.zeros(3)), tmp_path)
    assert isinstance(loaded, Figure)
    assert loaded.value.flags.writeable  # type: ignore[attr-defined]


def test_an_array_in_two_places_is_stored_once(tmp_path: Path) -> None:
    array = np.arange(1000)
    archive.save(holding((array, array)), tmp_path / "model")
    with zipfile.ZipFile(tmp_path / "model") as file:
        assert file.namelist() == ["manifest.json", "model.json", "arrays/0.npy"]


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    model = holding((plan(), np.arange(5), pa.table({"a": [1, 2]})))
    archive.save(model, tmp_path / "one")
    archive.save(model, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@dataclass
class Thawed:
    x: int = 0


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, object(), print, Thawed(), Figure, np.array([None])])
def test_what_cannot_be_stored_is_refused_by_the_name_of_its_field(value: object, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"Figure\.value\[0\]"):
        archive.save(holding((value,)), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Foreign:
    x: int = 0


def test_a_class_outside_the_whitelist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="outside the modules"):
        archive.save(Foreign(), tmp_path / "model")


def test_the_file_is_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    archive.save(plan(), tmp_path / "model")
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_model_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    archive.save(plan(), path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        archive.save(holding([]), path)
    assert path.read_bytes() == before
    with pytest.raises(ModelFileError, match="cannot write the model file"):
        archive.save(plan(), tmp_path / "nowhere" / "model")


def entries_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def rebuild(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    """Write a file whose checksums agree with its entries: what someone who means harm would do."""
    manifest = json.loads(entries.pop("manifest.json"))
    manifest["entries"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in entries.items()
    }
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **entries}.items():
            file.writestr(name, data)


def with_tree(path: Path, tree: object) -> None:
    archive.save(plan(), path)
    rebuild(path, entries_of(path) | {"model.json": json.dumps(tree).encode()})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model file"):
        archive.load(tmp_path / "model")
    with pytest.raises(ModelFileError, match="cannot read the model file"):
        archive.load(tmp_path)


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", "<xml/>")


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda p: p.write_bytes(b""), id="empty"),
        pytest.param(lambda p: p.write_bytes(b"SQLite format 3\x00" * 9), id="another kind of file"),
        pytest.param(_other_zip, id="another kind of zip"),
        pytest.param(lambda p: with_tree(p, {"$": "numpy", "entry": "arrays/9.npy"}), id="missing entry"),
        pytest.param(lambda p: with_tree(p, {"$": "pickle", "entry": "model.json"}), id="unknown tag"),
    ],
)
def test_a_file_that_is_no_whole_model_file_is_refused(write: Callable[[Path], object], tmp_path: Path) -> None:
    write(tmp_path / "model")
    with pytest.raises(ModelFileError, match="not a whole model file"):
        archive.load(tmp_path / "model")


def test_another_format_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model"
    archive.save(plan(), path)
    entries = entries_of(path)
    manifest = json.loads(entries["manifest.json"]) | {"version": 99, "dbclone": "9.9"}
    rebuild(path, entries | {"manifest.json": json.dumps(manifest).encode()})
    with pytest.raises(ModelFileError, match=r"format 99, written by dbclone 9\.9"):
        archive.load(path)


@pytest.mark.parametrize(
    "name",
    [
        "subprocess:Popen",
        "os:system",
        "dbclone.archive:_Encoder",
        "dbclone.dialects.postgresql:Source",
        "dbclone.schema:field",
        "dbclone.schema:annotations",
        "dbclone.schema.__builtins__:eval",
        "dbclone.options:dataclass",
        "dbclone.findings:StrEnum",
        "dbclone.engines.absent:Model",
        ".schema:Table",
        "dbclone.schema:Table.column",
    ],
)
@pytest.mark.parametrize("tag", ["object", "enum"])
def test_no_class_but_ours_is_ever_resolved(tag: str, name: str, tmp_path: Path) -> None:
    with_tree(tmp_path / "model", {"$": tag, "class": name, "name": "NOTE", "fields": {}})
    with pytest.raises(ModelFileError, match="not a whole model file"):
        archive.load(tmp_path / "model")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "model"
    archive.save(plan(), path)
    rebuild(path, entries_of(path) | {"arrays/0.npy": bytes(50_000_000)})
    with pytest.raises(ModelFileError, match="unpack to far more"):
        archive.load(path)


def test_a_tree_of_absurd_depth_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    archive.save(plan(), path)
    rebuild(path, entries_of(path) | {"model.json": b"[" * 200_000}, zipfile.ZIP_STORED)
    with pytest.raises(ModelFileError, match="not a whole model file"):
        archive.load(path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    archive.save(holding(np.arange(3)), path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Thawed()]), allow_pickle=True)
    rebuild(path, entries_of(path) | {"arrays/0.npy": buffer.getvalue()})
    with pytest.raises(ModelFileError, match="not a whole model file"):
        archive.load(path)


MODEL = holding((plan(), np.arange(40), pa.table({"a": ["x", None], "b": [1.5, 2.5]}), b"\x00\x01", math.nan))


def test_no_damage_goes_unnoticed(tmp_path: Path) -> None:
    """Any flipped bytes or cut: either nothing of the model changed, or it is a ModelFileError."""
    path = tmp_path / "model"
    archive.save(MODEL, path)
    whole, draw = path.read_bytes(), random.Random(1)
    refused = 0
    for _ in range(600):
        damaged = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.3 else whole)
        for _ in range(draw.randint(0, 3) if damaged else 0):
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            assert same(archive.load(path), MODEL)
        except ModelFileError:
            refused += 1
    assert refused > 400


def test_damage_with_matching_checksums_is_refused_or_harmless(tmp_path: Path) -> None:
    """Entries altered by someone who also corrects the checksums never raise anything but ModelFileError."""
    path = tmp_path / "model"
    archive.save(MODEL, path)
    whole, draw = entries_of(path), random.Random(2)
    names = [name for name in whole if name != "manifest.json"]
    refused = 0
    for _ in range(600):
        name = draw.choice(names)
        damaged = bytearray(whole[name])
        for _ in range(draw.randint(1, 3)):
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        rebuild(path, whole | {name: bytes(damaged)})
        try:
            archive.load(path)
        except ModelFileError:
            refused += 1
    assert refused > 100
