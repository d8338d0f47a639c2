"""Accounts as SCIM users, and back.

Values with a column are those of the columns. All others that a source sends are kept as JSON in
the account's attributes, below ATTRIBUTE, so that a source reads what it has written.
"""

import json
from typing import Any

from django.core.exceptions import ValidationError
from scim2_models import Meta

from users.fields import FIELDS
from users.models import State, User
from users.scim.service import ScimUser

ATTRIBUTE = "scim"
MAX_CHARACTERS = 16_000
ACTIVE_STATES = (State.ACTIVE, State.INVITED)
# Attributes with a column, by column.
SIMPLE_ATTRIBUTES = {
    "username": "userName",
    "source_id": "externalId",
    "locale": "locale",
    "time_zone": "timezone",
}
NAME_ATTRIBUTES = {"first_name": "givenName", "last_name": "familyName"}
# Attributes of several values, of which one has a column.
LIST_ATTRIBUTES = {"email": "emails", "phone": "phoneNumbers"}
# Columns that stay empty if a value is not in the form that they need.
OPTIONAL_COLUMNS = ("locale", "time_zone", "phone")
# Attributes that are stored elsewhere, or not at all.
OTHER_ATTRIBUTES = ("id", "meta", "groups", "active", "password", "schemas")


def account_version(account: User) -> str:
    return f'W/"{account.version}"'


def user_resource(account: User, groups: list[dict[str, Any]]) -> Any:
    """Returns the account as a SCIM user. `groups`: its roles as values of the attribute."""
    values = user_values(account)
    values["groups"] = groups
    resource = ScimUser.model_validate(values)
    resource.meta = Meta(
        resource_type="User",
        created=account.date_joined,
        last_modified=account.updated_at,
        version=account_version(account),
    )
    return resource


def user_values(account: User) -> dict[str, Any]:
    """Returns the account as JSON of a SCIM user without groups and meta."""
    kept = account.attributes.get(ATTRIBUTE)
    values: dict[str, Any] = json.loads(json.dumps(kept)) if isinstance(kept, dict) else {}
    values["id"] = str(account.pk)
    values["active"] = account.state in ACTIVE_STATES
    set_filled_attributes(values, account, SIMPLE_ATTRIBUTES)
    name = values.get("name", {})
    set_filled_attributes(name, account, NAME_ATTRIBUTES)
    if name:
        values["name"] = name
    for column, attribute in LIST_ATTRIBUTES.items():
        entries = values.pop(attribute, [])
        if found := list_values(entries, column, getattr(account, column)):
            values[attribute] = found
    return values


def set_filled_attributes(
    values: dict[str, Any], account: User, attributes: dict[str, str]
) -> None:
    """Sets the attributes of columns that are not empty."""
    for column, attribute in attributes.items():
        if value := getattr(account, column):
            values[attribute] = value


def list_values(entries: list[dict[str, Any]], column: str, value: str) -> list[dict[str, Any]]:
    """Returns the entries of an attribute, with the value of the column in the main one: as it was
    sent, unless it has changed since.
    """
    main = main_entry(entries)
    if main is None:
        return [{"value": value, "type": "work", "primary": True}] if value else entries
    sent = main.get("value", "")
    if value:
        main["value"] = sent if stored_form(column, sent) == value else value
    elif not sent or stored_form(column, sent):
        # Its value was that of the column, and has been removed since.
        return [entry for entry in entries if entry is not main]
    return entries


def main_entry(entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the entry that has a column: the primary one, that for work, or the first."""
    primary = [entry for entry in entries if entry.get("primary")]
    for_work = [entry for entry in entries if entry.get("type") == "work"]
    return next(iter(primary + for_work + entries), None)


def account_columns(resource: Any) -> dict[str, Any]:
    """Returns the columns of an account for a resource, not yet normalised, and under ATTRIBUTE
    all other values. Raises ValidationError if these are too long.
    """
    values = resource.model_dump(scim_ctx=None, mode="json", exclude_none=True, by_alias=True)
    columns = {
        column: take_value(values, column, name) for column, name in SIMPLE_ATTRIBUTES.items()
    }
    name = values.get("name", {})
    columns |= {column: name.pop(part, "") for column, part in NAME_ATTRIBUTES.items()}
    if not name:
        values.pop("name", None)
    for column, attribute in LIST_ATTRIBUTES.items():
        main = main_entry(values.get(attribute, [])) or {}
        columns[column] = take_value(main, column, "value")
    if "@" in columns["username"]:
        # A username that is an address has to be the account's own.
        columns["email"] = columns["email"] or columns["username"]
    for attribute in OTHER_ATTRIBUTES:
        values.pop(attribute, None)
    if len(json.dumps(values)) > MAX_CHARACTERS:
        text = f"The attributes of a user can have at most {MAX_CHARACTERS:,} characters."
        raise ValidationError(text)
    columns[ATTRIBUTE] = values
    return columns


def take_value(values: dict[str, Any], column: str, name: str) -> str:
    """Returns the value of a column, and removes it from `values`, except for a spelling that is
    to be read back. What a provider has in another form than Rollcall, such as the language
    “English”, stays where it is, and the column is empty.
    """
    value: str = values.get(name, "")
    stored = value
    if column in OPTIONAL_COLUMNS:
        stored = stored_form(column, value)
    is_spelling = column in LIST_ATTRIBUTES and stored != value
    if stored and not is_spelling:
        values.pop(name, None)
    return value if stored else ""


def stored_form(column: str, value: str) -> str:
    """Returns a value as its column has it; "" for one that can't be stored."""
    normalise = FIELDS[column].normalise
    try:
        return normalise(value) if normalise else value
    except ValidationError:
        return ""
