"""The fields of an account that a file may set, and their normal forms. Imports set no others."""

from users.fields import ACCOUNT_FIELDS
from users.identifiers import require_length
from users.models import User

ATTRIBUTE_MAX = 2000  # characters
IMPORT_FIELDS = {
    field.name: field.normalise for field in ACCOUNT_FIELDS if field.imported and field.normalise
}
KEY_FIELDS = ("source_id", "email", "username")
# Access, secrets and status are changed by verbs, which need more input than a file has.
FORBIDDEN_FIELDS = {field.name for field in User._meta.get_fields()} - set(IMPORT_FIELDS) | {
    "is_active",
    "role",
    "roles",
}


def normalise_attribute(value: str) -> str:
    """Returns the stored form of an attribute. Raises ValidationError if it is too long."""
    return require_length(value.strip(), ATTRIBUTE_MAX)


def comparable_name(text: str) -> str:
    """Returns a name for comparison: "First Name", "first_name" and "FIRSTNAME" are equal."""
    return "".join(text.replace("_", " ").split()).casefold()
