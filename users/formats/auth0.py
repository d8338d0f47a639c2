"""Auth0: exports of users, files for its import, and the separate file with the hashes."""

from typing import Any

from users.formats.password_columns import (
    PASSWORD_COLUMNS,
    encoded_columns,
    hash_columns,
)
from users.formats.record_values import (
    attribute_columns,
    blocked_status,
    first_filled,
    join_lines,
    list_at,
    map_at,
    maps_at,
    name_values,
    text_at,
    text_value,
    yes_no_text,
)
from users.formats.system_format import SystemFormat, system_defaults
from users.passwords.foreign_hashes import ForeignHashError, encode_foreign_hash

# Kinds of custom hashes whose value is a complete string.
STRING_HASHES = {"argon2", "bcrypt", "pbkdf2", "md5", "sha1", "ldap"}
# The length of Django's scrypt hashes in bytes.
SCRYPT_LENGTH = 64
ROLE_KEYS = ("roles", "authorization")
METADATA_KEYS = {"app_metadata", "user_metadata", "blocked", "user_id"}
KNOWN_KEYS = {
    *METADATA_KEYS,
    "_id",
    "_tmp_is_unique",
    "connection",
    "created_at",
    "custom_password_hash",
    "email",
    "email_verified",
    "family_name",
    "given_name",
    "identities",
    "last_ip",
    "last_login",
    "last_password_reset",
    "logins_count",
    "multifactor",
    "name",
    "passwordHash",
    "password_hash",
    "password_set_date",
    "phone_number",
    "phone_verified",
    "tenant",
    "updated_at",
    "username",
}


class Auth0Users(SystemFormat):
    """The users of one tenant."""

    name = "auth0"
    label = "Auth0 users"
    extensions = (".json", ".ndjson")
    columns = (
        "source_id",
        "username",
        "email",
        "email_verified",
        "first_name",
        "last_name",
        "phone",
        "status",
        "groups",
        *PASSWORD_COLUMNS,
        "identities",
        "created",
        "last_login",
    )
    defaults = system_defaults("auth0", columns)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        is_export = "user_id" in keys and bool(keys & {"identities", "email_verified"})
        is_hash_file = {"_id", "passwordHash", "email"} <= keys
        is_import = "custom_password_hash" in keys or (
            "password_hash" in keys and bool(keys & METADATA_KEYS)
        )
        return is_export or is_hash_file or is_import

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        email = text_at(record, "email")
        return {
            **auth0_attributes(record),
            **full_name(record, email),
            **auth0_password(record),
            "source_id": auth0_id(record),
            "username": text_at(record, "username"),
            "email": email,
            "email_verified": yes_no_text(record.get("email_verified")),
            "phone": text_at(record, "phone_number"),
            "status": blocked_status(record.get("blocked")),
            "groups": join_lines(auth0_roles(record)),
            "identities": join_lines(auth0_identities(record)),
            "created": text_at(record, "created_at"),
            "last_login": text_at(record, "last_login"),
        }


def auth0_id(record: dict[str, Any]) -> str:
    """Returns the ID of a user. The file with the hashes has it without "auth0|"."""
    if user_id := text_at(record, "user_id"):
        return user_id
    found = first_filled(text_at(record, "_id", "$oid"), text_at(record, "_id"))
    return f"auth0|{found}" if found else ""


def full_name(record: dict[str, Any], email: str) -> dict[str, str]:
    """Returns the columns of the name. Auth0 repeats the address as the name of unnamed users."""
    full = text_at(record, "name")
    return name_values(
        text_at(record, "given_name"),
        text_at(record, "family_name"),
        "" if full == email else full,
    )


def auth0_roles(record: dict[str, Any]) -> list[str]:
    """Returns the roles and groups that a tenant keeps in app_metadata."""
    metadata = map_at(record, "app_metadata")
    extension = map_at(metadata, "authorization")
    names = [
        *list_at(metadata, "roles"),
        *list_at(extension, "roles"),
        *list_at(extension, "groups"),
    ]
    return list(map(text_value, names))


def auth0_identities(record: dict[str, Any]) -> list[str]:
    """Returns the ways in which a user signs in, such as "google-oauth2: 1234"."""
    identities = maps_at(record, "identities")
    return [
        f"{text_at(identity, 'provider')}: {text_at(identity, 'user_id')}"
        for identity in identities
    ]


def auth0_attributes(record: dict[str, Any]) -> dict[str, str]:
    """Returns the attributes of a user that are no field of the account."""
    own = attribute_columns(map_at(record, "user_metadata"), "user_metadata")
    metadata = map_at(record, "app_metadata")
    others = {key: value for key, value in metadata.items() if key not in ROLE_KEYS}
    profile = {key: value for key, value in record.items() if key not in KNOWN_KEYS}
    application = attribute_columns(others, "app_metadata", own)
    return {
        **attribute_columns(profile, "profile", [*own, *application]),
        **application,
        **own,
    }


def auth0_password(record: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of the hash of a user, in whichever place it is."""
    custom = map_at(record, "custom_password_hash")
    if custom:
        return encoded_columns(lambda: encode_custom_hash(custom))
    return hash_columns(
        first_filled(text_at(record, "passwordHash"), text_at(record, "password_hash"))
    )


def encode_custom_hash(custom: dict[str, Any]) -> str:
    """Returns an entry "custom_password_hash" as Django stores it. Raises ForeignHashError."""
    algorithm = text_at(custom, "algorithm")
    value = text_at(custom, "hash", "value")
    if algorithm == "scrypt":
        return encode_foreign_hash(scrypt_text(custom, value))
    if algorithm not in STRING_HASHES:
        raise ForeignHashError(f"Auth0 hashes of the kind “{algorithm}” can’t be checked.")
    return encode_foreign_hash(value)


def scrypt_text(custom: dict[str, Any], value: str) -> str:
    """Returns a scrypt hash as Django writes it, whose salt is text. Raises ForeignHashError."""
    salt = text_at(custom, "salt", "value")
    is_text = first_filled(text_at(custom, "salt", "encoding"), "utf8") == "utf8"
    is_base64 = text_at(custom, "hash", "encoding") == "base64"
    if not is_text or not is_base64 or text_at(custom, "keylen") != str(SCRYPT_LENGTH):
        raise ForeignHashError("A scrypt hash of this form can’t be checked.")
    cost = first_filled(text_at(custom, "cost"), "16384")
    block = first_filled(text_at(custom, "blockSize"), "8")
    lanes = first_filled(text_at(custom, "parallelization"), "1")
    return f"scrypt${cost}${salt}${block}${lanes}${value}"
