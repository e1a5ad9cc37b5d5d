"""A model file that somebody altered, checksums and all: refused, or used as it is, but never a crash."""

import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dbclone import archive, errors
from tests.commands import dbclone, small_shop
from tests.hand_made import build
from tests.test_archive import entries_of, rebuild

ROUNDS = 40
OTHER = (None, True, -1, 10**9, 1.5, "x", [], [1, 2])
Step = str | int


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("altered")
    assert dbclone("fit", small_shop(folder / "shop.sqlite"), "-o", folder / "shop.model", "-q").code == 0
    return folder / "shop.model"


def leaves(tree: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if parts is None:
        yield path
    else:
        for name, part in parts:
            yield from leaves(part, (*path, name))


def with_other_value(whole: dict[str, bytes], draw: random.Random) -> dict[str, bytes]:
    tree = json.loads(whole["model.json"])
    path = draw.choice([path for path in leaves(tree) if path[-1] != "$"])
    found(tree, path[:-1])[path[-1]] = draw.choice(OTHER)  # type: ignore[index]
    return whole | {"model.json": json.dumps(tree).encode()}


def with_other_name(whole: dict[str, bytes], draw: random.Random) -> dict[str, bytes]:
    """A name of a table, column, step or reference where another one of them stood."""
    tree = json.loads(whole["model.json"])
    named = [path for path in leaves(tree) if isinstance(found(tree, path), str) and path[-1] not in ("$", "class")]
    path = draw.choice(named)
    found(tree, path[:-1])[path[-1]] = found(tree, draw.choice(named))  # type: ignore[index]
    return whole | {"model.json": json.dumps(tree).encode()}


def found(tree: object, path: tuple[Step, ...]) -> object:
    for name in path:
        tree = tree[name]  # type: ignore[index]
    return tree


def with_other_array(whole: dict[str, bytes], draw: random.Random) -> dict[str, bytes]:
    """Half of it, one dimension more, another type, or numbers that lead nowhere."""
    name = draw.choice([name for name in whole if name.endswith(".npy")])
    array = np.load(io.BytesIO(whole[name]))
    other = {
        "half": array[: len(array) // 2],
        "deep": array[None],
        "type": array.astype(draw.choice(["float64", "int8", "int64", "U3", "complex128"])),
        "far": np.full_like(array, 2**30 if array.dtype.itemsize >= 4 else 100),
        "before": np.full_like(array, -7 if array.dtype.kind in "if" else 0),
        "nothing": array * np.nan if array.dtype.kind == "f" else array * 0,
    }[draw.choice(["half", "deep", "type", "far", "before", "nothing"])]
    buffer = io.BytesIO()
    np.save(buffer, other, allow_pickle=False)
    return whole | {name: buffer.getvalue()}


def generate_all(folder: Path) -> None:
    """In a process of its own, since what is looked for would end it: one word for each altered model."""
    for path in sorted(folder.glob("*.model")):
        outcome = dbclone("generate", path, folder / "clone.sqlite", "--clean", "--yes", "-q")
        print(outcome.code, flush=True)  # noqa: T201  # read by the test


@pytest.mark.parametrize("alter", [with_other_value, with_other_name, with_other_array])
def test_an_altered_model_is_refused_or_used_but_nothing_crashes(
    alter: Callable[[dict[str, bytes], random.Random], dict[str, bytes]], model: Path, tmp_path: Path
) -> None:
    draw, whole = random.Random(5), entries_of(model)
    codes = codes_of([alter(dict(whole), draw) for _ in range(ROUNDS)], tmp_path)
    assert codes.count(errors.ModelFileError.exit_code) >= ROUNDS // 4


def test_an_altered_form_of_numbers_is_refused_or_used(tmp_path: Path) -> None:
    laps = [(i, i % 90, f"{1 + i % 3}:{i % 60:02d}.{i * 37 % 1000:03d} min") for i in range(1, 200)]
    source = build(
        tmp_path / "laps.sqlite", "CREATE TABLE lap (id INTEGER PRIMARY KEY, x INTEGER, t TEXT)", {"lap": laps}
    )
    assert dbclone("fit", source, "-o", tmp_path / "laps.model", "-q").code == 0
    whole = entries_of(tmp_path / "laps.model")
    (tmp_path / "laps.model").unlink()
    tree = json.loads(whole["model.json"])
    forms = [path for path in leaves(tree) if {"form", "step", "blank", "max_length"} & {*path} and path[-1] != "$"]
    assert len(forms) > 15
    altered = []
    for path in forms:
        for other in (*OTHER, "7", 0, 9):
            changed = json.loads(whole["model.json"])
            found(changed, path[:-1])[path[-1]] = other  # type: ignore[index]
            altered.append(whole | {"model.json": json.dumps(changed).encode()})
    codes = codes_of(altered, tmp_path)
    assert codes.count(errors.ModelFileError.exit_code) >= len(altered) // 2


def codes_of(altered: list[dict[str, bytes]], folder: Path) -> list[int]:
    """How generating from each of them ends; none of them crashes."""
    for number, entries in enumerate(altered):
        rebuild(folder / f"{number:03}.model", entries, zipfile.ZIP_STORED)
    script = "import sys; from tests.test_altered_models import *; generate_all(Path(sys.argv[1]))"
    ended = subprocess.run(
        [sys.executable, "-c", script, folder], cwd=Path(__file__).parent.parent, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    codes = [int(word) for word in ended.stdout.split()]
    assert (ended.returncode, len(codes)) == (0, len(altered)), ended.stderr[-2000:]
    assert set(codes) <= {0, *range(5, 12)}, "not what nobody foresaw"
    return codes


def test_no_entry_is_written_anywhere_whatever_its_name(model: Path, tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    named = {"../../outside": b"x", "/outside-of-dbclone": b"x", "..\\outside": b"x"}
    rebuild(inside / "shop.model", entries_of(model) | named)
    assert dbclone("model", "show", inside / "shop.model").code == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b", "shop.model"]
    assert not Path("/outside-of-dbclone").exists()


def test_an_array_that_claims_to_be_huge_is_refused(model: Path, tmp_path: Path) -> None:
    whole, path = entries_of(model), tmp_path / "shop.model"
    name = next(name for name in whole if name.endswith(".npy"))
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    rebuild(path, whole | {name: head.getvalue()})
    with pytest.raises(errors.ModelFileError, match="not a whole model file"):
        archive.load(path)
