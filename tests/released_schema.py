"""The columns of the last release, which its processes use while the next one is being deployed.

bin/test --postgresql tests/test_rolling_deploys.py                   compares the database
RECORD_SCHEMA=1 bin/test --postgresql tests/test_rolling_deploys.py   records it, at a release
"""

from pathlib import Path

from django.db import connection

RECORD = Path(__file__).with_suffix(".txt")
COLUMNS = """
    SELECT table_name, column_name, data_type,
        is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES'
    FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
    ORDER BY table_name, ordinal_position
"""
# "table.column", and its type and whether an INSERT may leave it out.
Columns = dict[str, tuple[str, bool]]


def current_columns() -> Columns:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        rows = cursor.fetchall()
    return {f"{table}.{name}": (kind, optional) for table, name, kind, optional in rows}


def released_columns() -> dict[str, str]:
    """Returns the type of each recorded column."""
    lines = RECORD.read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def record_columns() -> None:
    lines = [f"{name}: {kind}\n" for name, (kind, _) in current_columns().items()]
    RECORD.write_text("".join(lines))


def problems(released: dict[str, str], current: Columns) -> list[str]:
    """Returns a line for each column without which code of the last release fails, or which it
    would have to fill and does not know.
    """
    found = []
    tables = {name.split(".")[0] for name in released}
    for name, kind in released.items():
        if name not in current:
            found.append(f"{name} is gone")
        elif current[name][0] != kind:
            found.append(f"{name} was {kind}, and is {current[name][0]}")
    for name, (_, optional) in current.items():
        if name not in released and name.split(".")[0] in tables and not optional:
            found.append(f"{name} is new, and neither nullable nor has a default in the database")
    return found
