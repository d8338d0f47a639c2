"""Fills tables without their indexes, which are built afterwards: that takes a fraction of the time
of adding an entry for each row.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model

NO_INDEXES: Mapping[str, str] = {}


def execute(statement: str, *params: int) -> list[tuple]:
    """Returns the rows of a statement, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def without_indexes(model: type[Model], more: Mapping[str, str] = NO_INDEXES) -> Iterator[None]:
    """Removes the indexes that a model declares, and builds them at the end if nothing has failed.

    `more`: statements that create indexes which no model declares, by their names.
    """
    statements: dict[str, str] = {}
    with connection.schema_editor(collect_sql=True) as editor:
        for index in model._meta.indexes:
            statements[index.name] = str(index.create_sql(model, editor))
    statements.update(more)
    for name in statements:
        execute(f"DROP INDEX IF EXISTS {name}")
    yield
    for statement in statements.values():
        execute(statement)
