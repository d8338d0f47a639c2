"""Compares the triggers of the database with those that migrate installs: whoever owns the tables
can disable, drop or replace them.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from users.database.outside_record import PENDING_TABLE
from users.database.outside_triggers import outside_statements
from users.database.triggers import (
    AUDIT_TABLE,
    append_only_statements,
    column_names,
    generation_statements,
)

INSTALLED_POSTGRESQL = """
    SELECT tgname, tgenabled, proname, prosrc, c.relname, pg_get_triggerdef(t.oid, true),
        prosecdef, coalesce(array_to_string(proconfig, '; '), '')
    FROM pg_trigger t JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
# What else keeps rows out of a table, or adds some that its triggers don't see: rules, row
# security, and tables that inherit from it.
BYPASSES_POSTGRESQL = """
    SELECT rulename FROM pg_rewrite
    WHERE ev_class = ANY(%(tables)s::regclass[]) AND rulename <> '_RETURN'
    UNION ALL
    SELECT 'row security of ' || relname FROM pg_class
    WHERE oid = ANY(%(tables)s::regclass[]) AND relrowsecurity
    UNION ALL
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ANY(%(tables)s::regclass[])
"""
INSTALLED_SQLITE = """
    SELECT name, 'O', '', sql, tbl_name, '', 0, '' FROM sqlite_master WHERE type = 'trigger'
"""
TRIGGER = re.compile(
    r"CREATE (?:OR REPLACE |CONSTRAINT )?TRIGGER (\w+)\s.*? ON (\w+)\s.*?FUNCTION (\w+)",
    re.DOTALL,
)
SQLITE_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)\s.*? ON (\w+)\s", re.DOTALL)
FUNCTION = re.compile(r"FUNCTION (\w+)\(\)(.*?)\$\$(.*)\$\$", re.DOTALL)
FUNCTION_SETTING = re.compile(r'SET "?(\w+)"? = (.*?)(?= SET | AS )', re.DOTALL)
# The kinds of statements of a trigger, which PostgreSQL lists in an order of its own.
STATEMENTS = re.compile(r"(?:(?<=before )|(?<=after )).*?(?= on )| when .*?(?= execute )")
# What PostgreSQL adds to a condition.
NO_MEANING = re.compile(r"[()]|::text")
# A trigger that is not one of Rollcall could drop rows of these tables.
GUARDED_TABLES = (AUDIT_TABLE, PENDING_TABLE)
# Values of pg_trigger.tgenabled for a trigger that fires as usual.
ENABLED = "O"


class InstalledTrigger(NamedTuple):
    name: str
    enabled: str
    function: str
    body: str
    table: str
    # On PostgreSQL, in the form of plain_definition.
    definition: str = ""
    is_definer: bool = False
    options: str = ""


def trigger_faults() -> list[str]:
    """Returns what is wrong with the triggers of the accounts and of the audit trail, sorted."""
    with connection.cursor() as cursor:
        expected = expected_triggers(trigger_statements(cursor))
        is_file = connection.vendor == "sqlite"
        cursor.execute(INSTALLED_SQLITE if is_file else INSTALLED_POSTGRESQL)
        installed = [InstalledTrigger(*row) for row in cursor.fetchall()]
        faults = [] if is_file else find_bypasses(cursor)
    found = {trigger.name: trigger for trigger in installed}
    unknown = (trigger for trigger in installed if trigger.name not in expected)
    faults += [f"{one.name} is unknown" for one in unknown if one.table in GUARDED_TABLES]
    for name, trigger in sorted(expected.items()):
        if fault := compare_trigger(trigger, found.get(name)):
            faults.append(f"{name} is {fault}")
    return sorted(faults)


def find_bypasses(cursor) -> list[str]:
    """Returns a fault for everything in BYPASSES_POSTGRESQL."""
    cursor.execute(BYPASSES_POSTGRESQL, {"tables": list(GUARDED_TABLES)})
    return [f"{name} is unknown" for (name,) in cursor.fetchall()]


def compare_trigger(expected: InstalledTrigger, found: InstalledTrigger | None) -> str:
    """Returns what is wrong with a trigger, in a word; "" for nothing."""
    if found is None:
        return "missing"
    if found.enabled != ENABLED:
        return "disabled"
    same = found._replace(definition=plain_definition(found.definition))
    return "" if same == expected else "changed"


def plain_definition(statement: str) -> str:
    """Returns the statement that creates a trigger in one form, whoever wrote it."""
    text = " ".join(statement.lower().replace("or replace ", "").split())
    return STATEMENTS.sub(lambda match: plain_part(match[0]), text)


def plain_part(part: str) -> str:
    if part.startswith(" when "):
        return NO_MEANING.sub("", part)
    return " or ".join(sorted(part.split(" or ")))


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
    functions: dict[str, tuple[str, str]] = {}
    for statement in statements:
        if connection.vendor == "sqlite":
            if match := SQLITE_TRIGGER.match(statement):
                name, table = match.groups()
                found[name] = InstalledTrigger(name, ENABLED, "", statement.strip(), table)
        elif match := FUNCTION.search(statement):
            functions[match[1]] = (match[2], match[3])
        elif match := TRIGGER.search(statement):
            name, table, function = match.groups()
            head, body = functions[function]
            found[name] = InstalledTrigger(
                name,
                ENABLED,
                function,
                body,
                table,
                definition=plain_definition(statement),
                is_definer="SECURITY DEFINER" in head,
                options=function_options(head),
            )
    return found


def function_options(head: str) -> str:
    """Returns the settings of a function as PostgreSQL stores them."""
    found = FUNCTION_SETTING.findall(head)
    return "; ".join(f"{name}={unquoted(value)}" for name, value in found)


def unquoted(value: str) -> str:
    return value.strip().strip("'")
