"""Queries by ID whose SQL is compiled once per database.

The ORM takes longer to compile such a query than the database to answer it. The gain is
measured as `compiled-queries` in docs/benchmarks.md.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models import Model, QuerySet

from users.database import prepared_statements

# Stands for the ID while the SQL is compiled; never a real primary key.
ID_PLACEHOLDER = -(2**62) - 1


class CompiledQuery(NamedTuple):
    """A compiled query."""

    sql: str
    params: tuple[Any, ...]
    # The positions of ID_PLACEHOLDER in `params`.
    id_positions: list[int]
    # The names of the selected fields.
    names: list[str]
    # The position of each annotation in a row, by name.
    annotations: dict[str, int]
    # Convert database values to field values.
    compiler: Any
    converters: dict


class CachedQuery:
    """A query of `model` by ID.

    `build` returns the query for an ID. It is called once for each database, so nothing but the ID
    may vary. `locks`: whether it locks rows, which only the primary does.
    """

    def __init__(
        self, model: type[Model], build: Callable[[int], QuerySet], *, locks: bool = False
    ):
        self.model = model
        self.route = router.db_for_write if locks else router.db_for_read
        self.build = build
        self.statements: dict[str, CompiledQuery] = {}

    def objects(self, pk: int) -> list[Any]:
        """Runs the query and returns model instances."""
        alias = self.route(self.model)
        statement = self.statement(alias)
        return [self.build_instance(alias, statement, row) for row in self.rows(pk)]

    def build_instance(self, alias: str, statement: CompiledQuery, row: tuple) -> Any:
        instance = self.model.from_db(alias, statement.names, row[: len(statement.names)])
        for name, position in statement.annotations.items():
            setattr(instance, name, row[position])
        return instance

    def rows(self, pk: int) -> list[tuple]:
        """Runs the query and returns tuples of field values."""
        alias = self.route(self.model)
        statement = self.statement(alias)
        params = list(statement.params)
        for position in statement.id_positions:
            params[position] = pk
        with prepared_statements.prepared_cursor(connections[alias]) as cursor:
            cursor.execute(statement.sql, params)
            rows = cursor.fetchall()
        if not statement.converters:
            return rows
        converted = statement.compiler.apply_converters(rows, statement.converters)
        return [tuple(row) for row in converted]

    def statement(self, alias: str) -> CompiledQuery:
        if alias not in self.statements:
            query = self.build(ID_PLACEHOLDER).using(alias)
            self.statements[alias] = compile_statement(query, alias)
        return self.statements[alias]


def compile_statement(query: QuerySet, alias: str) -> CompiledQuery:
    compiler = query.query.get_compiler(alias)
    sql, params = prepared_statements.inline_values(
        connections[alias], compiler.as_sql(), is_id_placeholder
    )
    id_positions = [number for number, value in enumerate(params) if is_id_placeholder(value)]
    columns = [column for column, _, _ in compiler.select[: compiler.col_count]]
    names = [column.target.attname for column in columns if hasattr(column, "target")]
    return CompiledQuery(
        sql=sql,
        params=params,
        id_positions=id_positions,
        names=names,
        annotations=compiler.annotation_col_map or {},
        compiler=compiler,
        converters=compiler.get_converters(columns),
    )


def is_id_placeholder(value: Any) -> bool:
    return value == ID_PLACEHOLDER
