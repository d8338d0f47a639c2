"""Which column becomes which field; worked out once per file, from the names of its columns and
what was asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from users.transfer import import_fields
from users.transfer.column_templates import BadTemplate, ColumnTemplate
from users.transfer.formats import ImportRecord, ImportSource, UnreadableFile
from users.transfer.import_fields import (
    FORBIDDEN_FIELDS,
    IMPORT_FIELDS,
    KEY_FIELDS,
    comparable_name,
)

PRINTABLE_MAX = 60
SECRET_WORDS = ("password", "secret", "token")


class BadMapping(Exception):
    """The message says what was asked for that can't be done."""


@dataclass(frozen=True)
class ImportRow:
    """What a record says. `key` is what its account is known by; with a `problem` the rest is not
    to be used.
    """

    line: int
    values: dict[str, str]
    attributes: dict[str, str]
    key: str
    problem: str = ""
    misfit: bool = False


@dataclass(frozen=True)
class ColumnMapping:
    """`templates` by field; `key` is one of KEYS; `source` the system that source_id belongs to."""

    templates: dict[str, ColumnTemplate]
    attributes: list[str]
    ignored: list[str]
    source: str
    key: str

    def row(self, record: ImportRecord) -> ImportRow:
        """Values in normal form, and everything that is wrong with them in one go."""
        if record.misfit:
            return ImportRow(record.line, {}, {}, "", record.misfit, misfit=True)
        values = {}
        problems = []
        for field, template in self.templates.items():
            raw = template.fill(record.values)
            try:
                values[field] = IMPORT_FIELDS[field](raw) if raw else ""
            except ValidationError as error:
                problems.append(
                    f"{field}, {template_origin(template)}: “{escape_unprintable(raw)}”: {error.messages[0]}"
                )
        attributes = {}
        for column in self.attributes:
            try:
                attributes[column] = import_fields.normalise_attribute(record.values[column])
            except ValidationError as error:
                problems.append(f"attribute {column}: {error.messages[0]}")
        key = values.get(self.key, "")
        if not key and not problems:
            problems.append(
                f"{self.key}, {template_origin(self.templates[self.key])}: There is no value to identify the account."
            )
        return ImportRow(record.line, values, attributes, key, " ".join(problems))


def build_mapping(
    source: ImportSource,
    *,
    maps: Iterable[str],
    sets: Iterable[str],
    attributes: Iterable[str],
    system: str,
    key: str,
) -> ColumnMapping:
    """`maps`: "column=field"; `sets`: "field={Template}". Raises BadMapping, and Unreadable where a
    column is missing.
    """
    asked = requested_templates(maps, sets)
    templates = templates_by_name(source, skip=set(asked)) | asked
    attributes = list(attributes)
    for column in [
        column for template in templates.values() for column in template.columns
    ] + attributes:
        require_column(source, column)
    for column in attributes:
        if any(word in comparable_name(column) for word in SECRET_WORDS):
            raise BadMapping(f"--attributes {column}: passwords and secrets are never stored.")
    if "source_id" in templates and not system:
        raise BadMapping("An ID in another system needs the name of that system: --source NAME.")
    used = {column for template in templates.values() for column in template.columns} | set(
        attributes
    )
    ignored = [column for column in source.columns if column not in used]
    return ColumnMapping(
        templates, attributes, ignored, system_name(system), choose_key(templates, key)
    )


def templates_by_name(source: ImportSource, skip: set[str]) -> dict[str, ColumnTemplate]:
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
    found: dict[str, ColumnTemplate] = {}
    for text in maps:
        column, equals, field = text.rpartition("=")
        add_template(
            found,
            text,
            equals,
            field.strip(),
            lambda column=column: ColumnTemplate.column(column.strip()),
        )
    for text in sets:
        field, equals, template = text.partition("=")
        add_template(
            found,
            text,
            equals,
            field.strip(),
            lambda template=template: ColumnTemplate.parse(template),
        )
    return found


def add_template(
    found: dict[str, ColumnTemplate], text: str, equals: str, field: str, template
) -> None:
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
    try:
        found[field] = template()
    except BadTemplate as error:
        raise BadMapping(f"--set {text}: {error}") from error


def require_column(source: ImportSource, column: str) -> None:
    if column not in source.columns:
        reason = f"There is no column “{escape_unprintable(column)}”. The columns are: {', '.join(map(escape_unprintable, source.columns))}."
        raise UnreadableFile(source.name, source.line, reason)


def choose_key(templates: dict[str, ColumnTemplate], key: str) -> str:
    """What accounts are known by: what was asked for, else the first of KEYS that the file has."""
    if key and key not in templates:
        raise BadMapping(f"--key {key}: nothing provides {key}. Use --map or --set to provide it.")
    found = key or next((name for name in KEY_FIELDS if name in templates), "")
    if not found:
        raise BadMapping(
            "Nothing identifies the account of a row. "
            f"Use --map or --set to provide {' or '.join(KEY_FIELDS)}."
        )
    if "email" not in templates and "username" not in templates:
        raise BadMapping(
            "An account needs a username or an email. Use --map or --set to provide one."
        )
    return found


def system_name(system: str) -> str:
    try:
        return import_fields.normalise_source(system)
    except ValidationError as error:
        raise BadMapping(f"--source: {error.messages[0]}") from error


def forbidden_reason() -> str:
    return (
        "permissions, passwords and status have their own pages and commands. "
        f"A file can set: {', '.join(IMPORT_FIELDS)}."
    )


def template_origin(template: ColumnTemplate) -> str:
    columns = template.columns
    return (
        f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"
        if columns
        else "fixed value"
    )


def escape_unprintable(text: str) -> str:
    """At most SHOWN characters, with those that can't be seen as escapes."""
    shown = text if len(text) <= PRINTABLE_MAX else text[: PRINTABLE_MAX - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in shown
    )
