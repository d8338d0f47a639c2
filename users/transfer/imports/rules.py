"""The rules of an import: what its columns become, which accounts it may create and change, and
what every account of it gets.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError

from users.formats import ImportSource, UnreadableFile
from users.formats.access_fields import ARCHIVE_FIELD_FORMS, SECRET_TARGETS
from users.formats.file_format import FormatDefaults
from users.formats.import_fields import (
    IMPORT_FIELDS,
    IMPORT_TARGETS,
    KEY_FIELDS,
    comparable_name,
)
from users.identifiers import normalise_source
from users.models import State
from users.transfer.imports.column_mapping import (
    MISSING_SOURCE,
    SECRET_WORDS,
    BadMapping,
    ColumnMapping,
)
from users.transfer.imports.column_templates import BadTemplate, ColumnTemplate
from users.transfer.imports.mapping_advice import (
    escape_unprintable,
    join_alternatives,
    list_columns,
    mapping_advice,
)
from users.transfer.imports.target_labels import field_in_sentence
from users.typed_text import refuse_invisible

CREATE = "create"
UPDATE = "update"
BOTH = "both"
IMPORT_MODES = (CREATE, UPDATE, BOTH)
# The keys of a file that has the system of each ID beside it, such as an export: every account has
# a username, and few have an ID in another system.
MIXED_KEY_FIELDS = ("username", "email", "source_id")
ONE_COLUMN = "A password comes from one column. A fixed text would be stored with the rules."
Templates = dict[str, ColumnTemplate]


@dataclass(frozen=True)
class ImportRules:
    """The rules of one import."""

    # By target (IMPORT_TARGETS): the name of a column, or a template such as "{Given|slug}".
    fields: dict[str, str] = field(default_factory=dict)
    # The columns that are stored as attributes.
    attributes: list[str] = field(default_factory=list)
    # The system that all IDs belong to.
    source: str = ""
    # The field that identifies an account; "" for the first of KEY_FIELDS that the file has.
    key: str = ""
    # One of IMPORT_MODES.
    mode: str = CREATE
    # The status of new accounts whose row has none.
    status: str = State.ACTIVE
    # The ids of the roles that every account of the import gets.
    groups: list[int] = field(default_factory=list)
    # The last day of every account of the import whose row has none.
    valid_until: date | None = None
    # A note about every account of the import whose row has none.
    note: str = ""

    @property
    def creates(self) -> bool:
        return self.mode != UPDATE

    @property
    def updates(self) -> bool:
        return self.mode != CREATE

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ImportRules":
        """Returns the rules that `to_json` stored. Unknown ones are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        if day := known.get("valid_until"):
            known["valid_until"] = date.fromisoformat(day)
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """Returns the rules as values of JSON."""
        day = self.valid_until.isoformat() if self.valid_until else None
        return {**asdict(self), "valid_until": day}


def build_mapping(
    source: ImportSource, rules: ImportRules, *, by_name: bool = False
) -> ColumnMapping:
    """Returns the mapping of a file. Raises BadMapping, or UnreadableFile if a column is missing.

    `by_name`: columns with the name of a field become that field, as manage.py import_accounts
    does, and advice names the options of that command.
    """
    requested = rule_templates(source, rules)
    templates = requested
    if by_name:
        templates = templates_by_name(source, skip=set(requested)) | requested
    check_source(templates, requested, rules.source)
    columns = [column for template in templates.values() for column in template.columns]
    check_columns_used(source, columns, rules.attributes)
    used = {*columns, *rules.attributes}
    return ColumnMapping(
        templates=templates,
        attributes=list(rules.attributes),
        ignored=[column for column in source.columns if column not in used],
        source=system_name(rules.source),
        key=choose_key(source, templates, rules.key, creates=rules.creates),
        by_command=by_name,
        is_archive=source.is_archive,
    )


def suggested_fields(columns: Iterable[str]) -> dict[str, str]:
    """Returns the fields that have the name of a column, as ImportRules has them. The first of two
    columns with the name of one field counts.
    """
    names = {comparable_name(name): name for name in IMPORT_FIELDS}
    found: dict[str, str] = {}
    for column in columns:
        if target := names.get(comparable_name(column)):
            found.setdefault(target, column_text(column))
    return found


def column_text(column: str) -> str:
    """Returns the text of a template that has the values of one column."""
    return column if set("{}|") & set(column) else f"{{{column}}}"


def rule_templates(source: ImportSource, rules: ImportRules) -> Templates:
    """Returns the templates of the rules by target. Raises BadMapping."""
    found = {}
    for target, text in rules.fields.items():
        if target not in IMPORT_TARGETS:
            raise BadMapping(f"There is no field “{target}”.")
        if target in ARCHIVE_FIELD_FORMS and not source.is_archive:
            raise BadMapping(f"“{target}” can only be set from a Rollcall archive.")
        found[target] = read_template(source, target, text)
    return found


def read_template(source: ImportSource, target: str, text: str) -> ColumnTemplate:
    """Returns the template of a text, which may be the name of a column. Raises BadMapping."""
    if text in source.columns:
        return ColumnTemplate.column(text)
    try:
        template = ColumnTemplate.parse(text)
    except BadTemplate as error:
        raise BadMapping(f"{target}: “{text}”: {error}") from error
    if template.is_column:
        return ColumnTemplate.column(template.columns[0])
    if target in SECRET_TARGETS:
        # Rules are stored with the job, where nobody may read a password.
        raise BadMapping(f"{target}: {ONE_COLUMN}")
    return template


