"""Which fields of the account a file may set, and their normal form. Nothing else is ever taken
from a file.
"""

from users.fields import ACCOUNT_FIELDS
from users.identifiers import require_length
from users.models import User

ATTRIBUTE_MAX = 2000  # characters
IMPORT_FIELDS = {
    field.name: field.normalise for field in ACCOUNT_FIELDS if field.imported and field.normalise
}
KEY_FIELDS = ("source_id", "email", "username")
# Access, secrets and status have verbs of their own, which ask for more than a file can answer.
FORBIDDEN_FIELDS = {field.name for field in User._meta.get_fields()} - set(IMPORT_FIELDS) | {
    "is_active",
    "role",
    "roles",
}


def normalise_attribute(value: str) -> str:
    """Returns the stored form of an attribute. Raises ValidationError where it is too long."""
    return require_length(value.strip(), ATTRIBUTE_MAX)


def comparable_name(text: str) -> str:
    """A name as it is compared: "First Name", "first_name" and "FIRSTNAME" are one."""
    return "".join(text.replace("_", " ").split()).casefold()
