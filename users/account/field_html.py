"""Renders the fields of the profile: label, value, and the pencil that opens the field's form.

Built without templates, because the page shows all fields. The gain is measured as `facts-html` in
docs/benchmarks.md.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from users import masking
from users.directory.highlight import breakable_address
from users.fields import FIELDS, NO_VALUE, PROFILE_FIELDS
from users.identifiers import flag_text
from users.mail.languages import language_name
from users.models import State, User
from users.phone_numbers import format_phone
from users.web.icons import icon_svg

READ_ONLY_STATES = (State.DELETED, State.ERASED)


# How people read the values of these fields.
DISPLAY: dict[str, Callable[[str], str]] = {"phone": format_phone, "locale": language_name}


def render_profile(account: User, may: Mapping[str, bool]) -> SafeString:
    """Returns all fields of the profile in the order of their declarations."""
    return SafeString("".join([render_field(account, may, name) for name in PROFILE_FIELDS]))


def render_field(
    account: User, may: Mapping[str, bool], name: str, message: str = ""
) -> SafeString:
    """Returns one field. `may`: permissions by action. `message`: about a change just made."""
    value = getattr(account, name)
    field = FIELDS[name]
    shown = shown_value(name, value)
    label = escape(field.label)
    editable = may.get("edit") and account.status not in READ_ONLY_STATES
    extras = address_extras(account) if name == "email" and value else ""
    pencil = pencil_link(f"/users/{account.pk}/edit/{name}/", name) if editable else ""
    note = f'<small class="muted">{escape(message)}</small>' if message else ""
    return SafeString(
        f'<div class="fact" id="fact-{name}"><dt>{label}</dt>'
        f"<dd><span{value_class(shown, field.numeric)}>{value_html(name, shown)}</span>"
        f"{extras}{pencil}{note}</dd></div>\n"
    )


def shown_value(name: str, value: Any) -> str:
    """Returns the value of a field as people read it; "" if it is empty."""
    if FIELDS[name].is_flag:
        return flag_text(value).capitalize()
    return DISPLAY[name](value) if value and name in DISPLAY else value


def value_class(value: str, numeric: bool) -> str:
    """Returns the class attribute of a value; "" for plain text."""
    if not value:
        return ' class="muted"'
    return ' class="number"' if numeric else ""


def value_html(name: str, shown: str) -> str:
    """Returns a value, or NO_VALUE; an address may break after its "@" and dots."""
    if name == "email" and shown:
        return breakable_address(shown)
    return escape(shown) or NO_VALUE


def address_extras(account: User) -> str:
    """Returns what stands beside an address: whether it is verified, and a button that copies it,
    unless it is masked.
    """
    state = "verified" if account.email_verified_at else "not verified"
    copy = "" if masking.is_masked(account) else " " + copy_button(account.email, "email")
    return f' <span class="tag">{state}</span>{copy}'


def copy_button(value: object, label: str) -> SafeString:
    """Returns the button that copies a value. Without scripts it does not show."""
    return SafeString(
        f'<button class="copy scripts" type="button" data-copy="{escape(str(value))}"'
        f' aria-label="Copy {label}" title="Copy {label}">{icon_svg("copy")}</button>'
    )


def pencil_link(url: str, name: str) -> str:
    """Returns the link to the form of a field. HTMX replaces the field by the form."""
    label = escape(FIELDS[name].label.lower())
    return (
        f' <a class="pencil" href="{url}" hx-get="{url}" hx-target="#fact-{name}"'
        f' hx-swap="outerHTML" aria-label="Edit {label}" title="Edit">{icon_svg("edit")}</a>'
    )
