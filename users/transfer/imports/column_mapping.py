"""Maps the columns of a file to fields of the account. The mapping is built once per file, from the
names of its columns and the rules of the import (users/transfer/imports/rules.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from users.fields import FIELDS
from users.formats import ImportRecord
from users.formats.access_fields import SECRET_TARGETS, RowPassword
from users.formats.import_fields import (
    IMPORT_FIELDS,
    IMPORT_TARGETS,
    KEY_FIELDS,
    key_value,
    normalise_attribute,
)
from users.formats.rollcall_archive import archive_attribute_name
from users.transfer.imports.column_templates import ColumnTemplate
from users.transfer.imports.mapping_advice import escape_unprintable
from users.transfer.imports.target_labels import field_at_start, field_in_sentence

# The column in which the formats of systems say why they have no hash.
PASSWORD_REMARK = "password_remark"  # noqa: S105  the name of a column
SECRET_WORDS = ("password", "secret", "token")
MISSING_SOURCE = "An ID in another system needs the name of that system"
FLAG_FIELDS = {name for name in IMPORT_FIELDS if FIELDS[name].is_flag}


class BadMapping(Exception):
    """The rules of an import do not fit the file. The message says why, with the options of
    manage.py import_accounts; `for_page` is the message for a form.
    """

    def __init__(self, message: str, for_page: str = ""):
        super().__init__(message)
        self.for_page = for_page or message


class AccountKey(NamedTuple):
    """The value that identifies an account, with the system that it belongs to if it is an ID in
    another system.
    """

    value: str
    system: str = ""


class MappedField(NamedTuple):
    """A field with what makes its value."""

    name: str
    template: ColumnTemplate
    fill: Callable[[dict[str, str]], str]
    normalise: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class ImportRow:
    """The normalised values of one record. With a `problem`, they must not be used."""

    line: int
    values: dict[str, Any]
    attributes: dict[str, str]
    key: AccountKey
    problem: str = ""
    # Whether the record does not fit its file: the columns, or an earlier row with its key.
    misfit: bool = False
    # What the row says about access, by target (users/formats/access_fields.py).
    access: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMapping:
    """The mapping of one file."""

    # By target.
    templates: dict[str, ColumnTemplate]
    # Names of columns.
    attributes: list[str]
    ignored: list[str]
    # The system that all IDs belong to. It is empty if each row has its own, or no ID.
    source: str
    # The field that identifies an account, one of KEY_FIELDS.
    key: str
    # Whether advice names the options of manage.py import_accounts.
    by_command: bool = False
    # Whether the file is a Rollcall archive.
    is_archive: bool = False

    @cached_property
    def fields(self) -> list[MappedField]:
        """The fields of the account that columns make."""
        names = [name for name in self.templates if name in IMPORT_FIELDS]
        return [mapped_field(name, self.templates[name]) for name in names]

    @cached_property
    def access_fields(self) -> list[MappedField]:
        """The other targets that columns make."""
        names = [name for name in self.templates if name not in IMPORT_FIELDS]
        return [mapped_field(name, self.templates[name]) for name in names]

    @cached_property
    def attribute_names(self) -> dict[str, str]:
        """The names of the attributes by column."""
        if not self.is_archive:
            return {column: column for column in self.attributes}
        return {column: archive_attribute_name(column) for column in self.attributes}

    def row(self, record: ImportRecord) -> ImportRow:
        """Returns the normalised values of a record, or all its problems in one text."""
        if record.misfit:
            return misfit_row(record)
        problems: list[str] = []
        values = self.field_values(record, problems)
        attributes = self.attribute_values(record, problems) if self.attributes else {}
        access = self.access_values(record, problems) if self.access_fields else {}
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
            access=access,
        )

    def key_problems(self, values: dict[str, str]) -> list[str]:
        """Returns the problems of valid values that do not identify an account."""
        problems = []
        if values.get("source_id") and not values["source"]:
            origin = template_origin(self.templates["source"])
            problems.append(f"{self.field_at_start('source')}, {origin}: {MISSING_SOURCE}.")
        if not values[self.key]:
            origin = template_origin(self.templates[self.key])
            field = self.field_at_start(self.key)
            problem = f"{field}, {origin}: There is no value to identify the account."
            problems.append(f"{problem}{self.other_key(values)}")
        return problems

    def other_key(self, values: dict[str, str]) -> str:
        """Returns a sentence about a value that could identify the account instead, or ""."""
        name = next((name for name in KEY_FIELDS if values.get(name)), "")
        if not name:
            return ""
        shown = escape_unprintable(values[name])
        named = field_in_sentence(name, by_command=self.by_command)
        advice = f"use --key {name}" if self.by_command else f"match accounts by {named}"
        return f" Its {named} is “{shown}”: {advice} if every row has one."

    def field_values(self, record: ImportRecord, problems: list[str]) -> dict[str, Any]:
        """Returns the valid values by field. Appends the errors of the others to `problems`. An
        empty cell of a field that is yes or no has no value.
        """
        values: dict[str, Any] = {}
        for each in self.fields:
            raw = each.fill(record.values)
            if raw:
                try:
                    values[each.name] = each.normalise(raw)
                except ValidationError as error:
                    problems.append(self.value_problem(each, raw, error))
            elif each.name not in FLAG_FIELDS:
                values[each.name] = ""
        return values

    def access_values(self, record: ImportRecord, problems: list[str]) -> dict[str, Any]:
        """Returns the valid values of other targets. Appends the errors of the rest to `problems`.
        An empty cell has no value.
        """
        values: dict[str, Any] = {}
        for each in self.access_fields:
            if raw := each.fill(record.values):
                try:
                    values[each.name] = each.normalise(raw)
                except ValidationError as error:
                    problems.append(self.value_problem(each, raw, error))
        remark = record.values.get(PASSWORD_REMARK)
        if remark and "password_hash" in self.templates:
            values.setdefault("password_hash", RowPassword(problem=remark))
        return values

    def attribute_values(self, record: ImportRecord, problems: list[str]) -> dict[str, str]:
        """Returns the valid attributes by name. Appends the errors of the others to `problems`."""
        attributes = {}
        for column, name in self.attribute_names.items():
            try:
                attributes[name] = normalise_attribute(record.values[column])
            except ValidationError as error:
                problems.append(f"attribute {column}: {error.messages[0]}")
        return attributes

    def value_problem(self, field: MappedField, raw: str, error: ValidationError) -> str:
        """Returns the sentence about an invalid value. It shows no password."""
        origin = template_origin(field.template)
        shown = "" if field.name in SECRET_TARGETS else f"“{escape_unprintable(raw)}”: "
        return f"{self.field_at_start(field.name)}, {origin}: {shown}{error.messages[0]}"

    def field_at_start(self, name: str) -> str:
        return field_at_start(name, by_command=self.by_command)


def mapped_field(name: str, template: ColumnTemplate) -> MappedField:
    """Returns a target with the functions that make its value. A password keeps its spaces."""
    return MappedField(name, template, template_reader(name, template), IMPORT_TARGETS[name])


def template_reader(name: str, template: ColumnTemplate) -> Callable[[dict[str, str]], str]:
    """Returns the function that makes the value of a target from the cells of a row."""
    if not template.is_column:
        return template.fill
    column = template.parts[0].text
    return whole_cell(column) if name == "password" else trimmed_cell(column)


def whole_cell(column: str) -> Callable[[dict[str, str]], str]:
    """Returns a function that returns the text of a column as it is."""
    return itemgetter(column)


def trimmed_cell(column: str) -> Callable[[dict[str, str]], str]:
    """Returns a function that returns the trimmed text of a column."""

    def fill(values: dict[str, str]) -> str:
        return values[column].strip()

    return fill


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


def template_origin(template: ColumnTemplate) -> str:
    """Returns the origin of a value for a message: its columns, or that it is fixed."""
    columns = template.columns
    if not columns:
        return "fixed value"
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"
