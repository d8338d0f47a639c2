"""Maps the columns of a file to fields of the account. The mapping is built once per file, from the
names of its columns and the options of the import.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from users.fields import FIELDS
from users.identifiers import normalise_source
from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile
from users.transfer.imports.column_templates import BadTemplate, ColumnTemplate
from users.transfer.imports.import_fields import (
    FORBIDDEN_FIELDS,
    IMPORT_FIELDS,
    KEY_FIELDS,
    comparable_name,
    key_value,
    normalise_attribute,
)
from users.transfer.imports.mapping_advice import (
    escape_unprintable,
    join_alternatives,
    list_columns,
    mapping_advice,
)

SECRET_WORDS = ("password", "secret", "token")
# The keys of a file that has the system of each ID beside it, such as an export: every account has
# a username, and few have an ID in another system.
MIXED_KEY_FIELDS = ("username", "email", "source_id")
MISSING_SOURCE = "An ID in another system needs the name of that system"


class BadMapping(Exception):
    """An option does not fit the file. The message says why."""


class AccountKey(NamedTuple):
    """The value that identifies an account, with the system that it belongs to if it is an ID in
    another system.
    """

    value: str
    system: str = ""


@dataclass(frozen=True)
class ImportRow:
    """The normalised values of one record. With a `problem`, they must not be used."""

    line: int
    values: dict[str, Any]
    attributes: dict[str, str]
    key: AccountKey
    problem: str = ""
    # Whether the record does not fit its file: the columns, or an earlier row with its key.
    misfit: bool = False


@dataclass(frozen=True)
class ColumnMapping:
    """The mapping of one file."""

    # By field.
    templates: dict[str, ColumnTemplate]
    # Names of columns.
    attributes: list[str]
    ignored: list[str]
    # The system that all IDs belong to. It is empty if each row has its own, or no ID.
    source: str
    # The field that identifies an account, one of KEY_FIELDS.
    key: str

    def row(self, record: ImportRecord) -> ImportRow:
        """Returns the normalised values of a record, or all its problems in one text."""
        if record.misfit:
            return misfit_row(record)
        problems: list[str] = []
        values = self.field_values(record, problems)
        attributes = self.attribute_values(record, problems)
        values.setdefault("source", self.source)
        if not problems:
            problems += self.key_problems(values)
        key = AccountKey(
            value=key_value(self.key, values.get(self.key, "")),
            system=values["source"] if self.key == "source_id" else "",
        )
        return ImportRow(
            line=record.line,
            values=values,
            attributes=attributes,
            key=key,
            problem=" ".join(problems),
        )

    def key_problems(self, values: dict[str, str]) -> list[str]:
        """Returns the problems of valid values that do not identify an account."""
        problems = []
        if values.get("source_id") and not values["source"]:
            origin = template_origin(self.templates["source"])
            problems.append(f"source, {origin}: {MISSING_SOURCE}.")
        if not values[self.key]:
            origin = template_origin(self.templates[self.key])
            problem = f"{self.key}, {origin}: There is no value to identify the account."
            problems.append(f"{problem}{other_key(values)}")
        return problems

    def field_values(self, record: ImportRecord, problems: list[str]) -> dict[str, Any]:
        """Returns the valid values by field. Appends the errors of the others to `problems`. An
        empty cell of a field that is yes or no has no value.
        """
        values: dict[str, Any] = {}
        for field, template in self.templates.items():
            raw = template.fill(record.values)
            if FIELDS[field].is_flag and not raw:
                continue
            try:
                values[field] = IMPORT_FIELDS[field](raw) if raw else ""
            except ValidationError as error:
                origin = template_origin(template)
                shown = escape_unprintable(raw)
                problems.append(f"{field}, {origin}: “{shown}”: {error.messages[0]}")
        return values

    def attribute_values(self, record: ImportRecord, problems: list[str]) -> dict[str, str]:
        """Returns the valid attributes by name. Appends the errors of the others to `problems`."""
        attributes = {}
        for column in self.attributes:
            try:
                attributes[column] = normalise_attribute(record.values[column])
            except ValidationError as error:
                problems.append(f"attribute {column}: {error.messages[0]}")
        return attributes


def misfit_row(record: ImportRecord) -> ImportRow:
    """Returns the row of a record that does not fit the columns."""
    return ImportRow(
        line=record.line,
        values={},
        attributes={},
        key=AccountKey(""),
        problem=record.misfit,
        misfit=True,
    )


def other_key(values: dict[str, str]) -> str:
    """Returns a sentence about a value that could identify the account instead, or ""."""
    field = next((field for field in KEY_FIELDS if values.get(field)), "")
    if not field:
        return ""
    shown = escape_unprintable(values[field])
    return f" Its {field} is “{shown}”: use --key {field} if every row has one."


def build_mapping(
    source: ImportSource,
    *,
    maps: Iterable[str],
    sets: Iterable[str],
    attributes: Iterable[str],
    system: str,
    key: str,
) -> ColumnMapping:
    """Returns the mapping of a file. `maps`: "column=field"; `sets`: "field={Template}". Raises
    BadMapping, or UnreadableFile if a column is missing.
    """
    requested = requested_templates(maps, sets)
    templates = templates_by_name(source, skip=set(requested)) | requested
    check_source(templates, requested, system)
    attributes = list(attributes)
    columns = [column for template in templates.values() for column in template.columns]
    check_columns_used(source, columns, attributes)
    used = {*columns, *attributes}
    return ColumnMapping(
        templates=templates,
        attributes=attributes,
        ignored=[column for column in source.columns if column not in used],
        source=system_name(system),
        key=choose_key(source, templates, key),
    )


def check_source(
    templates: dict[str, ColumnTemplate], requested: dict[str, ColumnTemplate], system: str
) -> None:
    """Removes the template of a column “source” that has nothing to do with IDs in other systems.
    Raises BadMapping unless each ID has one system.
    """
    if "source" in requested and system:
        raise BadMapping("--source names the system of all rows. Leave out it or the field source.")
    if "source" in requested and "source_id" not in templates:
        raise BadMapping("A source needs the ID in that system: --map COLUMN=source_id.")
    if system or "source_id" not in templates:
        templates.pop("source", None)
    if "source_id" in templates and not system and "source" not in templates:
        raise BadMapping(f"{MISSING_SOURCE}: --source NAME, or a column “source”.")


def check_columns_used(source: ImportSource, columns: list[str], attributes: list[str]) -> None:
    """Raises UnreadableFile for a missing column, BadMapping for one that may hold secrets."""
    for column in [*columns, *attributes]:
        require_column(source, column)
    for column in attributes:
        refuse_secret(column)


def refuse_secret(column: str) -> None:
    """Raises BadMapping for a column that seems to hold passwords or secrets."""
    name = comparable_name(column)
    if any(word in name for word in SECRET_WORDS):
        raise BadMapping(f"--attributes {column}: passwords and secrets are never stored.")


def templates_by_name(source: ImportSource, skip: set[str]) -> dict[str, ColumnTemplate]:
    """Returns templates for the fields that have the name of a column, except for `skip`. Raises
    BadMapping if two columns match one field.
    """
    found: dict[str, ColumnTemplate] = {}
    names = {comparable_name(field): field for field in IMPORT_FIELDS if field not in skip}
    for column in source.columns:
        if field := names.get(comparable_name(column)):
            if field in found:
                raise BadMapping(
                    f"Both “{found[field].text}” and “{column}” match {field}. "
                    f"Choose one: --map COLUMN={field}."
                )
            found[field] = ColumnTemplate.column(column)
    return found


def requested_templates(maps: Iterable[str], sets: Iterable[str]) -> dict[str, ColumnTemplate]:
    """Returns the templates that the options ask for, by field. Raises BadMapping."""
    found: dict[str, ColumnTemplate] = {}
    for text in maps:
        column, equals, field = text.rpartition("=")
        field = field.strip()
        require_new_field(found, text, equals, field)
        found[field] = ColumnTemplate.column(column.strip())
    for text in sets:
        field, equals, template = text.partition("=")
        field = field.strip()
        require_new_field(found, text, equals, field)
        try:
            found[field] = ColumnTemplate.parse(template)
        except BadTemplate as error:
            raise BadMapping(f"--set {text}: {error}") from error
    return found


def require_new_field(found: dict[str, ColumnTemplate], text: str, equals: str, field: str) -> None:
    """Raises BadMapping if an option names no field, a field that no file may set, or a field that
    `found` already has.
    """
    if not equals:
        raise BadMapping(f"“{text}” has no =. Use --map column=field or --set 'field={{Column}}'.")
    if field in FORBIDDEN_FIELDS:
        raise BadMapping(f"“{field}” can’t be set from a file: {forbidden_reason()}")
    if field not in IMPORT_FIELDS:
        raise BadMapping(
            f"There is no field “{field}”. The fields are: {', '.join(IMPORT_FIELDS)}."
        )
    if field in found:
        raise BadMapping(f"{field} is given twice.")


def require_column(source: ImportSource, column: str) -> None:
    """Raises UnreadableFile if the file has no such column."""
    if column not in source.columns:
        missing = escape_unprintable(column)
        reason = f"There is no column “{missing}”. {list_columns(source)}"
        raise UnreadableFile(source.name, source.line, reason)


def choose_key(source: ImportSource, templates: dict[str, ColumnTemplate], key: str) -> str:
    """Returns the field that identifies accounts: the requested one, or else the first of
    KEY_FIELDS or MIXED_KEY_FIELDS that the file provides. Raises BadMapping.
    """
    fields = MIXED_KEY_FIELDS if "source" in templates else KEY_FIELDS
    provided = tuple(name for name in fields if name in templates)
    if not provided:
        raise BadMapping(f"Nothing identifies the account of a row. {mapping_advice(source)}")
    if key and key not in provided:
        advice = mapping_advice(source, (key,))
        usable = join_alternatives(tuple(f"--key {name}" for name in provided))
        raise BadMapping(f"--key {key}: nothing provides {key}. {advice} Or use {usable}.")
    if "email" not in templates and "username" not in templates:
        advice = mapping_advice(source, ("email", "username"))
        raise BadMapping(f"An account needs a username or an email. {advice}")
    return key or provided[0]


def system_name(system: str) -> str:
    """Returns the stored name of the system that the file comes from. Raises BadMapping."""
    try:
        return normalise_source(system)
    except ValidationError as error:
        raise BadMapping(f"--source: {error.messages[0]}") from error


def forbidden_reason() -> str:
    """Returns the end of the message about a field that no file may set."""
    return (
        "permissions, passwords and status have their own pages and commands. "
        f"A file can set: {', '.join(IMPORT_FIELDS)}."
    )


def template_origin(template: ColumnTemplate) -> str:
    """Returns the origin of a value for a message: its columns, or that it is fixed."""
    columns = template.columns
    if not columns:
        return "fixed value"
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"