def check_source(templates: Templates, requested: Templates, system: str) -> None:
    """Removes the template of a column “source” that has nothing to do with IDs in other systems.
    Raises BadMapping unless each ID has one system.
    """
    if "source" in requested and system:
        raise BadMapping(
            "--source names the system of all rows. Use it or the field source, not both.",
            "“Source system” applies to all rows. Leave it empty, or map no column to “source”.",
        )
    if "source" in requested and "source_id" not in templates:
        raise BadMapping(
            "A source needs the ID in that system: --map COLUMN=source_id.",
            "A source needs the ID in that system: map a column to “source_id”.",
        )
    if system or "source_id" not in templates:
        templates.pop("source", None)
    if "source_id" in templates and not system and "source" not in templates:
        raise BadMapping(
            f"{MISSING_SOURCE}: --source NAME, or a column “source”.",
            f"{MISSING_SOURCE}. Enter it, or map a column to “source”.",
        )


def check_columns_used(source: ImportSource, columns: list[str], attributes: list[str]) -> None:
    """Raises UnreadableFile for a missing column, BadMapping for one that can't be an attribute."""
    for column in [*columns, *attributes]:
        require_column(source, column)
    for column in attributes:
        refuse_secret(column)
        try:
            refuse_invisible(column)
        except ValidationError as error:
            shown = escape_unprintable(column)
            raise BadMapping(f"attribute {shown}: {error.messages[0]}") from error


def suggested_attributes(columns: Iterable[str], defaults: FormatDefaults) -> list[str]:
    """Returns the columns that a format suggests as attributes."""
    if not defaults.keeps_attributes:
        return []
    others = (column for column in columns if column not in defaults.fields)
    return list(filter(can_be_attribute, others))


def can_be_attribute(column: str) -> bool:
    """Returns whether a column can be stored as an attribute."""
    try:
        refuse_secret(column)
        refuse_invisible(column)
    except (BadMapping, ValidationError):
        return False
    return True


def refuse_secret(column: str) -> None:
    """Raises BadMapping for a column that seems to hold passwords or secrets."""
    name = comparable_name(column)
    if any(word in name for word in SECRET_WORDS):
        reason = "passwords and secrets are never stored."
        raise BadMapping(f"--attributes {column}: {reason}", f"{column}: {reason}")


def templates_by_name(source: ImportSource, skip: set[str]) -> Templates:
    """Returns templates for the fields that have the name of a column, except for `skip`. Raises
    BadMapping if two columns match one field.
    """
    found: Templates = {}
    names = {comparable_name(name): name for name in IMPORT_FIELDS if name not in skip}
    for column in source.columns:
        if target := names.get(comparable_name(column)):
            if target in found:
                raise BadMapping(
                    f"Both “{found[target].text}” and “{column}” match {target}. "
                    f"Choose one: --map COLUMN={target}."
                )
            found[target] = ColumnTemplate.column(column)
    return found


def require_column(source: ImportSource, column: str) -> None:
    """Raises UnreadableFile if the file has no such column."""
    if column not in source.columns:
        missing = escape_unprintable(column)
        reason = f"There is no column “{missing}”. {list_columns(source)}"
        raise UnreadableFile(source.name, source.line, reason)


def choose_key(source: ImportSource, templates: Templates, key: str, *, creates: bool) -> str:
    """Returns the field that identifies accounts: the requested one, or else the first of
    KEY_FIELDS or MIXED_KEY_FIELDS that the file provides. Raises BadMapping.
    """
    fields = MIXED_KEY_FIELDS if "source" in templates else KEY_FIELDS
    provided = tuple(name for name in fields if name in templates)
    if not provided:
        unknown = "Nothing identifies the account of a row."
        raise BadMapping(
            f"{unknown} {mapping_advice(source)}",
            f"{unknown} Map a column to {join_alternatives(shown_names(KEY_FIELDS))}.",
        )
    if key and key not in provided:
        raise BadMapping(
            missing_key_advice(source, key, provided),
            f"No column is mapped to {field_in_sentence(key, by_command=False)}.",
        )
    if creates and "email" not in templates and "username" not in templates:
        names = ("email", "username")
        unnamed = "An account needs a username or an email."
        raise BadMapping(
            f"{unnamed} {mapping_advice(source, names)}",
            f"{unnamed} Map a column to one of them.",
        )
    return key or provided[0]


def shown_names(fields: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of fields as sentences on pages have them."""
    return tuple(field_in_sentence(name, by_command=False) for name in fields)


def missing_key_advice(source: ImportSource, key: str, provided: tuple[str, ...]) -> str:
    """Returns the message about a requested key that the file does not provide."""
    advice = mapping_advice(source, (key,))
    usable = join_alternatives(tuple(f"--key {name}" for name in provided))
    return f"--key {key}: nothing provides {key}. {advice} Or use {usable}."


def system_name(system: str) -> str:
    """Returns the stored name of the system that the file comes from. Raises BadMapping."""
    try:
        return normalise_source(system)
    except ValidationError as error:
        reason = error.messages[0]
        raise BadMapping(f"--source: {reason}", f"Source system: {reason}") from error
