"""Supabase: the table auth.users as CSV or JSON, and the list of the admin API."""

from datetime import UTC, datetime
from typing import Any

from users.formats.password_columns import PASSWORD_COLUMNS, hash_columns
from users.formats.record_values import (
    SkippedRecord,
    attribute_columns,
    fallback_username,
    first_filled,
    flag_value,
    join_lines,
    list_at,
    map_at,
    maps_at,
    name_values,
    text_at,
    text_value,
)
from users.formats.system_format import SystemFormat, system_defaults

NAME_KEYS = ("first_name", "last_name", "given_name", "family_name", "full_name", "name")
# What Supabase itself keeps beside the attributes of people.
OWN_KEYS = ("provider", "providers", "roles", "email", "email_verified", "phone_verified", "sub")


class SupabaseUsers(SystemFormat):
    """The users of one project."""

    name = "supabase"
    label = "Supabase users"
    extensions = (".csv", ".json")
    record_paths = ("users.item", "item", "")
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
    defaults = system_defaults("supabase", columns)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        is_row = {"id", "encrypted_password"} <= keys
        is_api = {"aud", "id", "email"} <= keys and "user_metadata" in keys
        return is_row or is_api

    def matches_header(self, names: frozenset[str]) -> bool:
        return {"id", "email", "encrypted_password"} <= names

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        if text_at(record, "deleted_at"):
            raise SkippedRecord("deleted users")
        if flag_value(record.get("is_anonymous")):
            raise SkippedRecord("anonymous users")
        email = text_at(record, "email")
        phone = supabase_phone(record)
        return {
            **supabase_attributes(record),
            **hash_columns(text_at(record, "encrypted_password")),
            "source_id": text_at(record, "id"),
            "username": fallback_username(email, phone),
            "email": email,
            "email_verified": text_value(bool(text_at(record, "email_confirmed_at"))),
            "phone": phone,
            "status": supabase_status(record),
            "groups": join_lines(map(text_value, list_at(application_data(record), "roles"))),
            "identities": join_lines(supabase_providers(record)),
            "created": text_at(record, "created_at"),
            "last_login": text_at(record, "last_sign_in_at"),
        }


def personal_data(record: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes that a user may change. Table and API differ in the name."""
    return map_at(record, "raw_user_meta_data") or map_at(record, "user_metadata")


def application_data(record: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes that only the application may change."""
    return map_at(record, "raw_app_meta_data") or map_at(record, "app_metadata")


def supabase_attributes(record: dict[str, Any]) -> dict[str, str]:
    """Returns the columns of the name and of the other attributes of a user."""
    data = personal_data(record)
    own = attribute_columns(other_keys(data, NAME_KEYS), "user_metadata")
    application = attribute_columns(other_keys(application_data(record)), "app_metadata", own)
    return {
        **application,
        **own,
        **name_values(
            first_filled(text_at(data, "first_name"), text_at(data, "given_name")),
            first_filled(text_at(data, "last_name"), text_at(data, "family_name")),
            first_filled(text_at(data, "full_name"), text_at(data, "name")),
        ),
    }


def other_keys(data: dict[str, Any], fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns attributes without those that have another column, or that Supabase needs itself."""
    return {key: value for key, value in data.items() if key not in (*fields, *OWN_KEYS)}


def supabase_phone(record: dict[str, Any]) -> str:
    """Returns the phone number, which Supabase stores without the plus sign."""
    phone = text_at(record, "phone").strip()
    return f"+{phone}" if phone.isdigit() else phone


def supabase_status(record: dict[str, Any]) -> str:
    """Returns the status of a user at this moment."""
    if is_banned(text_at(record, "banned_until")):
        return "suspended"
    has_joined = first_filled(
        text_at(record, "email_confirmed_at"),
        text_at(record, "phone_confirmed_at"),
        text_at(record, "encrypted_password"),
        text_at(record, "last_sign_in_at"),
    )
    return "invited" if text_at(record, "invited_at") and not has_joined else "active"


def is_banned(until: str) -> bool:
    """Returns whether a ban lasts. A time that cannot be read counts as one in the future."""
    if not until or until == "none":
        return False
    try:
        end = datetime.fromisoformat(until)
    except ValueError:
        return True
    return end.replace(tzinfo=end.tzinfo or UTC) > datetime.now(UTC)


def supabase_providers(record: dict[str, Any]) -> list[str]:
    """Returns the accounts of a user at providers, such as "google: 1234"."""
    identities = maps_at(record, "identities")
    if not identities:
        providers = list_at(application_data(record), "providers")
        return [name for name in map(text_value, providers) if name not in ("email", "phone")]
    return [
        f"{text_at(identity, 'provider')}: {text_at(identity, 'id')}"
        for identity in identities
        if identity.get("provider") not in ("email", "phone")
    ]
