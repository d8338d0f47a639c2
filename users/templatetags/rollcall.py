"""Template tags and filters of the house."""

import re
from datetime import datetime, timedelta

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from users.account.blast import CAP
from users.account.offers import offers
from users.audit.actions import ACTIONS
from users.directory.counts import in_words
from users.icons import asset, icon
from users.moments import stamp
from users.staff.devices import device
from users.staff.places import place

CHOSEN = SafeString(" selected")
register = template.Library()


register.simple_tag(icon, name="icon")
register.simple_tag(asset, name="asset")
register.filter("stamp", stamp)
register.simple_tag(offers, name="offers")


@register.simple_tag
def options(choices, chosen="") -> SafeString:
    """The options of a select: values with their labels, and which is chosen."""
    return format_html_join(
        "", '<option value="{}"{}>{}</option>', ((value, CHOSEN if value == chosen else "", label) for value, label in choices)
    )


@register.filter
def grace_ends(account) -> datetime:
    """Until when a deleted account is kept for sure."""
    return account.deleted_at + timedelta(days=settings.DELETION_GRACE_DAYS)


register.filter("device", device)
register.filter("place", place)


@register.filter
def exact(at):
    """A point in time to the minute, with the zone named."""
    if not at:
        return ""
    local = timezone.localtime(at)
    return format_html('<time datetime="{}">{} {}</time>', at.isoformat(), local.day, local.strftime("%b %Y, %H:%M %Z"))


@register.filter
def second(at):
    """A point in time to the second, with the day where that is not today."""
    local, today = timezone.localtime(at), timezone.localdate()
    day = "" if local.date() == today else f"{local.day} {local:%b %Y}, "
    return format_html('<time datetime="{}">{}{}</time>', at.isoformat(), day, f"{local:%H:%M:%S}")


@register.filter
def action_label(event) -> str:
    return ACTIONS.get(event.action, event.action)


@register.filter
def changes(event) -> list[dict[str, str]]:
    """The changed fields of an event in words, each with its value before and after; nothing that says nothing."""
    names = [*event.after, *(name for name in event.before if name not in event.after)]
    pairs = [(name, readable(event.before.get(name)), readable(event.after.get(name))) for name in names]
    return [
        {"label": label(name), "before": before, "after": after}
        for name, before, after in pairs
        if not (name == "status_reason" and after in ("", event.reason)) and (before or after not in ("", "no"))
    ]


@register.filter
def fields(event) -> str:
    """The names of the fields that an event changed, where the values are gone."""
    return ", ".join(label(name) for name in sorted({*event.before, *event.after}))


def label(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ")


def readable(value) -> str:
    """A value of an event's JSON: points in time were stored as ISO 8601 text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*Z", value):
        return f"{datetime.fromisoformat(value):%-d %b %Y, %H:%M} UTC"
    return "" if value is None else str(value)


@register.filter
def value(value) -> str:
    """A value of an event's JSON in words, where nothing is a value too."""
    return readable(value) or "empty"


@register.filter
def minute(at):
    """A point in time as the trail shows it: day and minute, the second in the tooltip."""
    local = timezone.localtime(at)
    day = f"{local.day} {local:%b}" + ("" if local.year == timezone.localtime().year else f" {local.year}")
    return format_html(
        '<time datetime="{}" title="{}">{}, {}</time>', at.isoformat(), f"{local:%Y-%m-%d %H:%M:%S %Z}", day, f"{local:%H:%M}"
    )


@register.filter
def about(number: int) -> str:
    return in_words(number)


@register.filter
def capped(number: int) -> str:
    """A figure that was counted no further than blast.CAP."""
    return f"{CAP:,}+" if number > CAP else f"{number:,}"


@register.filter
def grouped(number: int) -> str:
    """1,234,567"""
    return f"{number:,}"


@register.filter
def rate(number: float) -> str:
    """1,234, or 0.5 for what is slow."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


@register.filter
def duration(span) -> str:
    """2 h 5 min, 3 min, 12 s: a rough measure."""
    seconds = round(span.total_seconds())
    if seconds < 90:
        return f"{max(seconds, 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 90 else f"{minutes} min"


@register.filter
def clock(at) -> str:
    return f"{timezone.localtime(at):%H:%M}"


@register.filter
def of(values: dict, name: str):
    """values[name], for a name that is known only when the page is made; None where there is no such."""
    return values.get(name)
