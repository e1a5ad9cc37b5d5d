"""The shape of the code base: layers point one way, each library has one door, nothing outgrows reading."""

import ast
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dbclone"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in SOURCES}

# Lowest first.  A module may import from its own layer and from those below it; `models` and `databases` are the
# exception: they stand side by side and never see each other.
LAYERS: dict[str, tuple[str, ...]] = {
    "words": ("__init__", "errors", "schema", "options", "findings", "plan", "abc", "progress"),
    "pure": (
        "graph", "matching", "halving", "units", "ordering", "pruning", "selection", "survey", "determination",
        "table_roles", "reference_roles", "column_roles", "planning", "ledger", "inspection", "partitions", "archive",
        "columns", "privacy", "conditions", "configuration", "virtual_keys", "split_rows",
        "key_names", "key_values", "key_proposals", "implied_keys",
        "entities", "temporary", "model_types",
    ),
    "models": ("models",),
    "databases": ("dialects", "connection", "reflection", "reading", "writing", "checking"),
    "engines": ("engines", "executors"),
    "steps": (
        "fitting", "source_keys", "generation", "comparing", "fidelity", "fidelity_folds", "fidelity_frames",
        "two_samples", "reporting", "report",
    ),
    "cloning": ("cloning", "auditing", "demo", "examples"),
    "cli": ("__main__", "cli", "cli_options", "cli_measures", "rendering", "failures"),
}  # fmt: skip
DOORS = {
    "psycopg": ("dialects",), "adbc_driver_postgresql": ("dialects",), "adbc_driver_sqlite": ("dialects",),
    "adbc_driver_manager": ("dialects",), "pgpq": ("dialects",), "pymysql": ("dialects",), "duckdb": ("dialects",),
    "networkx": ("graph",),
    "sdv": ("engines.hma",), "pandas": ("engines.hma",),
    "typer": ("cli", "cli_options", "cli_measures"), "click": ("cli",),
    "rich": ("rendering", "progress"), "xgboost": ("two_samples",), "sklearn": (), "pickle": (),
}  # fmt: skip
BANNED_TEXT = (r"/work\b", r"/root/", r"/home/\w", r"\bpypi\.org", r"pythonhosted\.org", r"index-url", r"/tmp/data")


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[str]:
    """Full names of everything a module imports anywhere, also inside functions."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                yield name if name in MODULES else node.module


def internal(module: str) -> set[str]:
    return {name for name in imports(module) if name in MODULES and name not in {module, "dbclone"}}


def layer(module: str) -> str:
    part = [*module.split("."), "__init__"][1]
    found = [name for name, parts in LAYERS.items() if part in parts]
    assert found, f"{module} has no layer: name it in LAYERS"
    return found[0]


def functions(module: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree(module)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module: str) -> None:
    order, own = list(LAYERS), layer(module)
    for imported in internal(module):
        theirs = layer(imported)
        assert order.index(theirs) <= order.index(own), f"{module} ({own}) imports {imported} ({theirs})"
        assert {own, theirs} != {"models", "databases"}, f"{module} and {imported} must not see each other"


def test_no_import_cycles() -> None:
    remaining = {module: internal(module) for module in MODULES}
    while leaves := [m for m, needs in remaining.items() if not needs & remaining.keys()]:
        for leaf in leaves:
            del remaining[leaf]
    assert not remaining, f"import cycle among or above: {sorted(remaining)}"


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_one_door(module: str) -> None:
    own = module.removeprefix("dbclone.")
    for library in {name.split(".")[0] for name in imports(module)} & DOORS.keys():
        assert any(own == door or own.startswith(f"{door}.") for door in DOORS[library]), f"{module} imports {library}"


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_stay_readable(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400
    for function in functions(module):
        positional = [a for a in function.args.posonlyargs + function.args.args if a.arg not in {"self", "cls"}]
        compiled = any(ast.unparse(d) in {"kernel", "inner"} for d in function.decorator_list)
        assert length(function) <= 60, f"{module}.{function.name} is {length(function)} lines long"
        assert compiled or len(positional) <= 5, f"{module}.{function.name} has {len(positional)} positional parameters"


def test_half_of_the_functions_fit_in_ten_lines() -> None:
    lengths = [length(f) for module in MODULES for f in functions(module)]
    assert statistics.median(lengths) <= 10


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="needs the git checkout")
def test_no_private_paths_or_hosts_in_tracked_files() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in filter(Path.is_file, (ROOT / name for name in listed.split("\0") if name)):
        if path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="ignore")
            found = re.search("|".join(BANNED_TEXT), text)
            assert not found, f"{path.relative_to(ROOT)} holds {found.group()!r}" if found else ""
