"""Which column becomes which field; worked out once per file, from the names of its columns and
what was asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from users.transfer import fields
from users.transfer.column_templates import BadTemplate, Template
from users.transfer.fields import FIELDS, KEYS, NEVER, plain
from users.transfer.formats import Record, Source, Unreadable

SHOWN = 60
SECRETS = ("password", "secret", "token")


class BadMapping(Exception):
    """The message says what was asked for that can't be done."""


@dataclass(frozen=True)
class Row:
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
class Mapping:
    """`templates` by field; `key` is one of KEYS; `source` the system that source_id belongs to."""

    templates: dict[str, Template]
    attributes: list[str]
    ignored: list[str]
    source: str
    key: str

    def row(self, record: Record) -> Row:
        """Values in normal form, and everything that is wrong with them in one go."""
        if record.misfit:
            return Row(record.line, {}, {}, "", record.misfit, misfit=True)
        values = {}
        problems = []
        for field, template in self.templates.items():
            raw = template.fill(record.values)
            try:
                values[field] = FIELDS[field](raw) if raw else ""
            except ValidationError as error:
                problems.append(
                    f"{field}, {origin(template)}: “{printable(raw)}”: {error.messages[0]}"
                )
        attributes = {}
        for column in self.attributes:
            try:
                attributes[column] = fields.attribute(record.values[column])
            except ValidationError as error:
                problems.append(f"attribute {column}: {error.messages[0]}")
        key = values.get(self.key, "")
        if not key and not problems:
            problems.append(
                f"{self.key}, {origin(self.templates[self.key])}: There is no value to identify the account."
            )
        return Row(record.line, values, attributes, key, " ".join(problems))


def mapping_for(
    source: Source,
    *,
    maps: Iterable[str],
    sets: Iterable[str],
    attributes: Iterable[str],
    system: str,
    key: str,
) -> Mapping:
    """`maps`: "column=field"; `sets`: "field={Template}". Raises BadMapping, and Unreadable where a
    column is missing.
    """
    asked = asked_for(maps, sets)
    templates = by_name(source, skip=set(asked)) | asked
    attributes = list(attributes)
    for column in [
        column for template in templates.values() for column in template.columns
    ] + attributes:
        require_column(source, column)
    for column in attributes:
        if any(word in plain(column) for word in SECRETS):
            raise BadMapping(f"--attributes {column}: passwords and secrets are never stored.")
    if "source_id" in templates and not system:
        raise BadMapping("An ID in another system needs the name of that system: --source NAME.")
    used = {column for template in templates.values() for column in template.columns} | set(
        attributes
    )
    ignored = [column for column in source.columns if column not in used]
    return Mapping(templates, attributes, ignored, system_name(system), key_of(templates, key))


def by_name(source: Source, skip: set[str]) -> dict[str, Template]:
    found: dict[str, Template] = {}
    names = {plain(field): field for field in FIELDS if field not in skip}
    for column in source.columns:
        if field := names.get(plain(column)):
            if field in found:
                raise BadMapping(
                    f"Both “{found[field].text}” and “{column}” match {field}. "
                    f"Choose one: --map COLUMN={field}."
                )
            found[field] = Template.column(column)
    return found


def asked_for(maps: Iterable[str], sets: Iterable[str]) -> dict[str, Template]:
    found: dict[str, Template] = {}
    for text in maps:
        column, equals, field = text.rpartition("=")
        put(
            found,
            text,
            equals,
            field.strip(),
            lambda column=column: Template.column(column.strip()),
        )
    for text in sets:
        field, equals, template = text.partition("=")
        put(found, text, equals, field.strip(), lambda template=template: Template.parse(template))
    return found


def put(found: dict[str, Template], text: str, equals: str, field: str, template) -> None:
    if not equals:
        raise BadMapping(f"“{text}” has no =. Use --map column=field or --set 'field={{Column}}'.")
    if field in NEVER:
        raise BadMapping(f"“{field}” can’t be set from a file: {never()}")
    if field not in FIELDS:
        raise BadMapping(f"There is no field “{field}”. The fields are: {', '.join(FIELDS)}.")
    if field in found:
        raise BadMapping(f"{field} is given twice.")
    try:
        found[field] = template()
    except BadTemplate as error:
        raise BadMapping(f"--set {text}: {error}") from error


def require_column(source: Source, column: str) -> None:
    if column not in source.columns:
        reason = f"There is no column “{printable(column)}”. The columns are: {', '.join(map(printable, source.columns))}."
        raise Unreadable(source.name, source.line, reason)


def key_of(templates: dict[str, Template], key: str) -> str:
    """What accounts are known by: what was asked for, else the first of KEYS that the file has."""
    if key and key not in templates:
        raise BadMapping(f"--key {key}: nothing provides {key}. Use --map or --set to provide it.")
    found = key or next((name for name in KEYS if name in templates), "")
    if not found:
        raise BadMapping(
            "Nothing identifies the account of a row. "
            f"Use --map or --set to provide {' or '.join(KEYS)}."
        )
    if "email" not in templates and "username" not in templates:
        raise BadMapping(
            "An account needs a username or an email. Use --map or --set to provide one."
        )
    return found


def system_name(system: str) -> str:
    try:
        return fields.source(system)
    except ValidationError as error:
        raise BadMapping(f"--source: {error.messages[0]}") from error


def never() -> str:
    return (
        "permissions, passwords and status have their own pages and commands. "
        f"A file can set: {', '.join(FIELDS)}."
    )


def origin(template: Template) -> str:
    columns = template.columns
    return (
        f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"
        if columns
        else "fixed value"
    )


def printable(text: str) -> str:
    """At most SHOWN characters, with those that can't be seen as escapes."""
    shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in shown
    )
