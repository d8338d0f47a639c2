"""Queries about one account that pages ask again and again: the ORM puts their SQL together once.
It takes it longer to do so than the database to answer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models import Model, QuerySet

from users.database import prepared_statements

ID_PLACEHOLDER = (
    -(2**62) - 1
)  # stands for the id while the SQL is put together: no id that there is


class Statement(NamedTuple):
    """`params` have ANY where the id goes. `compiler` and `converters` make of the database's
    values those of the fields; `added` are the places of what the query adds to them by `annotate`.
    """

    sql: str
    params: tuple[Any, ...]
    names: list[str]
    added: dict[str, int]
    compiler: Any
    converters: dict


class CachedQuery:
    """A query of `model`: `make` gives it for an id, once for each database, so nothing else in it
    may change with time.
    """

    def __init__(self, model: type[Model], make: Callable[[int], QuerySet]):
        self.model = model
        self.make = make
        self.known: dict[str, Statement] = {}

    def objects(self, pk: int) -> list[Any]:
        """As the query would give them."""
        alias = router.db_for_read(self.model)
        statement = self.statement(alias)
        return [self.made(alias, statement, row) for row in self.rows(pk)]

    def made(self, alias: str, statement: Statement, row: tuple) -> Any:
        instance = self.model.from_db(alias, statement.names, row[: len(statement.names)])
        for name, place in statement.added.items():
            setattr(instance, name, row[place])
        return instance

    def rows(self, pk: int) -> list[tuple]:
        """As the query would give them by `values_list`."""
        alias = router.db_for_read(self.model)
        statement = self.statement(alias)
        with prepared_statements.prepared_cursor(connections[alias]) as cursor:
            cursor.execute(
                statement.sql,
                [pk if param == ID_PLACEHOLDER else param for param in statement.params],
            )
            rows = cursor.fetchall()
        if statement.converters:
            return [
                tuple(row)
                for row in statement.compiler.apply_converters(rows, statement.converters)
            ]
        return rows

    def statement(self, alias: str) -> Statement:
        if alias not in self.known:
            compiler = self.make(ID_PLACEHOLDER).using(alias).query.get_compiler(alias)
            sql, params = prepared_statements.inline_values(
                connections[alias], compiler.as_sql(), lambda value: value == ID_PLACEHOLDER
            )
            columns = [column for column, _, _ in compiler.select[: compiler.col_count]]
            names = [column.target.attname for column in columns if hasattr(column, "target")]
            added = compiler.annotation_col_map or {}
            self.known[alias] = Statement(
                sql, params, names, added, compiler, compiler.get_converters(columns)
            )
        return self.known[alias]
