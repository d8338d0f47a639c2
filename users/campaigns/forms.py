"""The forms of a campaign: its text, recipients and sending options, and the confirmation of its
start.
"""

from datetime import time
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from users.bulk.forms import BulkForm, CountField
from users.campaigns.audience import (
    ALL_ACCOUNTS,
    audience_query,
    describe_audience,
    read_audience,
    view_query,
)
from users.campaigns.models import NAME_MAX, Campaign
from users.directory.filter import BadFilter
from users.directory.saved_searches import visible_searches
from users.identifiers import normalise_time_zone
from users.mail import letter_text
from users.mail.markup import MARKUP_HELP, clean_announcement
from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.models import User
from users.web.forms import TextField, VersionField, reason_field
from users.web.moment_field import MomentField
from users.web.time_zone import zone_named

RATE_MAX = 100_000
VIEW_PREFIX = "view-"
# The selection that the campaign has. Its query may name what the viewer may not see.
KEPT = "kept"


class CampaignForm(forms.Form):
    """`recipients` is ALL_ACCOUNTS, KEPT, or "view-7" for the filter of a saved view."""

    name = TextField(
        max_length=NAME_MAX, label="Name", help_text="For staff. Recipients don’t see it."
    )
    recipients = forms.ChoiceField(
        label="Recipients",
        help_text="To use another filter, set it in the directory and choose “Send announcement”.",
    )
    subject = TextField(max_length=SUBJECT_MAX, label="Subject")
    text = TextField(
        max_length=TEXT_MAX,
        label="Text",
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=MARKUP_HELP,
    )
    not_before = MomentField(required=False, label="Send after")
    hours_from = forms.TimeField(
        required=False,
        label="Send only from",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    hours_to = forms.TimeField(
        required=False,
        label="Send only until",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    # That of whoever typed the times. A colleague elsewhere who saves the draft keeps it.
    hours_zone = forms.CharField(required=False, widget=forms.HiddenInput)
    per_minute = CountField(
        required=False,
        min_value=1,
        max_value=RATE_MAX,
        label="Emails per minute",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text="Leave empty to send as fast as the mail server allows.",
    )
    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )

    def __init__(self, *args: Any, viewer: User, query: str = "", **kwargs: Any):
        """Takes `query`, the selection of the campaign, or the one that came from the directory."""
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        self.kept_query = query
        self.fields["hours_zone"].initial = timezone.get_current_timezone_name()
        zone = str(zone_named(self["hours_zone"].value())).replace("_", " ")
        self.fields["hours_to"].help_text = f"Every day. Time zone: {zone}."
        self.fields["recipients"].choices = self.recipient_choices()  # type: ignore[attr-defined]
        self.fields["recipients"].initial = KEPT if self.has_selection else ALL_ACCOUNTS

    @property
    def has_selection(self) -> bool:
        return self.kept_query not in ("", ALL_ACCOUNTS)

    def recipient_choices(self) -> list[tuple[str, str]]:
        choices = []
        if self.has_selection:
            choices.append((KEPT, describe_audience(self.kept_query, self.viewer)))
        choices.append((ALL_ACCOUNTS, "All accounts"))
        views = visible_searches(self.viewer)
        choices += [(f"{VIEW_PREFIX}{view.pk}", f"View: {view.name}") for view in views]
        return choices

    @property
    def placeholders(self) -> list[str]:
        return [f"{{{name}}}" for name in letter_text.VARIABLES]

    def clean_recipients(self) -> str:
        """Returns the query that the campaign stores."""
        chosen = str(self.cleaned_data["recipients"])
        try:
            if chosen.startswith(VIEW_PREFIX):
                view = visible_searches(self.viewer).get(pk=chosen.removeprefix(VIEW_PREFIX))
                return view_query(view, self.viewer)
            query = self.kept_query if chosen == KEPT else chosen
            return audience_query(read_audience(query, self.viewer))
        except BadFilter as error:
            raise ValidationError(f"This filter is no longer valid. {error.message}") from error

    def clean_hours_zone(self) -> str:
        zone = normalise_time_zone(self.cleaned_data["hours_zone"])
        return zone or timezone.get_current_timezone_name()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors.keys() & {"subject", "text"}:
            try:
                cleaned["subject"], cleaned["text"] = clean_announcement(
                    cleaned["subject"], cleaned["text"]
                )
            except ValidationError as error:
                self.add_error(None, error)
        self.check_hours(cleaned)
        return cleaned

    def check_hours(self, cleaned: dict[str, Any]) -> None:
        start, end = cleaned.get("hours_from"), cleaned.get("hours_to")
        if self.errors.keys() & {"hours_from", "hours_to"}:
            return
        if (start is None) != (end is None):
            missing = "hours_from" if start is None else "hours_to"
            self.add_error(missing, "Enter both times, or neither.")
        elif start is not None and start == end:
            message = "The times are the same. Leave both empty to send all day."
            self.add_error("hours_to", message)

    def show_conflict(self, current: Campaign) -> None:
        """Adds the error of an outdated version. Sent again, the form replaces what is stored."""
        text = "Someone else changed this draft. Yours is not saved; save again to replace theirs."
        self.add_error(None, ValidationError(text, code="stale"))
        data = cast(QueryDict, self.data).copy()
        data["version"] = str(current.version)
        self.data = data

    def values(self) -> dict[str, Any]:
        """Returns what the campaign and its letter store, by column."""
        cleaned = self.cleaned_data
        hours = None
        if cleaned["hours_from"] is not None:
            hours = {
                "from": f"{cleaned['hours_from']:%H:%M}",
                "to": f"{cleaned['hours_to']:%H:%M}",
                "zone": cleaned["hours_zone"],
            }
        return {
            "name": cleaned["name"],
            "query": cleaned["recipients"],
            "subject": cleaned["subject"],
            "text": cleaned["text"],
            "not_before": cleaned["not_before"],
            "hours": hours,
            "per_minute": cleaned["per_minute"],
        }


def campaign_initial(campaign: Campaign) -> dict[str, Any]:
    """Returns the initial values of the form of an existing campaign."""
    letter = campaign.letter
    hours = letter.hours or {}
    return {
        "name": campaign.name,
        "subject": letter.subject,
        "text": letter.text,
        "not_before": letter.not_before,
        "hours_from": parse_hour(hours.get("from")),
        "hours_to": parse_hour(hours.get("to")),
        "hours_zone": hours.get("zone") or timezone.get_current_timezone_name(),
        "per_minute": letter.per_minute,
        "version": campaign.version,
    }


def parse_hour(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


class CampaignStartForm(BulkForm):
    """Confirms the start of a campaign."""

    reason = reason_field(label="Reason", required=False)
