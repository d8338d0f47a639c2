"""Compares the triggers of the database with those that migrate installs: whoever owns the tables
can disable, drop or replace them.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from users.database.outside_triggers import outside_statements
from users.database.triggers import (
    AUDIT_TABLE,
    append_only_statements,
    column_names,
    generation_statements,
)

INSTALLED_POSTGRESQL = """
    SELECT tgname, tgenabled, proname, prosrc
    FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
INSTALLED_SQLITE = "SELECT name, 'O', '', sql FROM sqlite_master WHERE type = 'trigger'"
TRIGGER = re.compile(
    r"CREATE (?:OR REPLACE |CONSTRAINT )?TRIGGER (\w+)\s.*?FUNCTION (\w+)", re.DOTALL
)
SQLITE_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)\s")
FUNCTION = re.compile(r"FUNCTION (\w+)\(\).*?\$\$(.*)\$\$", re.DOTALL)
# Values of pg_trigger.tgenabled for a trigger that fires as usual.
ENABLED = "O"


class InstalledTrigger(NamedTuple):
    name: str
    enabled: str
    function: str
    body: str


def trigger_faults() -> list[str]:
    """Returns what is wrong with the triggers of the accounts and of the audit trail, sorted."""
    with connection.cursor() as cursor:
        expected = expected_triggers(trigger_statements(cursor))
        is_file = connection.vendor == "sqlite"
        cursor.execute(INSTALLED_SQLITE if is_file else INSTALLED_POSTGRESQL)
        installed = [InstalledTrigger(*row) for row in cursor.fetchall()]
    found = {trigger.name: trigger for trigger in installed}
    faults = []
    for name, trigger in sorted(expected.items()):
        if fault := compare_trigger(trigger, found.get(name)):
            faults.append(f"{name} is {fault}")
    return faults


def compare_trigger(expected: InstalledTrigger, found: InstalledTrigger | None) -> str:
    """Returns what is wrong with a trigger, in a word; "" for nothing."""
    if found is None:
        return "missing"
    if found.enabled != ENABLED:
        return "disabled"
    same = (found.function, found.body) == (expected.function, expected.body)
    return "" if same else "changed"


def trigger_statements(cursor) -> list[str]:
    """Returns all statements by which migrate creates triggers and their functions."""
    columns = column_names(connection, cursor, AUDIT_TABLE)
    statements = append_only_statements(connection, columns)
    statements += generation_statements(connection, cursor)
    if settings.RECORD_OUTSIDE_CHANGES:
        statements += outside_statements(connection, cursor).values()
    return statements


def expected_triggers(statements: Iterable[str]) -> dict[str, InstalledTrigger]:
    """Returns the triggers that statements create, by name."""
    found = {}
    bodies: dict[str, str] = {}
    for statement in statements:
        if connection.vendor == "sqlite":
            if match := SQLITE_TRIGGER.match(statement):
                found[match[1]] = InstalledTrigger(match[1], ENABLED, "", statement.strip())
        elif match := FUNCTION.search(statement):
            bodies[match[1]] = match[2]
        elif match := TRIGGER.search(statement):
            name, function = match.groups()
            found[name] = InstalledTrigger(name, ENABLED, function, bodies[function])
    return found
