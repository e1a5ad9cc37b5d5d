"""The table of types that people read is the one by which columns are made."""

import re
from pathlib import Path

from dbclone.dialects.type_mapping import PRODUCTS, type_table
from tests.commands import dbclone

README = Path(__file__).parent.parent.parent / "README.md"


def test_the_readme_shows_the_types_as_they_are() -> None:
    text = README.read_text(encoding="utf-8")
    lines = re.findall(r"^\| (.+?) \|$", text[text.index("## Types") : text.index("## Limits")], re.MULTILINE)
    shown = [tuple(cell.strip("`") for cell in line.split(" | ")) for line in lines]
    assert shown == [("a column of", *PRODUCTS.values()), *type_table()]


def test_the_command_shows_them_too() -> None:
    outcome = dbclone("types")
    assert outcome.code == 0
    for what, *kinds in type_table():
        line = next(line for line in outcome.out.splitlines() if line.strip().startswith(f"{what}  "))
        assert all(kind in line for kind in kinds)
