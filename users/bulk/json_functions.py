"""Database functions for values inside JSON columns, and for times as they are stored there."""

from typing import Any

from django.db.models import CharField, DateTimeField, Func

JSON_TIME_POSTGRESQL = """CASE WHEN {0} IS NULL THEN NULL
    ELSE to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || CASE WHEN date_trunc('second', {0}) = {0} THEN ''
        ELSE to_char({0} AT TIME ZONE 'UTC', '.MS') END || 'Z' END"""
# SQLite stores times as text.
JSON_TIME_SQLITE = "substr({0}, 1, 10) || 'T' || substr({0}, 12, 8) || substr({0}, 20, 4) || 'Z'"


class TimeToJson(Func):
    """Formats a timestamp as ISO 8601 text, exactly as users.audit.record.json_values does."""

    template = JSON_TIME_POSTGRESQL.format("%(expressions)s")
    output_field = CharField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = JSON_TIME_SQLITE.format("%(expressions)s")
        return self.as_sql(compiler, connection, template=template)


class TimeFromJson(Func):
    """Parses ISO 8601 text inside JSON into a timestamp; the inverse of TimeToJson."""

    template = "CAST(%(expressions)s AS timestamptz)"
    output_field = DateTimeField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        text = "%(expressions)s"
        fraction = f"CASE WHEN instr({text}, '.') THEN substr({text}, 20, 4) || '000' ELSE '' END"
        template = f"replace(substr({text}, 1, 19), 'T', ' ') || {fraction}"
        return self.as_sql(compiler, connection, template=template)


class JsonText(Func):
    """Reads the text under `key` of a JSON column; null if it is missing or null."""

    output_field = CharField()

    def __init__(self, column: str, key: str):
        """Takes a `key` that is a constant: it becomes part of the SQL."""
        super().__init__(column)
        self.key = key

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **context: Any
    ) -> Any:
        return super().as_sql(compiler, connection, template=f"(%(expressions)s ->> '{self.key}')")

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"json_extract(%(expressions)s, '$.{self.key}')"
        return super().as_sql(compiler, connection, template=template)
