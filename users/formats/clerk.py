"""Clerk: the CSV that its dashboard exports."""

from typing import Any

from users.formats.password_columns import PASSWORD_COLUMNS, encoded_columns
from users.formats.record_values import (
    attribute_columns,
    fallback_username,
    first_filled,
    join_lines,
    text_at,
    text_value,
)
from users.formats.system_format import SystemFormat, system_defaults
from users.passwords.foreign_hashes import (
    FirebaseParameters,
    ForeignHashError,
    encode_firebase_scrypt,
    encode_foreign_hash,
)

REQUIRED_COLUMNS = {"id", "primary_email_address", "password_digest"}
# Kinds of digests that are complete by themselves.
STRING_HASHERS = {
    "",
    "argon2i",
    "argon2id",
    "bcrypt",
    "bcrypt_sha256_django",
    "md5",
    "pbkdf2_sha256_django",
    "phpass",
}
# Kinds that look like hashes of Django, but have a salt in base64.
BASE64_SALTS = {"pbkdf2_sha256": "pbkdf2-sha256", "pbkdf2_sha512": "pbkdf2-sha512"}
KNOWN_COLUMNS = {
    "id",
    "first_name",
    "last_name",
    "username",
    "primary_email_address",
    "primary_phone_number",
    "verified_email_addresses",
    "unverified_email_addresses",
    "verified_phone_numbers",
    "unverified_phone_numbers",
    "password_digest",
    "password_hasher",
    # A secret that Rollcall has no use for.
    "totp_secret",
}


class ClerkUsers(SystemFormat):
    """The users of one application."""

    name = "clerk"
    label = "Clerk users"
    extensions = (".csv",)
    columns = (
        "source_id",
        "username",
        "email",
        "email_verified",
        "first_name",
        "last_name",
        "phone",
        *PASSWORD_COLUMNS,
        "other_emails",
    )
    defaults = system_defaults("clerk", columns)
    short_rows = True

    def matches_header(self, names: frozenset[str]) -> bool:
        return names >= REQUIRED_COLUMNS

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        email = text_at(record, "primary_email_address")
        phone = text_at(record, "primary_phone_number")
        username = text_at(record, "username")
        verified = split_values(text_at(record, "verified_email_addresses"))
        unverified = split_values(text_at(record, "unverified_email_addresses"))
        addresses = [each for each in [*verified, *unverified] if each != email]
        others = {key: value for key, value in record.items() if key not in KNOWN_COLUMNS}
        return {
            **attribute_columns(others, "clerk"),
            **clerk_password(record),
            "source_id": text_at(record, "id"),
            "username": first_filled(username, fallback_username(email, phone)),
            "email": email,
            "email_verified": text_value(bool(email) and email in verified),
            "first_name": text_at(record, "first_name"),
            "last_name": text_at(record, "last_name"),
            "phone": phone,
            "other_emails": join_lines(addresses),
        }


def split_values(text: str) -> list[str]:
    """Returns the values of a cell with several ones."""
    return [value.strip() for value in text.split("|") if value.strip()]


def clerk_password(record: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of the digest of a user."""
    digest = text_at(record, "password_digest")
    hasher = text_at(record, "password_hasher").strip()
    if not digest:
        return {}
    if hasher == "scrypt_firebase":
        return encoded_columns(lambda: encode_clerk_firebase(digest))
    return encoded_columns(lambda: encode_clerk_hash(digest, hasher))


def encode_clerk_hash(digest: str, hasher: str) -> str:
    """Returns a digest as Django stores it. Raises ForeignHashError."""
    if hasher in STRING_HASHERS:
        return encode_foreign_hash(digest)
    parts = digest.split("$")
    if hasher in BASE64_SALTS and len(parts) == len(("kind", "iterations", "salt", "hash")):
        return encode_foreign_hash("$".join(["", BASE64_SALTS[hasher], *parts[1:]]))
    raise ForeignHashError(f"Password hashes of the kind “{hasher}” can’t be checked.")


def encode_clerk_firebase(digest: str) -> str:
    """Returns a digest that came from Firebase, with the parameters of the project in it. Raises
    ForeignHashError.
    """
    try:
        value, salt, key, separator, rounds, cost = digest.split("$")
        parameters = FirebaseParameters(key, separator, int(rounds), int(cost))
    except ValueError as error:
        raise ForeignHashError("The Firebase hash is incomplete or damaged.") from error
    return encode_firebase_scrypt(value, salt, parameters)
