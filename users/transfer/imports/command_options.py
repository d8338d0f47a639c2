"""Reads the options --map and --set of manage.py import_accounts."""

from collections.abc import Iterable

from users.transfer.formats import ImportSource
from users.transfer.formats.file_format import FormatDefaults
from users.transfer.imports.access_fields import ARCHIVE_FIELD_FORMS
from users.transfer.imports.column_mapping import BadMapping
from users.transfer.imports.column_templates import BadTemplate, ColumnTemplate
from users.transfer.imports.import_fields import FORBIDDEN_FIELDS, IMPORT_TARGETS
from users.transfer.imports.rules import column_text, require_column

UNAVAILABLE = {*FORBIDDEN_FIELDS, *ARCHIVE_FIELD_FORMS}
OPTION_TARGETS = [name for name in IMPORT_TARGETS if name not in UNAVAILABLE]


def option_fields(source: ImportSource, maps: Iterable[str], sets: Iterable[str]) -> dict[str, str]:
    """Returns the fields of ImportRules that the options ask for. `maps`: "column=field"; `sets`:
    "field={Template}". Raises BadMapping, or UnreadableFile for a missing column.
    """
    found: dict[str, str] = {}
    for text in maps:
        column, equals, field = text.rpartition("=")
        field = field.strip()
        require_new_field(found, text, equals, field)
        column = column.strip()
        require_column(source, column)
        found[field] = column_text(column)
    for text in sets:
        field, equals, template = text.partition("=")
        field = field.strip()
        require_new_field(found, text, equals, field)
        try:
            ColumnTemplate.parse(template)
        except BadTemplate as error:
            raise BadMapping(f"--set {text}: {error}") from error
        found[field] = template
    return found


def default_fields(source: ImportSource, defaults: FormatDefaults) -> dict[str, str]:
    """Returns the fields of ImportRules that the format of a file suggests for its columns."""
    return {
        field: column_text(column)
        for column, field in defaults.fields.items()
        if column in source.columns
    }


def require_new_field(found: dict[str, str], text: str, equals: str, field: str) -> None:
    """Raises BadMapping if an option names no field, a field that no option may set, or a field
    that `found` already has.
    """
    if not equals:
        raise BadMapping(f"“{text}” has no =. Use --map column=field or --set 'field={{Column}}'.")
    if field in FORBIDDEN_FIELDS:
        raise BadMapping(f"“{field}” can’t be set from a file: {forbidden_reason()}")
    if field not in OPTION_TARGETS:
        raise BadMapping(
            f"There is no field “{field}”. The fields are: {', '.join(OPTION_TARGETS)}."
        )
    if field in found:
        raise BadMapping(f"{field} is given twice.")


def forbidden_reason() -> str:
    """Returns the end of the message about a field that no option may set."""
    return (
        "access is set by other commands, or on the page of an import. "
        f"A file can set: {', '.join(OPTION_TARGETS)}."
    )
