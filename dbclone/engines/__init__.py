"""The engines by name.  Each is imported only when it is chosen: some are heavy, some are optional."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from dbclone.abc import Engine
from dbclone.errors import UsageError

_CLASSES = {
    "forest": ("dbclone.engines.forest", "ForestEngine"),
    "hma": ("dbclone.engines.hma", "HMAEngine"),
}


def names() -> tuple[str, ...]:
    """The engines there are, the default one first."""
    return tuple(_CLASSES)


def choose(name: str) -> Engine:
    """A new engine of that name; UsageError if there is none, MissingExtraError if its extra is not installed."""
    if name not in _CLASSES:
        raise UsageError(f"There is no engine {name!r}; there are {' and '.join(_CLASSES)}.")
    module, attribute = _CLASSES[name]
    return cast("Engine", getattr(import_module(module), attribute)())
