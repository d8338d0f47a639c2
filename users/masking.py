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
from users.models import User

Event = TypeVar("Event")  # users.audit.models.AuditEvent, which stands above the ground
HIDDEN = "••••"
AT = "(?:@|＠|﹫|%40|&#64;)"  # wide and small ones too, which people paste
PART = r"[^\s@＠﹫<>\"'“”‘’«»()\[\]{},;:&=?/|•]"
# Each looks at a text from the beginnings of its words alone, so that a long one costs no more than
# its length.
ADDRESS = re.compile(rf"(?<!{PART})({PART}+?){AT}({PART}+)")
NUMBER = re.compile(r"(?<![\w.+-])(?:\+|00?)[1-9][0-9 ()/-]{5,40}[0-9](?!\w)")
NETWORK = re.compile(
    r"(?<![\w./-])([0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?![\w/-]|\.[0-9])"
)
NETWORK_6 = re.compile(
    r"(?<![\w:.])([0-9a-f]{1,4}:[0-9a-f]{0,4}):[0-9a-f:]{2,}[0-9a-f](?![\w:])", re.IGNORECASE
)
# Names of attributes, in any system's words, that say where somebody lives or how they are reached.
REACHING = re.compile(
    r"addr|street|stra(ss|ß)e|city|town|zip|post|phone|mobile|tel|fax|mail|birth|geb|skype|iban",
    re.IGNORECASE,
)
LEAST = 4  # characters of a text that may hold any of it
# Elements whose text stays: boxes with what somebody types, and code.
KEPT = ("textarea", "script", "style")
# Attributes that are read out or pop up.
ATTRIBUTE = re.compile(r"((?:title|aria-label|alt|placeholder|data-[a-z-]+)=\")([^\"]+)")


def hides(viewer: Any) -> bool:
    return not access.may(viewer, "view_personal")


def email(value: str) -> str:
    """j•••@example.com: the domain tells colleagues of one company from customers, and names
    nobody.
    """
    local, at, domain = value.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}•••{at}{domain}" if value else ""


def phone(value: str) -> str:
    """•••• 42"""
    return "" if not value else f"{HIDDEN} {value[-2:]}" if len(value) > 5 else HIDDEN


def attributes(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: (HIDDEN if value else value) if REACHING.search(key) else within(value)
        for key, value in values.items()
    }


def within(value: Any) -> Any:
    """What stands in JSON, whatever it is."""
    if isinstance(value, dict):
        return attributes(value)
    if isinstance(value, list):
        return [within(each) for each in value]
    return text(value) if isinstance(value, str) else value


def text(value: str) -> str:
    """What somebody wrote, without the addresses and numbers in it."""
    if "@" in value or "%40" in value or "&#64;" in value or "＠" in value or "﹫" in value:
        value = ADDRESS.sub(
            lambda match: email(f"{match[1]}@{match[2]}".replace("%40", "@").replace("&#64;", "@")),
            value,
        )
    if "0" in value or "+" in value:
        value = NUMBER.sub(lambda match: phone(match[0]), value)
    if value.count(".") > 2:
        value = NETWORK.sub(r"\1.•••", value)
    return NETWORK_6.sub(r"\1:•••", value) if value.count(":") > 2 else value


FIELDS: dict[str, Callable[[Any], Any]] = {
    "username": text,
    "email": email,
    "first_name": text,
    "last_name": text,
    "phone": phone,
    "source_id": text,
    "attributes": attributes,
    "status_reason": text,
    "search_key": lambda value: "",
}


def account(whole: User) -> User:
    """A copy to be shown. What was not loaded stays so. It is never saved."""
    masked = User.__new__(User)
    values = masked.__dict__
    values |= whole.__dict__
    for field, mask in FIELDS.items():
        if values.get(field):
            values[field] = mask(values[field])
    values["save"] = refuse_saving
    return masked


def accounts(whole: list[User], viewer: Any) -> list[User]:
    """As `viewer` may see them."""
    return [account(each) for each in whole] if hides(viewer) else whole


def refuse_saving(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("This is what a viewer sees of an account, and not the account.")


def event(whole: Event) -> Event:
    """A copy of an audit event to be shown."""
    masked: Any = type(whole).__new__(type(whole))
    values = masked.__dict__
    values |= vars(whole)
    for field in ("actor_text", "target_text", "reason", "ip"):
        if value := values.get(field):
            values[field] = text(str(value))
    for field in ("before", "after"):
        values[field] = changes(values.get(field) or {})
    return masked


def changes(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: FIELDS[key](value) if is_text(key, value) else within(value)
        for key, value in values.items()
    }


def value(field: str, whole: Any) -> Any:
    """Of a field of an account, as an event has it."""
    return changes({field: whole})[field]


def is_text(key: str, value: Any) -> bool:
    """Whether a value in JSON is what its column holds; for an event of another make it may be
    anything.
    """
    return key in FIELDS and bool(value) and isinstance(value, dict if key == "attributes" else str)


def cover(html: str) -> str:
    """A page without addresses and numbers. What a person has typed into a box and sends again
    stays. Tags are split off and not parsed: a list of fifty rows has a thousand.
    """
    first, *pieces = html.split("<")
    return "<".join([text(first), *map(covered, pieces)])


def covered(piece: str) -> str:
    """A tag without its "<", and the text behind it."""
    tag, end, words = piece.partition(">")
    if (
        "title=" in tag
        or "label=" in tag
        or "alt=" in tag
        or "placeholder=" in tag
        or "data-" in tag
    ):
        tag = ATTRIBUTE.sub(lambda match: match[1] + text(match[2]), tag)
    return tag + end + (words if len(words) < LEAST or tag.startswith(KEPT) else text(words))


def cover_answer(request, response) -> None:
    """Covers a page on its way to somebody for whom personal data is masked, but for what they have
    just had revealed.
    """
    is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
    if is_page and not getattr(request, "revealed", False) and hides(request.user):
        response.content = cover(response.content.decode())
