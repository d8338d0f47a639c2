"""Keycloak: realm files, their parts with users (NAME-users-0.json), and lists of the admin API."""

from typing import Any

from users.formats.file_start import FileStart
from users.formats.json_objects import object_keys
from users.formats.password_columns import PASSWORD_COLUMNS, encoded_columns
from users.formats.record_values import (
    SkippedRecord,
    attribute_columns,
    enabled_status,
    filled_value,
    join_lines,
    list_at,
    map_at,
    maps_at,
    milliseconds_time,
    text_at,
    text_value,
    yes_no_text,
)
from users.formats.system_format import SystemFormat, system_defaults
from users.passwords.foreign_hashes import encode_keycloak_credential

# The attributes in which realms keep these fields.
PHONE_ATTRIBUTES = ("phoneNumber", "phone_number", "phone", "mobile")
TIME_ZONE_ATTRIBUTES = ("zoneinfo", "timezone")
# Roles that Keycloak gives to everyone.
COMMON_ROLES = {"offline_access", "uma_authorization"}
USER_KEYS = {"createdTimestamp", "credentials", "requiredActions", "emailVerified"}
# A file of a realm has at least one of these keys besides its name.
REALM_KEYS = {"users", "enabled", "notBefore", "roles", "clients"}


class KeycloakRealm(SystemFormat):
    """The users of one or several realms."""

    name = "keycloak"
    label = "Keycloak realm"
    extensions = (".json",)
    columns = (
        "source_id",
        "username",
        "email",
        "email_verified",
        "first_name",
        "last_name",
        "phone",
        "locale",
        "time_zone",
        "status",
        "groups",
        *PASSWORD_COLUMNS,
        "password",
        "client_roles",
        "required_actions",
        "other_credentials",
        "identities",
        "created",
    )
    defaults = system_defaults("keycloak", columns)

    def matches(self, start: FileStart) -> bool:
        if not start.is_json:
            return False
        return self.record_path(start).endswith("users.item") or is_user(start)

    def record_path(self, start: FileStart) -> str:
        if is_realm(object_keys(start, "")):
            return "users.item"
        if is_realm(object_keys(start, "item")):
            return "item.users.item"
        return "item" if object_keys(start, "item") else ""

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        if record.get("serviceAccountClientId"):
            raise SkippedRecord("service accounts")
        attributes = map_at(record, "attributes")
        return {
            **attribute_columns(other_attributes(attributes), "attributes"),
            "source_id": text_at(record, "id"),
            "username": text_at(record, "username"),
            "email": text_at(record, "email"),
            "email_verified": yes_no_text(record.get("emailVerified")),
            "first_name": text_at(record, "firstName"),
            "last_name": text_at(record, "lastName"),
            "phone": first_attribute(attributes, PHONE_ATTRIBUTES),
            "locale": first_attribute(attributes, ("locale",)),
            "time_zone": first_attribute(attributes, TIME_ZONE_ATTRIBUTES),
            "status": enabled_status(record.get("enabled")),
            "groups": join_lines(role_names(record)),
            "client_roles": join_lines(client_roles(record)),
            "required_actions": join_lines(map(text_value, list_at(record, "requiredActions"))),
            "identities": join_lines(federated_identities(record)),
            "created": milliseconds_time(record.get("createdTimestamp")),
            **credential_columns(maps_at(record, "credentials")),
        }


def is_realm(keys: frozenset[str]) -> bool:
    """Returns whether an object with these keys is a realm."""
    return "realm" in keys and bool(keys & REALM_KEYS)


def is_user(start: FileStart) -> bool:
    """Returns whether a file has users of the admin API."""
    keys = object_keys(start, "item") or object_keys(start, "")
    return {"username", "enabled"} <= keys and bool(keys & USER_KEYS)


def role_names(record: dict[str, Any]) -> list[str]:
    """Returns the groups, without the slash before them, and the realm roles of a user."""
    groups = [text_value(group).removeprefix("/") for group in list_at(record, "groups")]
    roles = map(text_value, list_at(record, "realmRoles"))
    return groups + [role for role in roles if is_specific_role(role)]


def is_specific_role(role: str) -> bool:
    """Returns whether a role is not one that everyone has."""
    return role not in COMMON_ROLES and not role.startswith("default-roles-")


def client_roles(record: dict[str, Any]) -> list[str]:
    """Returns the roles of a user in clients, such as "shop: buyer"."""
    clients = map_at(record, "clientRoles")
    return [f"{client}: {role}" for client in clients for role in list_at(clients, client)]


def federated_identities(record: dict[str, Any]) -> list[str]:
    """Returns the accounts of a user at other providers, such as "google: 1234"."""
    identities = maps_at(record, "federatedIdentities")
    return [
        f"{text_at(identity, 'identityProvider')}: {text_at(identity, 'userId')}"
        for identity in identities
    ]


def first_attribute(attributes: dict[str, Any], names: tuple[str, ...]) -> str:
    """Returns the first value of the first of these attributes that has one."""
    return filled_value(attributes, names).partition("\n")[0]


def other_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes that are no field of the account."""
    fields = {*PHONE_ATTRIBUTES, *TIME_ZONE_ATTRIBUTES, "locale"}
    return {name: value for name, value in attributes.items() if name not in fields}


def credential_columns(credentials: list[dict[str, Any]]) -> dict[str, str]:
    """Returns the columns of the first password, and the kinds of the other credentials."""
    passwords = [each for each in credentials if each.get("type") == "password"]
    kinds = [text_at(each, "type") for each in credentials if each not in passwords]
    columns = {"other_credentials": join_lines(kinds)}
    if not passwords:
        return columns
    [password, *_] = passwords
    if plain := text_at(password, "value"):
        return columns | {"password": plain}
    return columns | encoded_columns(lambda: encode_keycloak_credential(password))
