"""The statement that recreates an aggregate, which PostgreSQL itself spells for other functions only."""

from __future__ import annotations


def _if(condition: str, option: str, value: str = "''") -> str:
    return f"CASE WHEN {condition} THEN ', {option}' || {value} ELSE '' END"


def _function(column: str, option: str) -> str:
    return _if(f"a.{column}::pg_catalog.oid <> 0", f"{option} = ", f"a.{column}::text")


def _modify(final: str, modify: str, option: str) -> str:
    """How the final function treats the state, where that is not what such aggregates do unless told."""
    usual = "CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END"
    word = f"CASE a.{modify} WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END"
    return _if(f"a.{final}::pg_catalog.oid <> 0 AND a.{modify} <> {usual}", f"{option} = ", word)


_OPTIONS = (
    _if("a.aggtransspace > 0", "SSPACE = ", "a.aggtransspace"),
    _function("aggfinalfn", "FINALFUNC"),
    _if("a.aggfinalextra", "FINALFUNC_EXTRA"),
    _modify("aggfinalfn", "aggfinalmodify", "FINALFUNC_MODIFY"),
    _function("aggcombinefn", "COMBINEFUNC"),
    _function("aggserialfn", "SERIALFUNC"),
    _function("aggdeserialfn", "DESERIALFUNC"),
    _if("a.agginitval IS NOT NULL", "INITCOND = ", "pg_catalog.quote_literal(a.agginitval)"),
    _function("aggmtransfn", "MSFUNC"),
    _function("aggminvtransfn", "MINVFUNC"),
    _if("a.aggmtranstype <> 0", "MSTYPE = ", "pg_catalog.format_type(a.aggmtranstype, NULL)"),
    _if("a.aggmtransspace > 0", "MSSPACE = ", "a.aggmtransspace"),
    _function("aggmfinalfn", "MFINALFUNC"),
    _if("a.aggmfinalextra", "MFINALFUNC_EXTRA"),
    _modify("aggmfinalfn", "aggmfinalmodify", "MFINALFUNC_MODIFY"),
    _if("a.aggminitval IS NOT NULL", "MINITCOND = ", "pg_catalog.quote_literal(a.aggminitval)"),
    _if(
        "a.aggsortop <> 0",
        "SORTOP = ",
        """(SELECT pg_catalog.format('OPERATOR(%I.%s)', m.nspname, o.oprname) FROM pg_catalog.pg_operator o
      JOIN pg_catalog.pg_namespace m ON m.oid = o.oprnamespace WHERE o.oid = a.aggsortop)""",
    ),
    _if("a.aggkind = 'h'", "HYPOTHETICAL"),
    _if("p.proparallel <> 'u'", "PARALLEL = ", "CASE p.proparallel WHEN 's' THEN 'SAFE' ELSE 'RESTRICTED' END"),
)

AGGREGATE = f"""(SELECT pg_catalog.format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s%s)', n.nspname, p.proname,
    coalesce(nullif(pg_catalog.pg_get_function_arguments(p.oid), ''), '*'), a.aggtransfn,
    pg_catalog.format_type(a.aggtranstype, NULL), {" || ".join(_OPTIONS)})
  FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = p.oid)"""
"""An expression over a function ``p`` in a schema ``n``."""
