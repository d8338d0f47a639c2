"""Compiles parts of querysets to SQL, for statements that the ORM cannot express.

`select_from` and `sample_table` replace the table that a queryset reads from; `compile_tail` omits
the columns. They depend on how Django compiles queries. tests/database/test_compiled_sql.py fails
when that changes.
"""

from typing import Any, TypeVar

from django.db.models import QuerySet
from django.db.models.sql.datastructures import BaseTable

from users.database.prepared_statements import SqlWithParams

Rows = TypeVar("Rows", bound=QuerySet)


class SourceTable(BaseTable):
    """An item of the FROM clause that replaces a table: `source`, the alias, and `suffix`."""

    def __init__(self, table: BaseTable, alias: Any, source: str, params: tuple, suffix: str):
        super().__init__(table.table_name, alias)
        self.source = source
        self.params = params
        self.suffix = suffix

    @property
    def identity(self) -> tuple:
        return (*super().identity, self.source, self.params, self.suffix)

    def relabeled_clone(self, change_map: dict) -> "SourceTable":
        alias = change_map.get(self.table_alias, self.table_alias)
        return SourceTable(self, alias, self.source, self.params, self.suffix)

    def as_sql(self, compiler: Any, connection: Any) -> SqlWithParams:
        alias = compiler.quote_name_unless_alias(self.table_alias)
        return f"{self.source} AS {alias}{self.suffix}", self.params


def compile_queryset(rows: QuerySet) -> SqlWithParams:
    """Returns the SELECT of `rows`. Raises EmptyResultSet if the condition can match nothing."""
    return rows.query.get_compiler(rows.db).as_sql()


def compile_tail(rows: QuerySet) -> SqlWithParams:
    """Returns the SELECT of `rows` from its FROM clause on.

    Raises EmptyResultSet if the condition can match nothing.
    """
    sql, params = compile_queryset(rows.only("pk"))
    meta = rows.model._meta
    columns = f'SELECT "{meta.db_table}"."{meta.pk.column}"'
    tail = sql.removeprefix(columns)
    if tail == sql or not tail.startswith(" FROM "):
        raise ValueError(f"The SQL of the ORM does not begin with {columns} FROM: {sql}")
    return tail, params


def select_from(rows: Rows, source: str, params: tuple = ()) -> Rows:
    """Returns `rows` read from `source`: a subquery in parentheses, or the name of a CTE.

    The source is aliased with the name of the table, so conditions and ORDER BY apply unchanged. It
    must have the columns that they use.
    """
    return replace_table(rows, source=source, params=params)


def sample_table(rows: Rows, clause: str) -> Rows:
    """Returns `rows` read from a sample of their table; `clause` is a TABLESAMPLE of PostgreSQL."""
    return replace_table(rows, source=f'"{rows.model._meta.db_table}"', suffix=f" {clause}")


def replace_table(rows: Rows, *, source: str, params: tuple = (), suffix: str = "") -> Rows:
    changed = rows.all()
    query: Any = changed.query
    alias = query.get_initial_alias()
    table = query.alias_map[alias]
    query.alias_map[alias] = SourceTable(table, alias, source, params, suffix)
    return changed
