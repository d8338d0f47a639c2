"""The declarations of the account's fields: label, who changes it, and how other rooms treat it.

The profile forms, the Profile tab, masking, history, edit conflicts, audit labels, imports, bulk
changes and redaction read them. A new field needs a column in users/models.py, a declaration here,
and a migration.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from users import identifiers
from users.email_addresses import normalise_email
from users.phone_numbers import normalise_phone
from users.usernames import normalise_username

# Stands for an empty value, wherever one is shown.
NO_VALUE = "–"


class ChangedBy(Enum):
    """The only way in which a field may change."""

    OWNER = "the person, and staff who may edit profiles"
    STAFF = "staff who may edit profiles"
    VERBS = "a verb of its own"
    ROLES = "the verbs that grant and take access"
    IMPORT = "an import"
    SYSTEM = "Rollcall itself"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the account."""

    name: str
    label: str
    changed_by: ChangedBy
    # Returns the stored form of typed text, or raises ValidationError.
    normalise: Callable[[str], Any] | None = None
    # For the form field. It may exceed the length of the column: normal forms are shorter.
    max_length: int | None = None
    required: bool = False
    help_text: str = ""
    # The field whose line of a form it shares.
    beside: str = ""
    # Shown in digits of equal width.
    numeric: bool = False
    # It is yes or no.
    is_flag: bool = False
    # An import may set it from a column of the file.
    imported: bool = False
    # An example for the bulk form. Without one, the field cannot be set for many accounts at once.
    bulk_example: str = ""
    # Identifies the person, so an erasure removes its values from texts about others.
    personal: bool = False
    # The name of a mask in users/masking.py, for viewers who may not see personal data.
    mask: str = ""
    # People write sentences in it, so the erasure of someone else searches it.
    may_name_others: bool = True

    @property
    def audited(self) -> bool:
        """Whether every change is recorded. Changes of access are recorded by their verbs."""
        return self.changed_by in (ChangedBy.OWNER, ChangedBy.STAFF, ChangedBy.VERBS)


