"""The forms of webhooks."""

from typing import Any

from django import forms
from django.conf import settings

from users.outbound.receiver_urls import URL_MAX
from users.web.forms import TextField, TicketForm, VersionField, reason_field
from users.webhooks.kinds import KINDS
from users.webhooks.models import NAME_MAX, WebhookSubscription
from users.webhooks.signal_tokens import SIGNAL_KINDS

Method = WebhookSubscription.Method
Subject = WebhookSubscription.Subject
MOVE_HELP = (
    "Must begin with https://. If you change the host or port, the webhook gets a new secret,"
    " and the old one stops working immediately."
)
REASON_HELP = "Visible in the audit trail."
CONTENTS = [
    ("no", "IDs and names of changed fields"),
    ("yes", "Also the old and new values"),
]


def event_choices() -> list[tuple[str, str]]:
    """Returns the kinds, and which of them are security signals."""
    choices = []
    for kind, label in KINDS.items():
        text = f"{label} (also a security signal)" if kind in SIGNAL_KINDS else label
        choices.append((kind, text))
    return choices


class WebhookForm(TicketForm):
    """A subscription. Its method stays as it was created."""

    name = TextField(max_length=NAME_MAX, label="Name")
    method = forms.ChoiceField(choices=Method.choices, label="Method", initial=Method.WEBHOOK)
    url = TextField(
        required=False,
        label="URL",
        max_length=URL_MAX,
        help_text="Must begin with https://. Leave empty if the receiver polls for signals.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}
        ),
    )
    kinds = forms.MultipleChoiceField(
        choices=event_choices, widget=forms.CheckboxSelectMultiple, label="Events"
    )
    with_values = forms.ChoiceField(
        choices=CONTENTS,
        label="Contents",
        initial="no",
        help_text="For webhooks. An erasure can’t remove values that were sent.",
    )
    subject = forms.ChoiceField(
        choices=Subject.choices,
        label="Subject",
        initial=Subject.OPAQUE,
        help_text="How security signals identify an account.",
    )
    audience = TextField(
        required=False,
        max_length=200,
        label="Audience",
        help_text="For security signals. Leave empty to use the URL of the stream.",
    )
    reason = reason_field(help_text=REASON_HELP)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not settings.WEBHOOKS.keys:
            webhook = [choice for choice in Method.choices if choice[0] == Method.WEBHOOK]
            method: Any = self.fields["method"]
            method.choices = webhook
            method.help_text = "Security signals need SSF_KEY_FILE."

    def clean_with_values(self) -> bool:
        return bool(self.cleaned_data["with_values"] == "yes")


class WebhookEditForm(WebhookForm):
    version = VersionField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(self, *args: Any, row: WebhookSubscription, **kwargs: Any):
        super().__init__(*args, **kwargs)
        method: Any = self.fields["method"]
        method.choices = [choice for choice in Method.choices if choice[0] == row.method]
        if row.sends:
            self.fields["url"].help_text = MOVE_HELP


class WebhookDeletionForm(TicketForm):
    reason = reason_field(help_text=REASON_HELP)


def initial_values(row: WebhookSubscription) -> dict[str, Any]:
    return {
        "name": row.name,
        "method": row.method,
        "url": row.url,
        "kinds": row.kinds,
        "with_values": "yes" if row.with_values else "no",
        "subject": row.subject,
        "audience": row.audience,
        "version": row.version,
    }
