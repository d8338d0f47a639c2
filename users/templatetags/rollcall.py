"""Template tags and filters of Rollcall."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from users import masking
from users.account.actions_html import render_actions
from users.account.field_html import copy_button, render_field, render_profile
from users.audit.labels import readable_value
from users.contact_data import mask_text
from users.directory.counts import format_estimate
from users.directory.highlight import breakable_address
from users.fields import NO_VALUE, field_label
from users.health.sparklines import sparkline_svg
from users.mail.message_content import link_lifetime
from users.me.account_tabs import own_account_tabs
from users.phone_numbers import format_phone
from users.sessions.event_session import event_session
from users.sessions.ip_labels import ip_label
from users.typed_text import isolate_text
from users.verbs.impact import IMPACT_COUNT_CAP
from users.web.device_labels import device_label
from users.web.form_focus import form_control, is_first_wrong
from users.web.icons import asset, icon_svg, logo_url
from users.web.tickets import ticket_tag
from users.web.time_html import (
    clock_time_html,
    date_html,
    days_ago_html,
    full_time_html,
    minute_time_html,
    second_time_html,
    short_time_html,
)

SELECTED = SafeString(" selected")
register = template.Library()

register.filter("control", form_control)
register.filter("is_first_wrong", is_first_wrong)
register.simple_tag(icon_svg, name="icon")
register.simple_tag(link_lifetime)
register.simple_tag(own_account_tabs)
register.simple_tag(asset, name="asset")
register.simple_tag(logo_url, name="logo")
register.simple_tag(sparkline_svg, name="sparkline")
register.simple_tag(event_session)
register.filter("stamp", short_time_html)
register.filter("exact", full_time_html)
register.filter("minute", minute_time_html)
register.filter("ago", days_ago_html)
register.filter("day", date_html)
register.filter("second", second_time_html)
register.filter("clock", clock_time_html)
register.simple_tag(render_actions, name="actions")
register.simple_tag(render_field, name="profile_field")
register.simple_tag(render_profile, name="profile_fields")
register.simple_tag(copy_button, name="copy")
register.filter(field_label)
register.filter("device", device_label)
register.filter(ip_label)
register.filter("rounded", format_estimate)
register.filter("isolate", isolate_text)
register.filter("breakable", breakable_address)
register.filter("phone", format_phone)


@register.simple_tag
def oidc_provider() -> dict[str, Any]:
    """Returns the name of the OpenID Connect provider, "" without one, and whether staff have no
    other way to sign in.
    """
    mode = settings.OIDC.mode
    name = "" if mode == "local" else settings.OIDC.name
    return {"name": name, "is_only": mode == "only"}


@register.simple_tag
def options(choices, chosen="") -> SafeString:
    """Renders the options of a select from pairs of value and label."""
    return option_elements(tuple(choices), chosen)


@lru_cache(maxsize=128)
def option_elements(choices: tuple[tuple[Any, Any], ...], chosen: Any) -> SafeString:
    rows = []
    for value, label in choices:
        rows.append((value, SELECTED if value == chosen else "", label))
    return format_html_join("", '<option value="{}"{}>{}</option>', rows)


@register.filter
def grace_ends(account) -> datetime:
    """Returns the time until which a deleted account can be restored."""
    return account.deleted_at + timedelta(days=settings.DELETION_GRACE_DAYS)


@register.filter
def value(value) -> str:
    """Returns a value of an event's JSON in words, or NO_VALUE if it is empty."""
    return readable_value(value) or NO_VALUE


@register.filter
def or_dash(value) -> Any:
    """Returns a value as it is, or NO_VALUE if it is empty."""
    return value or NO_VALUE


@register.filter
def confirm_style(action) -> str:
    """Returns the CSS class of the button that confirms a verb or a bulk action."""
    return "destructive" if action.dangerous or action.in_last_section else "primary"


@register.filter
def ticket_for(ticket: str, viewer) -> SafeString:
    """Returns a ticket as a tag with its link, as `viewer` may see it."""
    masked = masking.hides_personal_data(viewer)
    return ticket_tag(mask_text(ticket) if masked else ticket)


@register.filter
def capped(number: int) -> str:
    """Returns a number that was counted up to IMPACT_COUNT_CAP, with "+" above it."""
    return f"{IMPACT_COUNT_CAP:,}+" if number > IMPACT_COUNT_CAP else f"{number:,}"


@register.filter
def grouped(number: int) -> str:
    """Returns a number with separators, such as 1,234,567."""
    return f"{number:,}"


@register.filter
def rate(number: float) -> str:
    """Returns a rate such as 1,234; below 10 with one decimal, such as 0.5."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


@register.filter
def duration(span) -> str:
    """Returns a rounded duration such as 2 h 5 min, 3 min or 12 s."""
    seconds = round(span.total_seconds())
    if seconds < 90:
        return f"{max(seconds, 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 90 else f"{minutes} min"


@register.filter
def get(values: dict, name: str):
    """Returns `values[name]`, with a name from a variable; None if there is no such name."""
    return values.get(name)
