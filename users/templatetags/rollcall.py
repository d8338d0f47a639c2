"""Template tags and filters of the house."""

from datetime import datetime, timedelta

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from users.account.actions_html import render_actions
from users.account.field_html import render_field, render_profile
from users.audit.labels import readable_value
from users.directory.counts import format_estimate
from users.fields import field_label
from users.sessions.device_labels import device_label
from users.sessions.ip_labels import ip_label
from users.verbs.impact import COUNT_CAP
from users.web.form_focus import form_control, is_first_wrong
from users.web.icons import asset, icon_svg
from users.web.time_html import days_ago_html, full_time_html, minute_time_html, short_time_html

CHOSEN = SafeString(" selected")
register = template.Library()


register.filter("control", form_control)
register.filter("is_first_wrong", is_first_wrong)
register.simple_tag(icon_svg, name="icon")
register.simple_tag(asset, name="asset")
register.filter("stamp", short_time_html)
register.filter("exact", full_time_html)
register.filter("minute", minute_time_html)
register.filter("ago", days_ago_html)
register.simple_tag(render_actions, name="actions")
register.simple_tag(render_field, name="fact")
register.simple_tag(render_profile, name="profile_facts")
register.filter(field_label)


@register.simple_tag
def options(choices, chosen="") -> SafeString:
    """The options of a select: values with their labels, and which is chosen."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, CHOSEN if value == chosen else "", label) for value, label in choices),
    )


@register.filter
def grace_ends(account) -> datetime:
    """Until when a deleted account is kept for sure."""
    return account.deleted_at + timedelta(days=settings.DELETION_GRACE_DAYS)


register.filter("device", device_label)
register.filter("place", ip_label)


@register.filter
def second(at):
    """A point in time to the second, with the day where that is not today."""
    local = timezone.localtime(at)
    today = timezone.localdate()
    day = "" if local.date() == today else f"{local.day} {local:%b %Y}, "
    return format_html('<time datetime="{}">{}{}</time>', at.isoformat(), day, f"{local:%H:%M:%S}")


@register.filter
def value(value) -> str:
    """A value of an event's JSON in words, where nothing is a value too."""
    return readable_value(value) or "—"


@register.filter
def about(number: int) -> str:
    return format_estimate(number)


@register.filter
def capped(number: int) -> str:
    """Returns a number that was counted no further than COUNT_CAP, with "+" beyond it."""
    return f"{COUNT_CAP:,}+" if number > COUNT_CAP else f"{number:,}"


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
    """values[name], for a name that is known only when the page is made; None where there is no
    such.
    """
    return values.get(name)
