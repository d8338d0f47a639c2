"""Okta: users as its API returns and takes them, and the CSV that its directory imports."""

from typing import Any

from users.formats.password_columns import PASSWORD_COLUMNS, encoded_columns
from users.formats.record_values import (
    attribute_columns,
    filled_value,
    join_lines,
    list_at,
    map_at,
    name_values,
    text_at,
    text_value,
)
from users.formats.system_format import SystemFormat, system_defaults
from users.passwords.foreign_hashes import ForeignHashError, encode_foreign_hash

API_KEYS = {"activated", "created", "credentials", "status", "groupIds", "_links"}
REQUIRED_COLUMNS = {"login", "firstName", "lastName", "email"}
PHONE_KEYS = ("mobilePhone", "primaryPhone")
# The keys of a row of the CSV that are no part of the profile.
ROW_KEYS = ("id", "status", "created", "lastLogin")
STATUSES = {
    "": "",
    "ACTIVE": "active",
    "DEPROVISIONED": "suspended",
    "LOCKED_OUT": "active",
    "PASSWORD_EXPIRED": "active",
    "PROVISIONED": "invited",
    "RECOVERY": "active",
    "STAGED": "invited",
    "SUSPENDED": "suspended",
}
PBKDF2_DIGESTS = {"SHA256_HMAC": "sha256", "SHA512_HMAC": "sha512"}
KNOWN_KEYS = {
    *PHONE_KEYS,
    "email",
    "firstName",
    "lastName",
    "displayName",
    "locale",
    "login",
    "preferredLanguage",
    "secondEmail",
    "timezone",
}


class OktaUsers(SystemFormat):
    """The users of one organisation."""

    name = "okta"
    label = "Okta users"
    extensions = (".json", ".csv")
    columns = (
        "source_id",
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "time_zone",
        "status",
        "groups",
        *PASSWORD_COLUMNS,
        "password",
        "other_emails",
        "created",
        "last_login",
    )
    defaults = system_defaults("okta", columns)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        return "profile" in keys and bool(keys & API_KEYS)

    def matches_header(self, names: frozenset[str]) -> bool:
        return names >= REQUIRED_COLUMNS

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        if "profile" not in record:
            record = {**record, "profile": row_profile(record)}
        profile = map_at(record, "profile")
        others = {key: value for key, value in profile.items() if key not in KNOWN_KEYS}
        return {
            **attribute_columns(others, "profile"),
            **okta_name(profile),
            **okta_password(map_at(record, "credentials")),
            "source_id": text_at(record, "id"),
            "username": text_at(profile, "login"),
            "email": text_at(profile, "email"),
            "phone": filled_value(profile, PHONE_KEYS),
            "locale": filled_value(profile, ("preferredLanguage", "locale")),
            "time_zone": text_at(profile, "timezone"),
            "status": okta_status(record),
            "groups": join_lines(map(text_value, list_at(record, "groups"))),
            "other_emails": text_at(profile, "secondEmail"),
            "created": text_at(record, "created"),
            "last_login": text_at(record, "lastLogin"),
        }


def row_profile(record: dict[str, Any]) -> dict[str, Any]:
    """Returns the profile in a row of the CSV."""
    return {key: value for key, value in record.items() if key not in ROW_KEYS}


def okta_name(profile: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of the name."""
    return name_values(
        text_at(profile, "firstName"),
        text_at(profile, "lastName"),
        text_at(profile, "displayName"),
    )


def okta_status(record: dict[str, Any]) -> str:
    """Returns the status of a user; an unknown one as it is, so that the import refuses it."""
    text = text_at(record, "status").strip()
    return STATUSES.get(text.upper(), text)


def okta_password(credentials: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of the password of a user. Okta itself exports none; files for its import
    have one.
    """
    password = map_at(credentials, "password")
    if plain := text_at(password, "value"):
        return {"password": plain}
    details = map_at(password, "hash")
    return encoded_columns(lambda: encode_okta_hash(details)) if details else {}


def encode_okta_hash(details: dict[str, Any]) -> str:
    """Returns a hash as Django stores it. Raises ForeignHashError."""
    algorithm = text_at(details, "algorithm").upper()
    salt, value = text_at(details, "salt"), text_at(details, "value")
    if algorithm == "BCRYPT":
        cost = text_at(details, "workFactor").zfill(2)
        return encode_foreign_hash(f"$2a${cost}${salt}{value}")
    digest = PBKDF2_DIGESTS.get(text_at(details, "digestAlgorithm"))
    if algorithm == "PBKDF2" and digest:
        iterations = text_at(details, "iterationCount")
        return encode_foreign_hash(f"$pbkdf2-{digest}${iterations}${salt}${value}")
    raise ForeignHashError(f"Okta hashes of the kind “{algorithm}” can’t be checked.")
