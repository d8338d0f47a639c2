"""Masks personal data for viewers without the permission `view_personal`.

They get copies of accounts and events with masked values, so no template can show more. Addresses
and numbers within texts are masked in the rendered page (`mask_response`). A few characters of an
address or a phone number stay, so that it can be recognised.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from users import access
from users.fields import ACCOUNT_FIELDS
from users.models import User

# An AuditEvent, which this module cannot import: rooms import only rooms before them.
Event = TypeVar("Event")
MASK = "••••"
# People paste wide and small at signs too.
AT_SIGN = "(?:@|＠|﹫|%40|&#64;)"
ADDRESS_PART = r"[^\s\u2068\u2069@＠﹫<>\"'“”‘’«»()\[\]{},;:&=?/|•]"
# Each pattern matches only from the start of a word, so its time is linear in the text's length.
EMAIL_ADDRESS = re.compile(rf"(?<!{ADDRESS_PART})({ADDRESS_PART}+?){AT_SIGN}({ADDRESS_PART}+)")
PHONE_NUMBER = re.compile(r"(?<![\w.+-])(?:\+|00?)[1-9][0-9 ()/-]{5,40}[0-9](?!\w)")
IPV4_ADDRESS = re.compile(
    r"(?<![\w./-])([0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?![\w/-]|\.[0-9])"
)
IPV6_ADDRESS = re.compile(
    r"(?<![\w:.])([0-9a-f]{1,4}:[0-9a-f]{0,4}):[0-9a-f:]{2,}[0-9a-f](?![\w:])", re.IGNORECASE
)
# Matches the names that other systems give to attributes with contact data.
CONTACT_KEY = re.compile(
    r"addr|street|stra(ss|ß)e|city|town|zip|post|phone|mobile|tel|fax|mail|birth|geb|skype|iban",
    re.IGNORECASE,
)
# Characters: a shorter text cannot contain an address or a number.
MIN_TEXT_LENGTH = 4
# Elements whose text is not masked: typed text that is submitted again, and code.
UNMASKED_TAGS = ("textarea", "script", "style")
# Attributes with text for people.
TEXT_ATTRIBUTE = re.compile(r"((?:title|aria-label|alt|placeholder|data-[a-z-]+)=\")([^\"]+)")


def hides_personal_data(viewer: Any) -> bool:
    """Returns whether personal data is masked for `viewer`."""
    return not access.may(viewer, "view_personal")


def mask_email(value: str) -> str:
    """Returns an address such as j•••@example.com.

    The domain stays: it tells colleagues from customers, and does not identify anybody.
    """
    if not value:
        return ""
    local, at, domain = value.rpartition("@")
    first = local[:1] if len(local) > 1 else ""
    return f"{first}•••{at}{domain}"


def mask_phone(value: str) -> str:
    """Returns a number such as •••• 42; for a short number, only the dots."""
    if not value:
        return ""
    return f"{MASK} {value[-2:]}" if len(value) > 5 else MASK


def mask_attributes(values: dict[str, Any]) -> dict[str, Any]:
    """Returns imported attributes with masked values."""
    return {key: mask_attribute(key, value) for key, value in values.items()}


def mask_attribute(key: str, value: Any) -> Any:
    """Returns one value of a JSON object, hidden if its key is one of contact data."""
    if CONTACT_KEY.search(key):
        return MASK if value else value
    return mask_json(value)


def mask_json(value: Any) -> Any:
    """Returns a JSON value with all its texts masked."""
    if isinstance(value, dict):
        return mask_attributes(value)
    if isinstance(value, list):
        return list(map(mask_json, value))
    return mask_text(value) if isinstance(value, str) else value


def mask_text(value: str) -> str:
    """Returns a text with its addresses and numbers masked.

    The checks before the patterns save time, because most texts contain neither.
    """
    if "@" in value or "%40" in value or "&#64;" in value or "＠" in value or "﹫" in value:
        value = EMAIL_ADDRESS.sub(mask_email_match, value)
    if "0" in value or "+" in value:
        value = PHONE_NUMBER.sub(lambda match: mask_phone(match[0]), value)
    if value.count(".") > 2:
        value = IPV4_ADDRESS.sub(r"\1.•••", value)
    return IPV6_ADDRESS.sub(r"\1:•••", value) if value.count(":") > 2 else value


def mask_email_match(match: re.Match[str]) -> str:
    """Returns the masked form of an address found in a text, with a plain at sign."""
    address = f"{match[1]}@{match[2]}".replace("%40", "@").replace("&#64;", "@")
    return mask_email(address)


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
    for field in ("actor_text", "target_text", "reason", "ip"):
        if value := values.get(field):
            values[field] = mask_text(str(value))
    for field in ("before", "after"):
        values[field] = mask_changes(values.get(field) or {})
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
    time: a list of fifty rows has a thousand.
    """
    first, *tags_and_texts = html.split("<")
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
