"""Masks personal data for people who may not see it: a few characters of an address or a phone
number stay, so that one can be recognised.

A viewer without the permission `view_personal` gets copies of accounts and events with masked
values, so no template can show more. Addresses and numbers that people wrote into texts are masked
in the finished page (`mask_response`).
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from users import access
from users.fields import ACCOUNT_FIELDS
from users.models import User

# An AuditEvent; its room comes after the ground.
Event = TypeVar("Event")
MASK = "••••"
# People paste wide and small at signs too.
AT_SIGN = "(?:@|＠|﹫|%40|&#64;)"
ADDRESS_PART = r"[^\s@＠﹫<>\"'“”‘’«»()\[\]{},;:&=?/|•]"
# Each pattern tries only the beginnings of words, so that its time grows with the length of a text
# and no faster.
EMAIL_ADDRESS = re.compile(rf"(?<!{ADDRESS_PART})({ADDRESS_PART}+?){AT_SIGN}({ADDRESS_PART}+)")
PHONE_NUMBER = re.compile(r"(?<![\w.+-])(?:\+|00?)[1-9][0-9 ()/-]{5,40}[0-9](?!\w)")
IPV4_ADDRESS = re.compile(
    r"(?<![\w./-])([0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?![\w/-]|\.[0-9])"
)
IPV6_ADDRESS = re.compile(
    r"(?<![\w:.])([0-9a-f]{1,4}:[0-9a-f]{0,4}):[0-9a-f:]{2,}[0-9a-f](?![\w:])", re.IGNORECASE
)
# Names of attributes, as other systems call them, that tell where someone lives or is reached.
CONTACT_KEY = re.compile(
    r"addr|street|stra(ss|ß)e|city|town|zip|post|phone|mobile|tel|fax|mail|birth|geb|skype|iban",
    re.IGNORECASE,
)
MIN_TEXT_LENGTH = 4  # characters; nothing shorter holds an address or a number
# The elements whose text stays: boxes in which people type, and code.
UNMASKED_TAGS = ("textarea", "script", "style")
# The attributes whose text is read out or pops up.
TEXT_ATTRIBUTE = re.compile(r"((?:title|aria-label|alt|placeholder|data-[a-z-]+)=\")([^\"]+)")


def hides_personal_data(viewer: Any) -> bool:
    """Returns True if personal data is masked for `viewer`."""
    return not access.may(viewer, "view_personal")


def mask_email(value: str) -> str:
    """Returns an address such as j•••@example.com. The domain stays, because it distinguishes
    colleagues from customers and names nobody.
    """
    if not value:
        return ""
    local, at, domain = value.rpartition("@")
    first = local[:1] if len(local) > 1 else ""
    return f"{first}•••{at}{domain}"


def mask_phone(value: str) -> str:
    """Returns a number such as •••• 42, or dots alone for a short one."""
    if not value:
        return ""
    return f"{MASK} {value[-2:]}" if len(value) > 5 else MASK


def mask_attributes(values: dict[str, Any]) -> dict[str, Any]:
    """Returns imported attributes with masked values."""
    return {key: mask_attribute(key, value) for key, value in values.items()}


def mask_attribute(key: str, value: Any) -> Any:
    """Returns one value of a JSON object, hidden where its key says that it is a contact."""
    if CONTACT_KEY.search(key):
        return MASK if value else value
    return mask_json(value)


def mask_json(value: Any) -> Any:
    """Returns any JSON value with its texts masked."""
    if isinstance(value, dict):
        return mask_attributes(value)
    if isinstance(value, list):
        return [mask_json(each) for each in value]
    return mask_text(value) if isinstance(value, str) else value


def mask_text(value: str) -> str:
    """Returns a text with its addresses and numbers masked. The checks before each pattern save
    time: most texts hold none.
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


def mask_account(whole: User) -> User:
    """Returns a copy of an account to show. Fields that were not loaded stay so; saving raises."""
    masked = User.__new__(User)
    values = masked.__dict__
    values |= whole.__dict__
    for field, mask in FIELD_MASKS.items():
        if values.get(field):
            values[field] = mask(values[field])
    values["save"] = refuse_saving
    return masked


def mask_accounts(whole: list[User], viewer: Any) -> list[User]:
    """Returns the accounts as `viewer` may see them."""
    return [mask_account(each) for each in whole] if hides_personal_data(viewer) else whole


def refuse_saving(*args: Any, **kwargs: Any) -> None:
    """Stands in for `save` on a masked copy. Raises RuntimeError."""
    raise RuntimeError("This is a masked copy of an account, and is never saved.")


def mask_event(whole: Event) -> Event:
    """Returns a copy of an audit event to show."""
    masked: Any = type(whole).__new__(type(whole))
    values = masked.__dict__
    values |= vars(whole)
    for field in ("actor_text", "target_text", "reason", "ip"):
        if value := values.get(field):
            values[field] = mask_text(str(value))
    for field in ("before", "after"):
        values[field] = mask_changes(values.get(field) or {})
    return masked


def mask_changes(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of an event, by field, with masked ones."""
    return {key: mask_value(key, value) for key, value in values.items()}


def mask_value(field: str, whole: Any) -> Any:
    """Returns the masked form of one value as an event records it."""
    return FIELD_MASKS[field](whole) if matches_column_type(field, whole) else mask_json(whole)


def matches_column_type(key: str, value: Any) -> bool:
    """Returns True if a JSON value is of the type of its column, so that the mask of the column
    fits. An event that is not about an account may hold anything under the same key.
    """
    if key not in FIELD_MASKS or not value:
        return False
    return isinstance(value, dict if key == "attributes" else str)


def mask_html(html: str) -> str:
    """Returns a page with its addresses and numbers masked. Text in a box stays, because the person
    sends it again. Tags are split off and not parsed: a list of fifty rows has a thousand.
    """
    first, *pieces = html.split("<")
    return "<".join([mask_text(first), *map(mask_html_tag, pieces)])


def mask_html_tag(tag_and_text: str) -> str:
    """Returns a tag without its "<" and the text behind it, both masked."""
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
    """Masks a page in place if personal data is masked for its viewer. What they have just revealed
    stays.
    """
    is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
    if is_page and not getattr(request, "revealed", False) and hides_personal_data(request.user):
        response.content = mask_html(response.content.decode())
