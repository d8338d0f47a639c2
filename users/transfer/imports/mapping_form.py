"""The form that maps columns to fields, and has the rules of the import."""

from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from users import access
from users.formats import UnreadableFile
from users.formats.access_fields import SECRET_TARGETS
from users.formats.import_fields import (
    IMPORT_FIELDS,
    IMPORT_TARGETS,
    KEY_FIELDS,
    comparable_name,
)
from users.formats.rollcall_archive import RollcallArchive
from users.identifiers import normalise_source
from users.models import State
from users.transfer.imports.column_mapping import SECRET_WORDS, BadMapping
from users.transfer.imports.column_templates import TEXT_FILTERS, BadTemplate, ColumnTemplate
from users.transfer.imports.file_rows_job import file_mapping
from users.transfer.imports.import_rights import ImportRights
from users.transfer.imports.rules import (
    MIXED_KEY_FIELDS,
    ImportRules,
    column_text,
)
from users.transfer.imports.stored_rows import stored_record
from users.transfer.imports.target_labels import ACCESS_LABELS, ARCHIVE_LABELS, target_label
from users.transfer.models import ImportFile
from users.web.forms import REASON_MAX, GroupsField, NormalisedField, TextField

# The columns that the form lists. Others can be used in templates.
COLUMNS_SHOWN = 150
SAMPLES_SHOWN = 3
SAMPLE_MAX = 40  # characters
TEMPLATES_MAX = 10_000  # characters
HIDDEN_SAMPLE = "••••••"
# As `comparable_name` returns them.
ACCESS_COLUMNS = {"isstaff", "issuperuser", "isadmin", "userpermissions"}
# Words in the names of columns whose values are not shown.
HIDDEN_WORDS = (*SECRET_WORDS, "hash", "salt", "pwd", "credential")
ATTRIBUTE = "attribute"
KEY_LABELS = {
    "email": "Email",
    "username": "Username",
    "source_id": "ID in another system",
}
MODE_LABELS = {
    "both": "Create and update accounts",
    "create": "Only create accounts",
    "update": "Only update accounts",
}
# The actions of users.access that each mode requires.
MODE_ACTIONS = {
    "both": {"invite", "edit"},
    "create": {"invite"},
    "update": {"edit"},
}
STATUSES = [
    (State.ACTIVE.value, State.ACTIVE.label),
    (State.INVITED.value, State.INVITED.label),
]
TEMPLATES_HELP = (
    "For values from several columns, one field per line, such as "
    "<code>username = {First name|slug}.{Last name|slug}</code>. "
    f"Filters: {', '.join(TEXT_FILTERS)}."
)
NO_KEY = "Choose the column that identifies an account: email, username or ID in another system."
NO_NAME = "New accounts need a username or an email. Choose a column for one of them."


class ColumnRow(NamedTuple):
    """A column with its control and its first values."""

    name: str
    field: forms.BoundField
    samples: list[str]


def target_choices(file: ImportFile) -> list[Any]:
    """Returns the choices of a column of a file, in groups."""
    labels = ACCESS_LABELS
    if file.format == RollcallArchive.name:
        labels = ACCESS_LABELS | ARCHIVE_LABELS
    profile = [(name, target_label(name)) for name in IMPORT_FIELDS]
    return [
        ("", "Ignore"),
        ("Profile", profile),
        ("Access", list(labels.items())),
        ("Other", [(ATTRIBUTE, "Keep as attribute")]),
    ]


def gives_access(column: str) -> bool:
    """Returns whether a column gives access elsewhere. An attribute may have its origin in front of
    its name.
    """
    name = column.rpartition(".")[2]
    return comparable_name(name) in ACCESS_COLUMNS


def is_secret_column(name: str) -> bool:
    """Returns whether a column seems to hold passwords, whose values are not shown."""
    compared = comparable_name(name)
    return any(word in compared for word in HIDDEN_WORDS)


