"""The configuration file (TOML): what a schema does not say.

::

    [[virtual_keys]]
    table = "comments"
    columns = ["commentable_id"]            # or one name
    parent = "posts"
    parent_columns = ["id"]                 # default: the parent's primary key
    where = { commentable_type = "Post" }   # only rows with this value are meant
    nothing = 0                             # the value that stands for no parent
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from dbclone.errors import UsageError
from dbclone.options import VirtualKey

Entry: TypeAlias = "dict[str, object]"

SECTION = "virtual_keys"
_REQUIRED = ("table", "columns", "parent")
_KNOWN = (*_REQUIRED, "parent_columns", "where", "nothing")


def load(path: Path) -> tuple[VirtualKey, ...]:
    """The virtual keys of a configuration file; UsageError if it cannot be read or says anything unknown."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The configuration {path} cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The configuration {path} is no TOML: {error}.") from None
    _refuse_unknown(content, (SECTION,), str(path))
    entries = content.get(SECTION, [])
    if not isinstance(entries, list):
        raise UsageError(f"{path}: write [[{SECTION}]] above each key.")
    return tuple(_key(entry, f"{path}, {SECTION} entry {number}") for number, entry in enumerate(entries, 1))


def dump(keys: Iterable[VirtualKey]) -> str:
    """Virtual keys as the text of a configuration file."""
    return "\n".join(_text(key) for key in keys)


def save(path: Path, keys: Iterable[VirtualKey]) -> None:
    """Write a configuration file with these virtual keys; UsageError if it cannot be written or is there already."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(dump(keys))
    except FileExistsError:
        raise UsageError(f"The configuration {path} is there already: name another file.") from None
    except OSError as error:
        raise UsageError(f"The configuration {path} cannot be written: {error.strerror or error}.") from None


def _refuse_unknown(entry: Entry, known: tuple[str, ...], where: str) -> None:
    for name in entry.keys() - set(known):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(known)}."
        raise UsageError(f"{where}: {name} is unknown.{hint}")


def _key(entry: object, where: str) -> VirtualKey:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: write [[{SECTION}]] above each key.")
    _refuse_unknown(entry, _KNOWN, where)
    missing = [name for name in _REQUIRED if name not in entry]
    if missing:
        raise UsageError(f"{where}: {missing[0]} is missing.")
    return VirtualKey(
        _name(entry["table"], f"{where}, table"),
        _names(entry["columns"], f"{where}, columns"),
        _name(entry["parent"], f"{where}, parent"),
        _names(entry.get("parent_columns", []), f"{where}, parent_columns"),
        _discriminator(entry.get("where"), f"{where}, where"),
        None if "nothing" not in entry else _value(entry["nothing"], f"{where}, nothing"),
    )


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: expected a name.")
    return value


def _names(value: object, where: str) -> tuple[str, ...]:
    return tuple(_name(item, where) for item in (value if isinstance(value, list) else [value]))


def _discriminator(value: object, where: str) -> tuple[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) != 1:
        raise UsageError(f'{where}: expected one column and its value, such as {{ type = "Post" }}.')
    [(column, label)] = value.items()
    return column, _value(label, where)


def _value(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(f"{where}: expected a text or a whole number.")
    return str(value)


def _text(key: VirtualKey) -> str:
    lines = [f"[[{SECTION}]]", f"table = {_quoted(key.table)}", f"columns = {_list(key.columns)}"]
    lines += [f"parent = {_quoted(key.parent)}"]
    lines += [f"parent_columns = {_list(key.parent_columns)}"] if key.parent_columns else []
    if key.where is not None:
        lines.append(f"where = {{ {_quoted(key.where[0])} = {_quoted(key.where[1])} }}")
    lines += [f"nothing = {_quoted(key.nothing)}"] if key.nothing is not None else []
    return "\n".join(lines) + "\n"


def _list(names: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a part of TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
