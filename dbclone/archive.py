"""The model file: a zip of JSON, .npy arrays and Arrow tables, from which nothing is ever executed.

Layout: ``manifest.json`` (format, version, size and SHA-256 of every other entry), ``model.json`` (the tree of frozen
dataclasses, each named by its class), ``arrays/N.npy`` and ``tables/N.arrow``.  A class is resolved only if it is a
frozen dataclass or an Enum of a module in ``MODULES``.  Equal models give equal bytes: entries carry no clock time.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import io
import json
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import pyarrow as pa

from dbclone import __version__
from dbclone.errors import ModelFileError
from dbclone.temporary import Workshop, flush

FORMAT = "dbclone-model"
VERSION = 2
MODULES = ("schema", "plan", "findings", "options", "columns", "models", "privacy", "engines")
"""Modules and packages of dbclone whose frozen dataclasses and enums may stand in a model file."""

MAX_RATIO = 100
"""An entry that would shrink further is stored plain, so that whatever claims to expand further is no file of ours."""
MAX_BYTES = 16 * 2**30
"""Upper limit of everything unpacked together."""
MAX_ENTRIES = 1_000_000

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_TAG = "$"
_CLASS_NAME = re.compile(rf"dbclone\.(?:{'|'.join(MODULES)})(?:\.\w+)*:\w+", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_MALFORMED = (
    ArithmeticError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
    pa.ArrowException,
)  # fmt: skip
"""What the readers of zip, JSON, .npy and Arrow raise on bytes that are not what they should be."""


def save(model: object, path: Path) -> None:
    """Write ``model`` to ``path``, readable by its owner only; the file appears whole or not at all.

    The model is a tree of frozen dataclasses over None, bool, int, float, str, bytes, tuples, enums, NumPy arrays and
    Arrow tables, arrays and types.  TypeError names the field that holds anything else.
    """
    encoder = _Encoder()
    tree = encoder.encode(model, type(model).__name__)
    entries = {"model.json": _json_bytes(tree), **encoder.entries}
    try:
        _replace(path, _zip(entries))
    except OSError as error:
        raise ModelFileError(f"cannot write the model file {path}: {error.strerror or error}") from error


def load(path: Path) -> object:
    """Read what ``save`` wrote; ModelFileError if the file is missing, truncated, altered or of another version."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked_entries(archive, path)
        return _Decoder(entries).decode(_parse(entries["model.json"]))
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no model file {path}") from error
    except (PermissionError, IsADirectoryError) as error:
        raise ModelFileError(f"cannot read the model file {path}: {error.strerror}") from error
    except _MALFORMED as error:
        raise ModelFileError(
            f"{path} is not a whole model file: it is truncated, altered or something else; fit the model again"
        ) from error


def _json_bytes(tree: Json) -> bytes:
    return json.dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def _parse(data: bytes) -> Json:
    return cast("Json", json.loads(data))