class MappingForm(forms.Form):
    templates = TextField(
        required=False,
        max_length=TEMPLATES_MAX,
        label="Combined columns",
        help_text=TEMPLATES_HELP,
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "spellcheck": "false",
            }
        ),
    )
    mode = forms.ChoiceField(label="Changes")
    key = forms.ChoiceField(
        choices=list(KEY_LABELS.items()),
        label="Match accounts by",
    )
    source = NormalisedField(
        normalise_source,
        required=False,
        max_length=100,
        label="Source system",
        help_text="The system that the IDs come from, such as keycloak.",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    status = forms.ChoiceField(
        choices=STATUSES,
        label="Status of new accounts",
    )
    groups = GroupsField(
        Group.objects.order_by("id"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles for every account",
    )
    valid_until = forms.DateField(
        required=False,
        label="End date",
        help_text="The last day, for accounts whose row has none.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    note = TextField(
        required=False,
        max_length=REASON_MAX,
        label="Note for every account",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, file: ImportFile, by: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.file = file
        self.source_columns: list[str] = file.columns
        choices = target_choices(file)
        for number, column in enumerate(self.source_columns[:COLUMNS_SHOWN]):
            self.fields[column_field(number)] = forms.ChoiceField(
                choices=choices,
                required=False,
                label=column,
            )
        modes: Any = self.fields["mode"]
        modes.choices = permitted_modes(by)
        if self.initial.get("mode") not in dict(modes.choices):
            self.initial["mode"] = modes.choices[0][0]
        self.offer_roles(by)

    def offer_roles(self, by: Any) -> None:
        """Limits the roles to those that `by` may grant; removes the field if there are none."""
        roles = roles_for_import(by)
        groups: Any = self.fields["groups"]
        groups.queryset = Group.objects.filter(pk__in=[role.pk for role in roles]).order_by("id")
        if not roles:
            del self.fields["groups"]

    @property
    def column_rows(self) -> list[ColumnRow]:
        """Returns the listed columns in the order of the file."""
        shown = self.source_columns[:COLUMNS_SHOWN]
        rows = []
        for number, name in enumerate(shown):
            field = self[column_field(number)]
            samples = sample_values(self.file, name)
            if samples and (is_secret_column(name) or field.value() in SECRET_TARGETS):
                samples = [HIDDEN_SAMPLE]
            rows.append(ColumnRow(name, field, samples))
        return rows

    @property
    def hidden_columns(self) -> int:
        return max(len(self.source_columns) - COLUMNS_SHOWN, 0)

    @property
    def access_columns(self) -> list[str]:
        """Returns the columns that give access elsewhere, which no import applies."""
        return list(filter(gives_access, self.source_columns))

    @property
    def problems(self) -> list[str]:
        """Returns all errors of the form, for the place of the preview."""
        return [str(text) for texts in self.errors.values() for text in texts]

    def clean(self) -> dict[str, Any]:
        """Builds the rules, and the mapping to see whether it fits the file."""
        cleaned = super().clean() or self.cleaned_data
        self.chosen: dict[str, str] = {}
        self.attributes: list[str] = []
        self.read_columns(cleaned)
        self.read_templates(cleaned.get("templates", ""))
        if not self.errors:
            self.check_identity(cleaned)
        if not self.errors:
            self.check_mapping()
        return cleaned

    def read_columns(self, cleaned: dict[str, Any]) -> None:
        """Adds an error where two columns go into one field, or where a secret would be shown."""
        first: dict[str, str] = {}
        for number, column in enumerate(self.source_columns[:COLUMNS_SHOWN]):
            name = column_field(number)
            target = cleaned.get(name, "")
            if target == ATTRIBUTE:
                self.attributes.append(column)
                if is_secret_column(column):
                    self.add_error(name, "Passwords and secrets can’t be kept as attributes.")
            elif target in first:
                text = f"“{first[target]}” is already mapped to this field. Choose one of them."
                self.add_error(name, text)
            elif target:
                first[target] = column
                self.chosen[target] = column_text(column)
        hidden = set(self.source_columns[COLUMNS_SHOWN:])
        suggested = self.file.suggested.get("attributes", ())
        self.attributes += filter(hidden.__contains__, suggested)

    def read_templates(self, text: str) -> None:
        """Adds an error for the first line that is no template of a field."""
        for line in filter(str.strip, text.splitlines()):
            field, equals, template = (part.strip() for part in line.partition("="))
            try:
                if not equals or field not in IMPORT_TARGETS:
                    raise BadTemplate("Begin the line with a field and =, such as “username =”.")
                if field in self.chosen:
                    raise BadTemplate(f"{target_label(field)} is already set.")
                ColumnTemplate.parse(template)
            except BadTemplate as error:
                self.add_error("templates", f"“{line.strip()}”: {error}")
                return
            self.chosen[field] = template

    def check_identity(self, cleaned: dict[str, Any]) -> None:
        """Adds an error unless each row identifies its account."""
        key = cleaned["key"]
        if not self.chosen.keys() & KEY_LABELS.keys():
            self.add_error(None, NO_KEY)
        elif key not in self.chosen:
            label = KEY_LABELS[key]
            text = f"No column is mapped to “{label}”. Map one, or match by another field."
            self.add_error("key", text)
        elif cleaned["mode"] != "update" and not self.chosen.keys() & {"email", "username"}:
            self.add_error(None, NO_NAME)
        elif "source_id" in self.chosen and not cleaned["source"] and "source" not in self.chosen:
            self.add_error("source", "Enter the name of the system that the IDs come from.")

    def check_mapping(self) -> None:
        """Adds an error if the rules don't fit the file for any other reason."""
        try:
            self.mapping = file_mapping(self.file, self.rules())
        except BadMapping as error:
            self.add_error(None, ValidationError(error.for_page, code="mapping"))
        except UnreadableFile as error:
            self.add_error(None, ValidationError(error.reason, code="mapping"))

    def rules(self) -> ImportRules:
        """Returns the choices of a form without errors so far."""
        cleaned = self.cleaned_data
        return ImportRules(
            fields=self.chosen,
            attributes=self.attributes,
            source=cleaned["source"],
            key=cleaned["key"],
            mode=cleaned["mode"],
            status=cleaned["status"],
            groups=[group.pk for group in cleaned.get("groups", ())],
            valid_until=cleaned["valid_until"],
            note=cleaned["note"],
        )


def column_field(number: int) -> str:
    """Returns the name of the control of a column, counted from 0."""
    return f"column-{number}"


def permitted_modes(by: Any) -> list[tuple[str, str]]:
    """Returns the choices of changes that `by` may make. Raises Denied if there are none."""
    permitted = access.permitted_actions(by, ("invite", "edit"))
    if not permitted:
        access.require(by, "invite")
    names = [mode for mode, actions in MODE_ACTIONS.items() if actions <= permitted]
    return [(name, MODE_LABELS[name]) for name in names]


def roles_for_import(by: Any) -> list[Group]:
    """Returns the roles that `by` may give to the accounts of an import."""
    rights = ImportRights(by, ImportRules())
    groups = Group.objects.order_by("id")
    return [group for group in groups if not rights.role_refusal(group)]


def sample_values(file: ImportFile, column: str) -> list[str]:
    """Returns the first different values of a column, shortened."""
    found: dict[str, None] = {}
    for line in file.sample:
        if value := stored_record(file, line).values.get(column, "").strip():
            found[value] = None
        if len(found) == SAMPLES_SHOWN:
            break
    return [shorten_sample(value) for value in found]


def suggest_key(file: ImportFile, rules: ImportRules) -> str:
    """Returns the first field of these rules that can identify an account and that no row of the
    sample lacks; without such a field, the first one.
    """
    order = MIXED_KEY_FIELDS if "source" in rules.fields else KEY_FIELDS
    names = [name for name in order if name in rules.fields]
    records = [stored_record(file, line) for line in file.sample]
    columns = {column_text(column): column for column in file.columns}
    for name in names:
        column = columns.get(rules.fields[name], "")
        if all(each.misfit or each.values.get(column) for each in records):
            return name
    return names[0] if names else "email"


def shorten_sample(value: str) -> str:
    return value if len(value) <= SAMPLE_MAX else f"{value[: SAMPLE_MAX - 1]}…"


def mapping_initial(rules: ImportRules, file: ImportFile) -> dict[str, Any]:
    """Returns the initial values of the form. A template of one column becomes its choice."""
    initial: dict[str, Any] = {
        "source": rules.source,
        "key": rules.key or suggest_key(file, rules),
        "mode": rules.mode,
        "status": rules.status,
        "groups": rules.groups,
        "valid_until": rules.valid_until,
        "note": rules.note,
    }
    places = {column_text(name): column_field(place) for place, name in enumerate(file.columns)}
    lines = []
    for field, text in rules.fields.items():
        place = places.get(text)
        if place and place not in initial:
            initial[place] = field
        else:
            lines.append(f"{field} = {text}")
    for column in rules.attributes:
        initial.setdefault(places.get(column_text(column), ""), ATTRIBUTE)
    return initial | {"templates": "\n".join(lines)}
