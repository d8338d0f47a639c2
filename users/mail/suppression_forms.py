"""The forms of suppressed addresses."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from users.contact_data import EMAIL_ADDRESS
from users.database.clock import current_time
from users.email_addresses import email_key, normalise_email
from users.mail.suppression_file import MAX_BYTES, read_text
from users.web.forms import REASON_MAX, NormalisedField, TextField, TicketForm
from users.web.moment_field import MomentField

ADDRESS_IN_REASON = "Leave the address out of the reason. Only its digest is stored."
ADDRESS_IN_TICKET = "Leave addresses out of the ticket. Only their digests are stored."
PAST_END = "Choose a time in the future."
REASON_HELP = "Visible to everyone who can see suppressions. Don’t repeat the address."
UNTIL_HELP = "Leave empty to suppress it indefinitely."


def suppression_reason_field(**kwargs: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 3})
    fields = {"label": "Reason", "help_text": REASON_HELP} | kwargs
    return TextField(
        max_length=REASON_MAX,
        widget=area,
        **fields,
    )


class SuppressionTicketForm(TicketForm):
    """A form whose ticket, which the event keeps, contains no address."""

    def clean_ticket(self) -> str:
        ticket: str = self.cleaned_data["ticket"]
        if EMAIL_ADDRESS.search(ticket):
            raise ValidationError(ADDRESS_IN_TICKET, code="address")
        return ticket


class AddressForm(forms.Form):
    """Asks for one address. It is posted, so that it stands in no URL."""

    address = NormalisedField(
        normalise_email,
        max_length=320,
        label="Email address",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if not address:
            raise ValidationError("Enter an email address.", code="required")
        return address


class SuppressionForm(SuppressionTicketForm, AddressForm):
    reason = suppression_reason_field()
    until = MomentField(
        required=False,
        label="Until",
        help_text=UNTIL_HELP,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        until = cleaned.get("until")
        if until and until <= current_time():
            self.add_error("until", PAST_END)
        address = cleaned.get("address", "")
        if address and email_key(address) in cleaned.get("reason", "").lower():
            self.add_error("reason", ADDRESS_IN_REASON)
        return cleaned


class SuppressionEndForm(SuppressionTicketForm):
    reason = suppression_reason_field()


class SuppressionFileForm(SuppressionTicketForm):
    """Takes a file, or the text of one: the preview sends the text back, so nothing is stored
    before it is confirmed.
    """

    file = forms.FileField(
        required=False,
        label="CSV file",
        help_text=(
            "One address per row. The first row may have the headings address, reason and until."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
    )
    text = forms.CharField(
        required=False,
        strip=False,
        label="Or paste the rows",
        max_length=MAX_BYTES,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )
    reason = suppression_reason_field(
        help_text="For rows without a reason of their own. Don’t repeat an address."
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name in ("file", "text"):
            # One of the two is required.
            self.fields[name].conditional = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        upload = cleaned.get("file")
        if upload:
            try:
                cleaned["text"] = read_text(upload)
            except ValidationError as error:
                self.add_error("file", error)
        elif not cleaned.get("text", "").strip() and not self.errors:
            self.add_error("file", "Choose a file or paste the rows.")
        return cleaned
