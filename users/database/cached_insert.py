"""Inserts of one row whose SQL is compiled once per database.

The ORM takes longer to compile such a statement than the database to run it. The gain is
measured as `compiled-queries` in docs/benchmarks.md, and as part of the cost of an event.
"""

from typing import Any, NamedTuple

from django.db import connections, router
from django.db.models import Field, Model
from django.db.models.sql import InsertQuery

from users.database import prepared_statements


class CompiledInsert(NamedTuple):
    """A compiled INSERT."""

    sql: str
    # The fields whose values are parameters. Those of the others are part of the SQL.
    fields: list[Field]


class CachedInsert:
    """Inserts objects of `model`, whose primary key the database gives. Signals are not sent."""

    def __init__(self, model: type[Model]):
        self.model = model
        self.fields = [
            field for field in model._meta.local_concrete_fields if not field.primary_key
        ]
        # By database, and by the names of the fields whose values are expressions.
        self.statements: dict[tuple[str, tuple[str, ...]], CompiledInsert] = {}

    def insert(self, row: Any) -> None:
        """Stores an object, which gets its primary key.

        A field may hold an expression without parameters, such as `Now()`, and always the same one:
        its SQL is cached by the name of the field. `pre_save` of fields is not called.
        """
        alias = router.db_for_write(self.model)
        connection = connections[alias]
        statement = self.statement(alias, row)
        params = [
            field.get_db_prep_save(getattr(row, field.attname), connection)
            for field in statement.fields
        ]
        with prepared_statements.prepared_cursor(connection) as cursor:
            cursor.execute(statement.sql, params)
            row.pk = cursor.fetchone()[0]
        row._state.adding = False
        row._state.db = alias

    def statement(self, alias: str, row: Any) -> CompiledInsert:
        expressions = tuple(field.name for field in self.fields if is_expression(row, field))
        known = self.statements.get((alias, expressions))
        if known is None:
            known = compile_insert(row, alias, self.fields)
            self.statements[alias, expressions] = known
        return known


def compile_insert(row: Any, alias: str, fields: list[Field]) -> CompiledInsert:
    query = InsertQuery(type(row))
    query.insert_values(fields, [row])
    compiler: Any = query.get_compiler(alias)
    compiler.returning_fields = [row._meta.pk]
    [(sql, _)] = compiler.as_sql()
    return CompiledInsert(sql, [field for field in fields if not is_expression(row, field)])


def is_expression(row: Any, field: Field) -> bool:
    return hasattr(getattr(row, field.attname), "resolve_expression")
