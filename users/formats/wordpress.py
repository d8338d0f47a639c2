"""WordPress: users with meta as JSON, the table wp_users, `wp user list`, and the REST API."""

import re
from typing import Any

from users.formats.file_start import FileStart
from users.formats.password_columns import PASSWORD_COLUMNS, hash_columns
from users.formats.php_serialization import PhpSyntaxError, read_php_flags
from users.formats.record_values import (
    SkippedRecord,
    attribute_columns,
    filled_value,
    flag_value,
    join_lines,
    name_values,
    text_at,
    text_value,
)
from users.formats.system_format import SystemFormat, system_defaults

# The key of the roles has the prefix of the tables: "wp_capabilities".
ROLES_KEY = re.compile(r"\w*capabilities")
# What the pages of the administration remember, and secrets.
INTERNAL_KEYS = re.compile(
    r"\w*(capabilities|user_level|user-settings.*|dashboard_quick_press.*)|session_tokens|links"
    r"|user_activation_key|_links|meta|avatar_urls|community-events-location"
)
# The meta of users that is kept as attributes, besides that of shops.
META_ATTRIBUTES = ("nickname", "description")
SHOP_PREFIXES = ("billing_", "shipping_")
KNOWN_KEYS = {
    "billing_phone",
    "display_name",
    "deleted",
    "email",
    "first_name",
    "ID",
    "id",
    "last_name",
    "locale",
    "name",
    "registered_date",
    "role",
    "roles",
    "spam",
    "user_email",
    "user_login",
    "user_pass",
    "user_registered",
    "user_status",
    "username",
}


class WordPressUsers(SystemFormat):
    """The users of one site or network."""

    name = "wordpress"
    label = "WordPress users"
    extensions = (".json", ".csv")
    # The first path is that of phpMyAdmin, which exports each table with its rows.
    record_paths = ("item.data.item", "item", "")
    columns = (
        "source_id",
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "status",
        "groups",
        *PASSWORD_COLUMNS,
        "created",
    )
    defaults = system_defaults("wordpress", columns)

    def matches(self, start: FileStart) -> bool:
        if start.is_json and self.record_path(start) == "item.data.item":
            return '"user_login"' in start.text
        return super().matches(start)

    def matches_keys(self, keys: frozenset[str]) -> bool:
        is_api = {"username", "slug", "registered_date"} <= keys
        return {"user_login", "user_email"} <= keys or is_api

    def matches_header(self, names: frozenset[str]) -> bool:
        return {"user_login", "user_email"} <= names

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        meta = user_meta(record)
        values = {**meta, **record}
        username = filled_value(values, ("user_login", "username"))
        if not username:
            raise SkippedRecord("rows of other tables")
        return {
            **attribute_columns(wordpress_attributes(record, meta), "wordpress"),
            **wordpress_name(values, username),
            **hash_columns(text_at(values, "user_pass")),
            "source_id": filled_value(values, ("ID", "id")),
            "username": username,
            "email": filled_value(values, ("user_email", "email")),
            "phone": text_at(values, "billing_phone"),
            "locale": text_at(values, "locale"),
            "status": wordpress_status(values),
            "groups": join_lines(wordpress_roles(values)),
            "created": filled_value(values, ("user_registered", "registered_date")),
        }


def wordpress_name(values: dict[str, Any], username: str) -> dict[str, str]:
    """Returns the columns of the name. WordPress repeats the username as the name of others."""
    full = filled_value(values, ("display_name", "name"))
    return name_values(
        text_at(values, "first_name"),
        text_at(values, "last_name"),
        "" if full == username else full,
    )


def user_meta(record: dict[str, Any]) -> dict[str, Any]:
    """Returns the meta of a user by key. A list has an object for each of them."""
    meta = record.get("meta")
    if isinstance(meta, dict):
        return meta
    if not isinstance(meta, list):
        return {}
    entries = [each for each in meta if isinstance(each, dict)]
    return {text_at(each, "meta_key"): each.get("meta_value") for each in entries}


def wordpress_attributes(record: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes of a user that are no field of the account."""
    kept = {key: value for key, value in meta.items() if is_attribute(key)}
    kept |= {key: value for key, value in record.items() if not INTERNAL_KEYS.fullmatch(key)}
    return {key: value for key, value in kept.items() if key not in KNOWN_KEYS}


def is_attribute(key: str) -> bool:
    """Returns whether the meta of this key is about the person."""
    return key in META_ATTRIBUTES or key.startswith(SHOP_PREFIXES)


def wordpress_status(values: dict[str, Any]) -> str:
    """Returns the status of a user. A network marks users as spam and as deleted."""
    marks = [text_at(values, key).strip() for key in ("spam", "deleted")]
    is_marked = any(mark and flag_value(mark) is not False for mark in marks)
    return "suspended" if is_marked else "active"


def wordpress_roles(values: dict[str, Any]) -> list[str]:
    """Returns the roles of a user, which are a list, a text with commas, or PHP’s notation."""
    roles = values.get("roles", values.get("role"))
    if isinstance(roles, list):
        return list(map(text_value, roles))
    if text := text_value(roles).strip():
        return role_list(text)
    for key, value in values.items():
        if isinstance(value, str) and value and ROLES_KEY.fullmatch(key):
            return role_list(value)
    return []


def role_list(text: str) -> list[str]:
    """Returns the roles in a text. One that cannot be read is returned as it is."""
    if not re.match(r"[a-zA-Z]:\d", text):
        return text.split(",")
    try:
        return read_php_flags(text)
    except PhpSyntaxError:
        return [text]