def _zip(entries: dict[str, bytes]) -> bytes:
    manifest: Json = {
        "format": FORMAT,
        "version": VERSION,
        "dbclone": __version__,
        "entries": {name: {"size": len(data), "sha256": _digest(data)} for name, data in entries.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {"manifest.json": _json_bytes(manifest), **entries}.items():
            info = zipfile.ZipInfo(name)  # dated 1980-01-01: the same model gives the same bytes
            info.external_attr = 0o600 << 16
            archive.writestr(info, data, _compression(data), compresslevel=1)
    return buffer.getvalue()


def _compression(data: bytes) -> int:
    shrunk = len(zlib.compress(data, 1)) + 16
    return zipfile.ZIP_DEFLATED if shrunk < len(data) < shrunk * MAX_RATIO else zipfile.ZIP_STORED


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Write beside ``path`` and rename: the file is private (0600), and a crash leaves the old one."""
    workshop = Workshop(path)
    try:
        workshop.file.write_bytes(data)
        flush(workshop.file)
        workshop.file.replace(path)
    finally:
        workshop.close()


def _checked_entries(archive: zipfile.ZipFile, path: Path) -> dict[str, bytes]:
    """Every entry that the manifest names, each of the size and checksum that it states."""
    _refuse_bomb(archive, path)
    manifest = _parse(archive.read("manifest.json"))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError("no manifest of ours")
    if manifest["version"] != VERSION:
        raise ModelFileError(
            f"{path} has model format {manifest['version']!s:.20}, written by dbclone {manifest.get('dbclone')!s:.20}; "
            f"dbclone {__version__} reads format {VERSION}: fit the model again"
        )
    listed = cast("dict[str, dict[str, Json]]", manifest["entries"])
    entries = {name: archive.read(name) for name in listed}
    for name, data in entries.items():
        if listed[name] != {"size": len(data), "sha256": _digest(data)}:
            raise ValueError(f"checksum of {name}")
    return entries


def _refuse_bomb(archive: zipfile.ZipFile, path: Path) -> None:
    infos = archive.infolist()
    expands = any(info.file_size > (info.compress_size + 64) * MAX_RATIO for info in infos)
    if expands or len(infos) > MAX_ENTRIES or sum(info.file_size for info in infos) > MAX_BYTES:
        raise ModelFileError(f"{path} would unpack to far more than any model file holds; it is refused")


class _Encoder:
    """Turns values into JSON and collects the binary entries; ``where`` is the way to a value, for messages."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self._names: dict[int, str] = {}
        self._kept: list[object] = []

    def encode(self, value: object, where: str) -> Json:
        match value:
            case Enum():
                return {_TAG: "enum", "class": _class_name(value, where), "name": value.name}
            case None | bool() | str():
                return value if value is None or isinstance(value, bool) else str(value)
            case int() | np.integer():
                return int(value) if int(value) in _INT64 else {_TAG: "int", "hex": hex(value)}
            case float() | np.floating():
                return {_TAG: "float", "hex": float(value).hex()} if not np.isfinite(value) else float(value)
            case np.bool_():
                return bool(value)
            case bytes():
                return {_TAG: "bytes", "base64": base64.b64encode(value).decode("ascii")}
            case tuple() if type(value) is tuple:
                return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
            case np.ndarray() | pa.Table() | pa.Array() | pa.ChunkedArray() | pa.DataType():
                return self._binary(value, where)
        return self._object(value, where)

    def _object(self, value: object, where: str) -> Json:
        if isinstance(value, type) or not _is_frozen_dataclass(type(value)):
            raise TypeError(f"a model file cannot hold {where}, of type {type(value).__qualname__}")
        stored = {
            f.name: self.encode(getattr(value, f.name), f"{where}.{f.name}")
            for f in fields(value)  # type: ignore[arg-type]  # checked above
            if f.init
        }
        return {_TAG: "object", "class": _class_name(value, where), "fields": cast("Json", stored)}

    def _binary(self, value: object, where: str) -> Json:
        """A reference to an entry; a value that stands in several places is stored once."""
        if id(value) not in self._names:
            kind, data = _pack(value, where)
            suffix = "arrays/{}.npy" if kind == "numpy" else "tables/{}.arrow"
            name = suffix.format(len(self.entries))
            self.entries[name] = data
            self._names[id(value)] = f"{kind}:{name}"
            self._kept.append(value)  # an id is only good while its object lives
        kind, _, name = self._names[id(value)].partition(":")
        return {_TAG: kind, "entry": name}


def _pack(value: object, where: str) -> tuple[str, bytes]:
    match value:
        case np.ndarray():
            if value.dtype.hasobject:
                raise TypeError(f"a model file cannot hold {where}, an array of Python objects")
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, value, allow_pickle=False)
            return "numpy", buffer.getvalue()
        case pa.Table():
            return "table", _arrow_bytes(value)
        case pa.ChunkedArray():
            return "chunked", _arrow_bytes(pa.table([value], ["value"]))
        case pa.Array():
            return "arrow", _arrow_bytes(pa.table([value], ["value"]))
    return "type", _arrow_bytes(pa.schema([pa.field("value", cast("pa.DataType", value))]).empty_table())


def _arrow_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return cast("bytes", sink.getvalue().to_pybytes())


class _Decoder:
    """The way back: builds only whitelisted frozen dataclasses and enums, from checked entries."""

    def __init__(self, entries: dict[str, bytes]) -> None:
        self._entries = entries
        self._values: dict[tuple[str, str], object] = {}
        self._readers: dict[str, Callable[[dict[str, Json]], object]] = {
            "object": self._object,
            "enum": lambda tree: _resolve(tree["class"], enum=True)[cast("str", tree["name"])],  # type: ignore[index]
            "int": lambda tree: int(cast("str", tree["hex"]), 16),
            "float": lambda tree: float.fromhex(cast("str", tree["hex"])),
            "bytes": lambda tree: base64.b64decode(cast("str", tree["base64"]), validate=True),
        }

    def decode(self, tree: Json) -> object:
        if isinstance(tree, list):
            return tuple(self.decode(item) for item in tree)
        if not isinstance(tree, dict):
            return tree
        tag = cast("str", tree[_TAG])
        return self._readers[tag](tree) if tag in self._readers else self._binary(tag, cast("str", tree["entry"]))

    def _object(self, tree: dict[str, Json]) -> object:
        cls = _resolve(tree["class"], enum=False)
        return cls(**{name: self.decode(value) for name, value in cast("dict[str, Json]", tree["fields"]).items()})

    def _binary(self, kind: str, entry: str) -> object:
        if (kind, entry) not in self._values:
            self._values[kind, entry] = _unpack(kind, self._entries[entry])
        return self._values[kind, entry]


def _unpack(kind: str, data: bytes) -> object:
    if kind == "numpy":
        return np.load(io.BytesIO(data), allow_pickle=False)
    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    table.validate(full=True)
    if kind == "table":
        return table
    column = table.column("value")
    if kind == "chunked":
        return column
    if kind == "type":
        return column.type
    if kind != "arrow":
        raise ValueError(f"unknown kind {kind}")
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _class_name(value: object, where: str) -> str:
    name = f"{type(value).__module__}:{type(value).__qualname__}"
    if not _CLASS_NAME.fullmatch(name):
        raise TypeError(f"a model file cannot hold {where}: its class {name} is outside the modules that may be stored")
    return name


def _resolve(name: Json, enum: bool) -> type:
    """The class of that name, imported from dbclone's own modules only; ValueError if it may not stand in a file."""
    if not isinstance(name, str) or not _CLASS_NAME.fullmatch(name):
        raise ValueError("class outside the whitelist")
    module, _, attribute = name.partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    local = isinstance(cls, type) and cls.__module__ == module
    if not (local and (issubclass(cls, Enum) if enum else _is_frozen_dataclass(cls))):
        raise ValueError("not a frozen dataclass or enum")
    return cast("type", cls)


def _is_frozen_dataclass(cls: type) -> bool:
    return is_dataclass(cls) and bool(cls.__dataclass_params__.frozen)  # type: ignore[attr-defined]
