"""Whole columns between a database and Arrow through ADBC's drivers.

Their low-level interface is used on purpose: the DB-API one imports pyarrow.dataset and with it, where it is installed,
pandas, which costs half a second at start-up.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement, Error

AdbcError = Error


class ArrowConnection:
    """A connection that speaks Arrow.  It commits each statement by itself until ``begin``."""

    def __init__(self, database: AdbcDatabase) -> None:
        self._database = database
        try:
            self._connection = AdbcConnection(database)
        except BaseException:
            database.close()
            raise

    def begin(self) -> None:
        """From here on nothing is committed before ``commit``."""
        self._connection.set_autocommit(False)

    def commit(self) -> None:
        self._connection.commit()

    def fetch(self, sql: str, **options: str) -> pa.Table:
        """All rows of a query; ``options`` are the driver's own."""
        with AdbcStatement(self._connection) as statement:
            if options:
                statement.set_options(**options)
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            # The stream must be drained before the statement goes.
            return _reader(stream).read_all()

    def execute(self, sql: str) -> None:
        """A statement without rows."""
        with AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()

    def append(self, table: str, rows: pa.Table) -> None:
        """Append rows to an existing table, by column names."""
        with AdbcStatement(self._connection) as statement:
            statement.set_options(**{"adbc.ingest.target_table": table, "adbc.ingest.mode": "adbc.ingest.mode.append"})
            statement.bind_stream(rows.to_reader().__arrow_c_stream__())
            statement.execute_update()

    def close(self) -> None:
        """Closing twice does nothing."""
        self._connection.close()
        self._database.close()


def _reader(stream: Any) -> pa.RecordBatchReader:
    return pa.RecordBatchReader._import_from_c(stream.address)
