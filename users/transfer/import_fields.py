"""What a file may say about an account, and how it gets into normal form. Nothing else is ever
taken from a file.
"""

from collections.abc import Callable

from django.core.exceptions import ValidationError

from users import identifiers
from users.identifiers import refuse_invisible
from users.models import User

SOURCE_MAX = 50
SOURCE_ID_MAX = 255
ATTRIBUTE_MAX = 2000


def normalise_source_id(value: str) -> str:
    """As the other system writes it: its ids may differ in case alone."""
    return require_length(refuse_invisible(value.strip()), SOURCE_ID_MAX)


def normalise_source(value: str) -> str:
    return require_length(refuse_invisible(value.strip()), SOURCE_MAX)


def normalise_attribute(value: str) -> str:
    return require_length(value.strip(), ATTRIBUTE_MAX)


def require_length(value: str, most: int) -> str:
    if len(value) > most:
        raise ValidationError(
            f"This is too long: {len(value)} characters, {most} at most.",
            code="max_length",
        )
    return value


IMPORT_FIELDS: dict[str, Callable[[str], str]] = {
    "username": identifiers.normalise_username,
    "email": identifiers.normalise_email,
    "first_name": identifiers.normalise_name,
    "last_name": identifiers.normalise_name,
    "phone": identifiers.normalise_phone,
    "locale": identifiers.normalise_locale,
    "time_zone": identifiers.normalise_time_zone,
    "source_id": normalise_source_id,
}
KEY_FIELDS = ("source_id", "email", "username")
# Rights, secrets and state: they have verbs of their own, which ask more than a file can answer.
FORBIDDEN_FIELDS = {field.name for field in User._meta.get_fields()} - set(IMPORT_FIELDS) | {
    "is_active",
    "role",
    "roles",
}


def comparable_name(text: str) -> str:
    """A name as it is compared: "First Name", "first_name" and "FIRSTNAME" are one."""
    return "".join(text.replace("_", " ").split()).casefold()
