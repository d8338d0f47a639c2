"""Personal data for those who may not see it: addresses and phone numbers with a few letters left,
to be told apart by.

Whoever lacks the permission `view_personal` gets copies of accounts and events whose values are
masked, so no template can show more. What people wrote is looked through for addresses and numbers
once more before it leaves (`cover`).
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from users import access
from users.fields import ACCOUNT_FIELDS
from users.models import User

Event = TypeVar("Event")  # users.audit.models.AuditEvent, which stands above the ground
MASK = "••••"
AT_SIGN = "(?:@|＠|﹫|%40|&#64;)"  # wide and small ones too, which people paste
ADDRESS_PART = r"[^\s@＠﹫<>\"'“”‘’«»()\[\]{},;:&=?/|•]"
# Each looks at a text from the beginnings of its words alone, so that a long one costs no more than
# its length.
EMAIL_ADDRESS = re.compile(rf"(?<!{ADDRESS_PART})({ADDRESS_PART}+?){AT_SIGN}({ADDRESS_PART}+)")
PHONE_NUMBER = re.compile(r"(?<![\w.+-])(?:\+|00?)[1-9][0-9 ()/-]{5,40}[0-9](?!\w)")
IPV4_ADDRESS = re.compile(
    r"(?<![\w./-])([0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?![\w/-]|\.[0-9])"
)
IPV6_ADDRESS = re.compile(
    r"(?<![\w:.])([0-9a-f]{1,4}:[0-9a-f]{0,4}):[0-9a-f:]{2,}[0-9a-f](?![\w:])", re.IGNORECASE
)
# Names of attributes, in any system's words, that say where somebody lives or how they are reached.
CONTACT_KEY = re.compile(
    r"addr|street|stra(ss|ß)e|city|town|zip|post|phone|mobile|tel|fax|mail|birth|geb|skype|iban",
    re.IGNORECASE,
)
MIN_TEXT_LENGTH = 4  # characters of a text that may hold any of it
# Elements whose text stays: boxes with what somebody types, and code.
UNMASKED_TAGS = ("textarea", "script", "style")
# Attributes that are read out or pop up.
TEXT_ATTRIBUTE = re.compile(r"((?:title|aria-label|alt|placeholder|data-[a-z-]+)=\")([^\"]+)")


def hides_personal_data(viewer: Any) -> bool:
    return not access.may(viewer, "view_personal")


def mask_email(value: str) -> str:
    """j•••@example.com: the domain tells colleagues of one company from customers, and names
    nobody.
    """
    local, at, domain = value.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}•••{at}{domain}" if value else ""


def mask_phone(value: str) -> str:
    """•••• 42"""
    return "" if not value else f"{MASK} {value[-2:]}" if len(value) > 5 else MASK


def mask_attributes(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: (MASK if value else value) if CONTACT_KEY.search(key) else mask_json(value)
        for key, value in values.items()
    }


def mask_json(value: Any) -> Any:
    """What stands in JSON, whatever it is."""
    if isinstance(value, dict):
        return mask_attributes(value)
    if isinstance(value, list):
        return [mask_json(each) for each in value]
    return mask_text(value) if isinstance(value, str) else value


def mask_text(value: str) -> str:
    """What somebody wrote, without the addresses and numbers in it."""
    if "@" in value or "%40" in value or "&#64;" in value or "＠" in value or "﹫" in value:
        value = EMAIL_ADDRESS.sub(
            lambda match: mask_email(
                f"{match[1]}@{match[2]}".replace("%40", "@").replace("&#64;", "@")
            ),
            value,
        )
    if "0" in value or "+" in value:
        value = PHONE_NUMBER.sub(lambda match: mask_phone(match[0]), value)
    if value.count(".") > 2:
        value = IPV4_ADDRESS.sub(r"\1.•••", value)
    return IPV6_ADDRESS.sub(r"\1:•••", value) if value.count(":") > 2 else value


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
    """A copy to be shown. What was not loaded stays so. It is never saved."""
    masked = User.__new__(User)
    values = masked.__dict__
    values |= whole.__dict__
    for field, mask in FIELD_MASKS.items():
        if values.get(field):
            values[field] = mask(values[field])
    values["save"] = refuse_saving
    return masked


def mask_accounts(whole: list[User], viewer: Any) -> list[User]:
    """As `viewer` may see them."""
    return [mask_account(each) for each in whole] if hides_personal_data(viewer) else whole


def refuse_saving(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("This is what a viewer sees of an account, and not the account.")


def mask_event(whole: Event) -> Event:
    """A copy of an audit event to be shown."""
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
    return {
        key: FIELD_MASKS[key](value) if matches_column_type(key, value) else mask_json(value)
        for key, value in values.items()
    }


def mask_value(field: str, whole: Any) -> Any:
    """Of a field of an account, as an event has it."""
    return mask_changes({field: whole})[field]


def matches_column_type(key: str, value: Any) -> bool:
    """Whether a value in JSON is what its column holds; for an event of another make it may be
    anything.
    """
    return (
        key in FIELD_MASKS
        and bool(value)
        and isinstance(value, dict if key == "attributes" else str)
    )


def mask_html(html: str) -> str:
    """A page without addresses and numbers. What a person has typed into a box and sends again
    stays. Tags are split off and not parsed: a list of fifty rows has a thousand.
    """
    first, *pieces = html.split("<")
    return "<".join([mask_text(first), *map(mask_html_tag, pieces)])


def mask_html_tag(piece: str) -> str:
    """A tag without its "<", and the text behind it."""
    tag, end, words = piece.partition(">")
    if (
        "title=" in tag
        or "label=" in tag
        or "alt=" in tag
        or "placeholder=" in tag
        or "data-" in tag
    ):
        tag = TEXT_ATTRIBUTE.sub(lambda match: match[1] + mask_text(match[2]), tag)
    return (
        tag
        + end
        + (
            words
            if len(words) < MIN_TEXT_LENGTH or tag.startswith(UNMASKED_TAGS)
            else mask_text(words)
        )
    )


def mask_response(request, response) -> None:
    """Covers a page on its way to somebody for whom personal data is masked, but for what they have
    just had revealed.
    """
    is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
    if is_page and not getattr(request, "revealed", False) and hides_personal_data(request.user):
        response.content = mask_html(response.content.decode())