ACCOUNT_FIELDS = (
    Field(
        name="username",
        label="Username",
        changed_by=ChangedBy.STAFF,
        normalise=normalise_username,
        max_length=identifiers.USERNAME_MAX,
        required=True,
        imported=True,
        personal=True,
        mask="text",
        may_name_others=False,
    ),
    Field(
        name="email",
        label="Email",
        changed_by=ChangedBy.STAFF,
        normalise=normalise_email,
        max_length=320,
        help_text="A new address is unverified. The old one gets an email about the change.",
        imported=True,
        personal=True,
        mask="email",
        may_name_others=False,
    ),
    Field(
        name="first_name",
        label="First name",
        changed_by=ChangedBy.OWNER,
        normalise=identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        imported=True,
        personal=True,
        mask="text",
        may_name_others=False,
    ),
    Field(
        name="last_name",
        label="Last name",
        changed_by=ChangedBy.OWNER,
        normalise=identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        beside="first_name",
        imported=True,
        personal=True,
        mask="text",
        may_name_others=False,
    ),
    Field(
        name="phone",
        label="Phone",
        changed_by=ChangedBy.OWNER,
        normalise=normalise_phone,
        max_length=40,
        numeric=True,
        imported=True,
        personal=True,
        mask="phone",
        may_name_others=False,
    ),
    Field(
        name="locale",
        label="Language",
        changed_by=ChangedBy.OWNER,
        normalise=identifiers.normalise_locale,
        max_length=identifiers.LOCALE_MAX,
        help_text="For example en or pt-BR.",
        imported=True,
        bulk_example="pt-BR",
        may_name_others=False,
    ),
    Field(
        name="time_zone",
        label="Time zone",
        changed_by=ChangedBy.OWNER,
        normalise=identifiers.normalise_time_zone,
        max_length=64,
        help_text="For example Europe/Lisbon.",
        beside="locale",
        imported=True,
        bulk_example="Europe/Lisbon",
        may_name_others=False,
    ),
    Field(
        name="accepts_announcements",
        label="Announcements",
        changed_by=ChangedBy.OWNER,
        normalise=identifiers.normalise_flag,
        is_flag=True,
        help_text="News by email, sent only to people who accept it.",
        imported=True,
        bulk_example="yes",
        may_name_others=False,
    ),
    Field(
        name="status",
        label="Status",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="status_reason",
        label="Reason for status",
        changed_by=ChangedBy.VERBS,
        mask="text",
    ),
    Field(
        name="suspended_until",
        label="Suspended until",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="valid_until",
        label="End date",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="deleted_at",
        label="Deleted at",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="email_verified_at",
        label="Email verified",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="email_bounced_at",
        label="Email bounced",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="must_change_password",
        label="Must change password",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="has_second_factor",
        label="Second factor",
        changed_by=ChangedBy.VERBS,
    ),
    Field(
        name="is_staff",
        label="Staff",
        changed_by=ChangedBy.ROLES,
    ),
    Field(
        name="is_superuser",
        label="Superuser",
        changed_by=ChangedBy.ROLES,
    ),
    Field(
        name="groups",
        label="Roles",
        changed_by=ChangedBy.ROLES,
    ),
    Field(
        name="source",
        label="Source",
        changed_by=ChangedBy.IMPORT,
        normalise=identifiers.normalise_source,
        imported=True,
        may_name_others=False,
    ),
    Field(
        name="source_id",
        label="Source ID",
        changed_by=ChangedBy.IMPORT,
        normalise=identifiers.normalise_source_id,
        imported=True,
        personal=True,
        mask="text",
        may_name_others=False,
    ),
    Field(
        name="attributes",
        label="Attributes",
        changed_by=ChangedBy.IMPORT,
        mask="attributes",
    ),
    Field(
        name="id",
        label="ID",
        changed_by=ChangedBy.SYSTEM,
    ),
    Field(
        name="date_joined",
        label="Joined",
        changed_by=ChangedBy.SYSTEM,
    ),
    Field(
        name="last_seen_at",
        label="Last seen",
        changed_by=ChangedBy.SYSTEM,
    ),
    Field(
        name="search_key",
        label="Search key",
        changed_by=ChangedBy.SYSTEM,
        mask="hidden",
        may_name_others=False,
    ),
)
FIELDS = {field.name: field for field in ACCOUNT_FIELDS}


def names_changed_by(*ways: ChangedBy) -> tuple[str, ...]:
    """Returns the names of the fields that change in one of `ways`, in declaration order."""
    return tuple(field.name for field in ACCOUNT_FIELDS if field.changed_by in ways)


PROFILE_FIELDS = names_changed_by(ChangedBy.OWNER, ChangedBy.STAFF)
OWN_PROFILE_FIELDS = names_changed_by(ChangedBy.OWNER)
STATUS_FIELDS = names_changed_by(ChangedBy.VERBS)
ACCESS_FIELDS = names_changed_by(ChangedBy.ROLES)
IMPORT_ONLY_FIELDS = names_changed_by(ChangedBy.IMPORT)
PERSONAL_FIELDS = tuple(field.name for field in ACCOUNT_FIELDS if field.personal)
# Fields whose former values stay searchable (users/audit/former_values.py).
TRACED_FIELDS = tuple(name for name in PERSONAL_FIELDS if FIELDS[name].audited)


def field_label(name: str) -> str:
    """Returns the label of a field of the account; for any other name, the name as words."""
    declared = FIELDS.get(name)
    if declared:
        return declared.label
    words = name.replace("_", " ").capitalize()
    return f"{words[:-2]}ID" if words.endswith(" id") else words


def label_in_text(name: str) -> str:
    """Returns a field's label as written inside a sentence, such as "end date" or "source ID"."""
    declared = FIELDS.get(name)
    if declared is None:
        return name.replace("_", " ")
    label = declared.label
    return label if label.isupper() else label[:1].lower() + label[1:]


def changed_values(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns the values before and after for each field whose values differ, by name."""
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def audited_columns(columns: Iterable[str]) -> list[str]:
    """Returns those of `columns` that audit events record. Others are kept only for undo."""
    return [name for name in columns if name in FIELDS and FIELDS[name].audited]
