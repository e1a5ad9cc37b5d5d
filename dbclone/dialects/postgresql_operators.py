"""The statements that recreate a user's own operators and casts, which PostgreSQL itself does not spell."""

from __future__ import annotations

from dbclone.dialects.postgresql_details import USER_SCHEMA, not_of_extension


def _type(option: str, column: str) -> str:
    return f"CASE WHEN x.{column} <> 0 THEN ', {option} = ' || pg_catalog.format_type(x.{column}, NULL) END"


def _operator(option: str, column: str) -> str:
    return f"""(SELECT pg_catalog.format(', {option} = OPERATOR(%I.%s)', m.nspname, y.oprname)
    FROM pg_catalog.pg_operator y JOIN pg_catalog.pg_namespace m ON m.oid = y.oprnamespace WHERE y.oid = x.{column})"""


def _estimator(option: str, column: str) -> str:
    return f"CASE WHEN x.{column}::pg_catalog.oid <> 0 THEN ', {option} = ' || x.{column}::text END"


_OPTIONS = (
    _type("LEFTARG", "oprleft"),
    _type("RIGHTARG", "oprright"),
    _operator("COMMUTATOR", "oprcom"),
    _operator("NEGATOR", "oprnegate"),
    _estimator("RESTRICT", "oprrest"),
    _estimator("JOIN", "oprjoin"),
    "CASE WHEN x.oprcanmerge THEN ', MERGES' END",
    "CASE WHEN x.oprcanhash THEN ', HASHES' END",
)

_OPERATORS = f"""
SELECT n.nspname AS schema, o.identity AS name, 'operator' AS kind,
  pg_catalog.format('CREATE OPERATOR %I.%s (FUNCTION = %s%s)', n.nspname, x.oprname, x.oprcode,
    pg_catalog.concat({", ".join(_OPTIONS)})) AS text, 0::int8 AS relation
FROM pg_catalog.pg_operator x JOIN pg_catalog.pg_namespace n ON n.oid = x.oprnamespace AND {USER_SCHEMA},
  LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_operator'::pg_catalog.regclass, x.oid, 0) AS o
WHERE {not_of_extension("pg_operator", "x.oid")} ORDER BY x.oid"""

_CASTS = f"""
SELECT '' AS schema, o.identity AS name, 'cast' AS kind,
  pg_catalog.format('CREATE CAST (%s AS %s) %s%s', pg_catalog.format_type(x.castsource, NULL),
    pg_catalog.format_type(x.casttarget, NULL),
    CASE x.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || x.castfunc::pg_catalog.regprocedure
      WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
    CASE x.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END) AS text,
  0::int8 AS relation
FROM pg_catalog.pg_cast x,
  LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_cast'::pg_catalog.regclass, x.oid, 0) AS o
WHERE x.oid >= 16384 AND {not_of_extension("pg_cast", "x.oid")} ORDER BY x.oid"""

OPERATORS_AND_CASTS = (_OPERATORS, _CASTS)
"""Queries as those of ``postgresql_details``; conditions, indexes and views may use what they find."""
