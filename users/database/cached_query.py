"""Queries by id whose SQL is compiled once. The ORM takes longer to compile such a query than the
database to answer it.

This has a price tag: `compiled-queries` in docs/benchmarks.md.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models import Model, QuerySet

from users.database import prepared_statements

# The id while the SQL is compiled; never a real primary key.
ID_PLACEHOLDER = -(2**62) - 1


class Statement(NamedTuple):
    """A compiled query. `params` have ID_PLACEHOLDER where the id goes. `compiler` and `converters`
    turn values of the database into values of the fields; `added` has the position of each
    annotation by name.
    """

    sql: str
    params: tuple[Any, ...]
    names: list[str]
    added: dict[str, int]
    compiler: Any
    converters: dict


class CachedQuery:
    """A query of `model` by id. `make` returns it for an id; it is called once for each database,
    so nothing else in the query may change with time.
    """

    def __init__(self, model: type[Model], make: Callable[[int], QuerySet]):
        self.model = model
        self.make = make
        self.known: dict[str, Statement] = {}

    def objects(self, pk: int) -> list[Any]:
        """The query's objects."""
        alias = router.db_for_read(self.model)
        statement = self.statement(alias)
        return [self.made(alias, statement, row) for row in self.rows(pk)]

    def made(self, alias: str, statement: Statement, row: tuple) -> Any:
        instance = self.model.from_db(alias, statement.names, row[: len(statement.names)])
        for name, place in statement.added.items():
            setattr(instance, name, row[place])
        return instance

    def rows(self, pk: int) -> list[tuple]:
        """The query's rows, as tuples of field values."""
        alias = router.db_for_read(self.model)
        statement = self.statement(alias)
        params = [pk if param == ID_PLACEHOLDER else param for param in statement.params]
        with prepared_statements.prepared_cursor(connections[alias]) as cursor:
            cursor.execute(statement.sql, params)
            rows = cursor.fetchall()
        if not statement.converters:
            return rows
        converted = statement.compiler.apply_converters(rows, statement.converters)
        return [tuple(row) for row in converted]

    def statement(self, alias: str) -> Statement:
        if alias not in self.known:
            self.known[alias] = compile_statement(self.make(ID_PLACEHOLDER).using(alias), alias)
        return self.known[alias]


def compile_statement(query: QuerySet, alias: str) -> Statement:
    compiler = query.query.get_compiler(alias)
    is_id = lambda value: value == ID_PLACEHOLDER  # noqa: E731
    sql, params = prepared_statements.inline_values(connections[alias], compiler.as_sql(), is_id)
    columns = [column for column, _, _ in compiler.select[: compiler.col_count]]
    return Statement(
        sql=sql,
        params=params,
        names=[column.target.attname for column in columns if hasattr(column, "target")],
        added=compiler.annotation_col_map or {},
        compiler=compiler,
        converters=compiler.get_converters(columns),
    )
