"""The fields of an account that a file may set, and their normal forms. Imports set no others."""

from collections.abc import Callable
from typing import Any

from users.email_addresses import email_key
from users.fields import ACCOUNT_FIELDS
from users.identifiers import require_length
from users.models import User
from users.transfer.imports.access_fields import ACCESS_FIELD_FORMS, ARCHIVE_FIELD_FORMS
from users.typed_text import LINE_BREAKS, refuse_hidden

ATTRIBUTE_MAX = 2000  # characters
IMPORT_FIELDS = {
    field.name: field.normalise for field in ACCOUNT_FIELDS if field.imported and field.normalise
}
# All targets of rules. A column is not mapped to an access field by its name alone.
IMPORT_TARGETS: dict[str, Callable[[str], Any]] = {
    **IMPORT_FIELDS,
    **ACCESS_FIELD_FORMS,
    **ARCHIVE_FIELD_FORMS,
}
KEY_FIELDS = ("source_id", "email", "username")
# The command takes access, secrets and status only from the formats of systems, which say what
# their values mean.
FORBIDDEN_FIELDS = {field.name for field in User._meta.get_fields()} - set(IMPORT_FIELDS) | {
    "is_active",
    "role",
    "roles",
}


def key_value(field: str, value: str) -> str:
    """Returns the value of one of KEY_FIELDS as accounts are found by it."""
    return email_key(value) if field == "email" else value


def normalise_attribute(value: str) -> str:
    """Returns the stored form of an attribute. Raises ValidationError if it is too long or holds a
    character that nobody can see.
    """
    return require_length(refuse_hidden(value.strip(), LINE_BREAKS), ATTRIBUTE_MAX)


def comparable_name(text: str) -> str:
    """Returns a name for comparison: "First Name", "first_name" and "FIRSTNAME" are equal."""
    return "".join(text.replace("_", " ").split()).casefold()
