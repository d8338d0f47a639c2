"""The form field for a point in time, typed to the minute in the viewer's time zone.

A time that occurs twice, because clocks go back, is asked about in a select beside the field. One
that does not exist, because they go forward, is refused.
"""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.functional import lazystr
from django.utils.html import format_html
from django.utils.safestring import SafeString

from users.web.time_html import MONTHS
from users.web.time_zone import (
    local_time,
    occurs_twice,
    offset_text,
    possible_times,
    zone_label,
)

# Stands between the typed time and the answer to which of two was meant.
SEPARATOR = "#"
ANSWER_SUFFIX = "_which"


class ZoneHelp:
    """A help text that begins with the current zone, which is known only while a page is built."""

    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return f"Time zone: {zone_label()}. {self.text}".strip()


class MomentWidget(forms.DateTimeInput):
    """The box for the time, and for a time that occurs twice the select."""

    def __init__(self) -> None:
        super().__init__(attrs={"type": "datetime-local"})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        typed: str | None = data.get(name)
        answer = data.get(name + ANSWER_SUFFIX)
        return f"{typed}{SEPARATOR}{answer}" if typed and answer else typed

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        typed, _, answer = str(value or "").partition(SEPARATOR)
        times = typed_times(typed)
        if len(times) < 2:
            return super().render(name, typed, attrs, renderer)
        box_attrs = dict(attrs or {})
        is_wrong = box_attrs.pop("autofocus", False)
        box = super().render(name, typed, box_attrs, renderer)
        clock = f"{times[0]:%H:%M}"
        choices = [("", f"Which {clock}?")]
        for ordinal, time in zip(("First", "Second"), times, strict=True):
            choices.append((offset_text(time), f"{ordinal} {clock} ({offset_text(time)})"))
        select_attrs = {"aria-label": f"Which {clock}", "autofocus": bool(is_wrong)}
        select = forms.Select(select_attrs, choices).render(name + ANSWER_SUFFIX, answer)
        return format_html("{}{}", box, select)


class MomentField(forms.DateTimeField):
    """Takes a time in the viewer's zone and returns it in UTC."""

    def __init__(self, *, help_text: str = "", **kwargs: Any):
        zoned = lazystr(ZoneHelp(help_text))
        super().__init__(
            widget=MomentWidget(),
            help_text=zoned,
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        local = local_time(value)
        answer = f"{SEPARATOR}{offset_text(local)}" if occurs_twice(local) else ""
        return f"{local:%Y-%m-%dT%H:%M}{answer}"

    def to_python(self, value: Any) -> datetime | None:
        """Returns the time in UTC. Raises ValidationError."""
        typed, _, answer = str(value or "").partition(SEPARATOR)
        if not typed.strip():
            return None
        at = parse_typed(typed)
        if at is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            return at.astimezone(UTC) if at.tzinfo else chosen_time(at, answer)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def chosen_time(typed: datetime, answer: str) -> datetime:
    """Returns the only time that clocks show as `typed`, or that of two which `answer` names.

    Raises ValidationError if there is none or the answer is missing.
    """
    times = possible_times(typed)
    if len(times) > 1:
        times = [time for time in times if offset_text(time) == answer]
    if times:
        return times[0].astimezone(UTC)
    clock = f"{typed:%H:%M}"
    day = f"{typed.day} {MONTHS[typed.month]} {typed.year}"
    if possible_times(typed):
        text = f"Clocks go back on {day}, so {clock} occurs twice. Choose one of the two."
        raise ValidationError(text, code="twice")
    text = f"Clocks go forward on {day}, so there is no {clock}. Choose another time."
    raise ValidationError(text, code="skipped")


def typed_times(typed: str) -> list[datetime]:
    """Returns the points in time that a typed text without a zone may mean; none if it is wrong."""
    at = parse_typed(typed)
    try:
        return possible_times(at) if at and not at.tzinfo else []
    except OverflowError:
        return []


def parse_typed(text: str) -> datetime | None:
    try:
        return parse_datetime(text.strip())
    except ValueError:
        return None
