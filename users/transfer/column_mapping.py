"""Maps the columns of a file to fields of the account. The mapping is built once per file, from the
names of its columns and the options of the import.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from users.identifiers import normalise_source
from users.transfer.column_templates import BadTemplate, ColumnTemplate
from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile
from users.transfer.import_fields import (
    FORBIDDEN_FIELDS,
    IMPORT_FIELDS,
    KEY_FIELDS,
    comparable_name,
    key_value,
    normalise_attribute,
)

PRINTABLE_MAX = 60  # characters of a value in a message
SECRET_WORDS = ("password", "secret", "token")


class BadMapping(Exception):
    """An option does not fit the file. The message says why."""


@dataclass(frozen=True)
class ImportRow:
    """The normalised values of one record. With a `problem`, they must not be used."""

    line: int
    values: dict[str, str]
    attributes: dict[str, str]
    # The value that identifies the account.
    key: str
    problem: str = ""
    # Whether the record does not fit the columns of its file.
    misfit: bool = False


@dataclass(frozen=True)
class ColumnMapping:
    """The mapping of one file."""

    # By field.
    templates: dict[str, ColumnTemplate]
    # Names of columns.
    attributes: list[str]
    ignored: list[str]
    # The system that source_id belongs to.
    source: str
    # The field that identifies an account, one of KEY_FIELDS.
    key: str

    def row(self, record: ImportRecord) -> ImportRow:
        """Returns the normalised values of a record, or all its problems in one text."""
        if record.misfit:
            return ImportRow(
                line=record.line,
                values={},
                attributes={},
                key="",
                problem=record.misfit,
                misfit=True,
            )
        problems: list[str] = []
        values = self.field_values(record, problems)
        attributes = self.attribute_values(record, problems)
        key = key_value(self.key, values.get(self.key, ""))
        if not key and not problems:
            origin = template_origin(self.templates[self.key])
            problems.append(f"{self.key}, {origin}: There is no value to identify the account.")
        return ImportRow(
            line=record.line,
            values=values,
            attributes=attributes,
            key=key,
            problem=" ".join(problems),
        )

    def field_values(self, record: ImportRecord, problems: list[str]) -> dict[str, str]:
        """Returns the valid values by field. Appends the errors of the others to `problems`."""
        values = {}
        for field, template in self.templates.items():
            raw = template.fill(record.values)
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
    attributes = list(attributes)
    columns = [column for template in templates.values() for column in template.columns]
    check_columns_used(source, columns, attributes)
    if "source_id" in templates and not system:
        raise BadMapping("An ID in another system needs the name of that system: --source NAME.")
    used = {*columns, *attributes}
    return ColumnMapping(
        templates=templates,
        attributes=attributes,
        ignored=[column for column in source.columns if column not in used],
        source=system_name(system),
        key=choose_key(templates, key),
    )


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
        columns = ", ".join(map(escape_unprintable, source.columns))
        missing = escape_unprintable(column)
        reason = f"There is no column “{missing}”. The columns are: {columns}."
        raise UnreadableFile(source.name, source.line, reason)


def choose_key(templates: dict[str, ColumnTemplate], key: str) -> str:
    """Returns the field that identifies accounts: the requested one, or else the first of
    KEY_FIELDS that the file provides. Raises BadMapping.
    """
    if key and key not in templates:
        raise BadMapping(f"--key {key}: nothing provides {key}. Use --map or --set to provide it.")
    found = key or next((name for name in KEY_FIELDS if name in templates), "")
    if not found:
        keys = " or ".join(KEY_FIELDS)
        raise BadMapping(
            f"Nothing identifies the account of a row. Use --map or --set to provide {keys}."
        )
    if "email" not in templates and "username" not in templates:
        raise BadMapping(
            "An account needs a username or an email. Use --map or --set to provide one."
        )
    return found


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


def escape_unprintable(text: str) -> str:
    """Returns at most PRINTABLE_MAX characters of `text`, with escapes for unprintable ones."""
    shown = text if len(text) <= PRINTABLE_MAX else text[: PRINTABLE_MAX - 1] + "…"
    return "".join(map(escape_character, shown))


def escape_character(char: str) -> str:
    """Returns a printable character unchanged, and an escape such as \\x00 for any other one."""
    if char.isprintable():
        return char
    return char.encode("unicode_escape", "surrogatepass").decode()
