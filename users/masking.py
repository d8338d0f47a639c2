"""Masks personal data for viewers without the permission `view_personal`.

One rule holds everywhere: what is masked for a viewer is found only whole, sorts nowhere, and
stands in no page, file, cursor, header or message. What counts as an address or a number in a text
is decided in users/contact_data.py, for pages, for the key of names and for searches alike.

Viewers get copies of accounts and events with masked values, so no template can show more.
Addresses and numbers within texts are masked in the rendered page (`mask_response`), and in
messages when they are written (users/web/message_storage.py).
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from users import access
from users.contact_data import CONTACT_KEY, MASK, holds_street, mask_email, mask_phone, mask_text
from users.fields import ACCOUNT_FIELDS
from users.models import User

# An AuditEvent, which this module cannot import: rooms import only rooms before them.
Event = TypeVar("Event")
# Characters: a shorter text cannot contain an address or a number.
MIN_TEXT_LENGTH = 4
# Elements whose text is not masked: typed text that is submitted again, and code.
UNMASKED_TAGS = ("textarea", "script", "style")
# The columns of an event with text, besides its JSON.
MASKED_TEXTS = ("actor_text", "target_text", "reason", "ticket", "ip")
# Attributes with text for people.
TEXT_ATTRIBUTE = re.compile(r"((?:title|aria-label|alt|placeholder|data-[a-z-]+)=\")([^\"]+)")


def hides_personal_data(viewer: Any) -> bool:
    """Returns whether personal data is masked for `viewer`."""
    return not access.may(viewer, "view_personal")


def mask_attributes(values: dict[str, Any]) -> dict[str, Any]:
    """Returns imported attributes with masked values."""
    return {key: mask_attribute(key, value) for key, value in values.items()}


def mask_attribute(key: str, value: Any) -> Any:
    """Returns one value of a JSON object, hidden if its key is one of contact data."""
    if CONTACT_KEY.search(key) or (isinstance(value, str) and holds_street(value)):
        return MASK if value else value
    return mask_json(value)


def mask_json(value: Any) -> Any:
    """Returns a JSON value with all its texts masked. A number is masked like its text."""
    if isinstance(value, dict):
        return mask_attributes(value)
    if isinstance(value, list):
        return list(map(mask_json, value))
    if isinstance(value, bool) or value is None:
        return value
    text = str(value)
    masked = mask_text(text)
    return value if masked == text else masked


def hide_value(value: Any) -> str:
    """Returns "" for any value."""
    return ""


MASKS: dict[str, Callable[[Any], Any]] = {
    "text": mask_text,
    "email": mask_email,
    "phone": mask_phone,
    "attributes": mask_attributes,
    "hidden": hide_value,
}
FIELD_MASKS = {field.name: MASKS[field.mask] for field in ACCOUNT_FIELDS if field.mask}


def mask_account(account: User) -> User:
    """Returns a masked copy of an account, which cannot be saved. Deferred fields stay deferred."""
    masked = User.__new__(User)
    values = masked.__dict__
    values |= account.__dict__
    for field, mask in FIELD_MASKS.items():
        if values.get(field):
            values[field] = mask(values[field])
    values["save"] = refuse_saving
    return masked


def is_masked(account: User) -> bool:
    """Returns whether this is a masked copy of an account."""
    return account.__dict__.get("save") is refuse_saving


def mask_accounts(accounts: list[User], viewer: Any) -> list[User]:
    """Returns the accounts as `viewer` may see them."""
    return list(map(mask_account, accounts)) if hides_personal_data(viewer) else accounts


def refuse_saving(*args: Any, **kwargs: Any) -> None:
    """Replaces `save` on a masked copy. Raises RuntimeError."""
    raise RuntimeError("This is a masked copy of an account, and is never saved.")


def mask_event(event: Event) -> Event:
    """Returns a masked copy of an audit event."""
    masked: Any = type(event).__new__(type(event))
    values = masked.__dict__
    values |= vars(event)
    for field in MASKED_TEXTS:
        if value := values.get(field):
            values[field] = mask_text(str(value))
    for field in ("before", "after"):
        values[field] = mask_changes(values.get(field) or {})
    # It would lead to other events, and a session to its address.
    if values.get("session_id"):
        values["session_id"] = MASK
    return masked


def mask_changes(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of an event, by field, masked."""
    return {key: mask_value(key, value) for key, value in values.items()}


def mask_value(field: str, value: Any) -> Any:
    """Returns one value of an event, masked."""
    return FIELD_MASKS[field](value) if matches_column_type(field, value) else mask_json(value)


def matches_column_type(key: str, value: Any) -> bool:
    """Returns whether a JSON value has the type that the mask of its column expects.

    Events about other objects than accounts may hold anything under the name of a column.
    """
    if key not in FIELD_MASKS or not value:
        return False
    return isinstance(value, dict if key == "attributes" else str)


def mask_html(html: str) -> str:
    """Returns a page with its addresses and numbers masked.

    Text in a textarea stays, because it is submitted again. Tags are split and not parsed, to save
    time: a list of fifty rows has a thousand. Tags inside of addresses, where they may break, are
    left out.
    """
    first, *tags_and_texts = html.replace("<wbr>", "").split("<")
    return "<".join([mask_text(first), *map(mask_html_tag, tags_and_texts)])


def mask_html_tag(tag_and_text: str) -> str:
    """Returns a tag without its "<" and the text after it, both masked."""
    tag, end, text = tag_and_text.partition(">")
    if (
        "title=" in tag
        or "label=" in tag
        or "alt=" in tag
        or "placeholder=" in tag
        or "data-" in tag
    ):
        tag = TEXT_ATTRIBUTE.sub(mask_attribute_match, tag)
    if len(text) < MIN_TEXT_LENGTH or tag.startswith(UNMASKED_TAGS):
        return tag + end + text
    return tag + end + mask_text(text)


def mask_attribute_match(match: re.Match[str]) -> str:
    """Returns the masked form of an HTML attribute, with its name unchanged."""
    return match[1] + mask_text(match[2])


def mask_response(request, response) -> None:
    """Masks a page in place if personal data is masked for its viewer.

    A page that reveals data is left alone.
    """
    is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
    if is_page and not getattr(request, "revealed", False) and hides_personal_data(request.user):
        response.content = mask_html(response.content.decode())
