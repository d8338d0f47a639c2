"""Forms and fields that several rooms use."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, QueryDict
from django.utils.html import escape
from django.views.decorators.http import require_http_methods

from users.exceptions import EditConflict
from users.identifiers import flag_text
from users.models import User
from users.typed_text import LINE_BREAKS, refuse_hidden
from users.web.tickets import TICKET_MAX, check_ticket

REASON_HELP = "Visible in the audit trail only, not to the user."
REASON_HELP_MANY = "Visible in the audit trail only, not to the users."
REASON_MAX = 2000
# Decorates a view that shows a form, and takes it at the same URL.
form_page = require_http_methods(["GET", "HEAD", "POST"])


def posted_data(request: HttpRequest) -> QueryDict | None:
    """Returns the data of a POST, even if empty: a form with every field missing. Else None."""
    return request.POST if request.method == "POST" else None


def form_status(form: Form) -> int:
    """Returns 200 for a fresh form, 409 if the account's state refuses it, 429 after too many wrong
    passwords, 422 for bad input.
    """
    if not form.is_bound:
        return 200
    if any(form.has_error(name, "throttled") for name in form.fields):
        return 429
    is_conflict = form.has_error("__all__", "stale") or form.has_error("__all__", "refused")
    return 409 if is_conflict else 422


def refuse_lost_characters(value: str) -> None:
    """Raises ValidationError if the input was not UTF-8: Django replaces such bytes by U+FFFD."""
    if "\ufffd" in value:
        raise ValidationError("This contains an unreadable character. Type it again.", code="lost")


def refuse_hidden_characters(value: str) -> None:
    """Raises ValidationError for a character that nobody can see, other than a line break."""
    refuse_hidden(value, LINE_BREAKS)


class TextField(forms.CharField):
    """A field for free text: a reason, a note, an email."""

    def __init__(self, **kwargs: Any):
        super().__init__(validators=[refuse_lost_characters, refuse_hidden_characters], **kwargs)


class TicketField(forms.CharField):
    """A field for the ticket that belongs to a reason, as the settings TICKET_… want it."""

    def __init__(self) -> None:
        example = settings.TICKET_EXAMPLE
        such_as = f" such as {example}" if example else ""
        super().__init__(
            required=settings.TICKET_FIELD == "required",
            max_length=TICKET_MAX,
            label="Ticket",
            help_text=escape(f"For example {example}") if example else "",
            error_messages={"required": f"Enter a ticket{such_as}."},
            validators=[refuse_lost_characters, check_ticket],
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )


def clean_ticket(typed: str) -> str:
    """Returns the ticket that a command was given, "" for none. Raises ValidationError."""
    if settings.TICKET_FIELD != "off":
        return str(TicketField().clean(typed))
    if typed:
        raise ValidationError("Tickets are turned off (TICKET_FIELD=off).", code="off")
    return ""


def add_ticket_field(form: forms.Form) -> None:
    """Adds the field of a ticket beside that of the reason, if the form has one."""
    if "reason" not in form.fields or settings.TICKET_FIELD == "off":
        return
    names = list(form.fields)
    form.fields["ticket"] = TicketField()
    names.insert(names.index("reason") + 1, "ticket")
    form.order_fields(names)


class TicketForm(forms.Form):
    """A form whose reason, if it has one, has a ticket beside it (templates/_field.html)."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        add_ticket_field(self)

    @property
    def given_ticket(self) -> str:
        """Returns the ticket; "" if there is none or the form was not validated yet."""
        return str(getattr(self, "cleaned_data", {}).get("ticket", ""))


class NormalisedField(forms.CharField):
    """A text field whose value is normalised by a function of users.identifiers."""

    def __init__(self, normalise, **kwargs):
        super().__init__(
            strip=False,
            validators=[refuse_lost_characters],
            **kwargs,
        )
        self.normalise = normalise

    def clean(self, value):
        return self.normalise(super().clean(value))


class FlagField(NormalisedField):
    """A choice of yes or no. A select always sends one of them, where an empty checkbox sends
    nothing, so a request without the field is not mistaken for a no.
    """

    def __init__(self, normalise, **kwargs):
        choices = [("no", "No"), ("yes", "Yes")]
        super().__init__(normalise, widget=forms.Select(choices=choices), **kwargs)

    def prepare_value(self, value):
        return flag_text(value) if isinstance(value, bool) else value

    def bound_data(self, data, initial):
        """Returns the stored value for a request without the field, whose error page would offer
        the first choice otherwise.
        """
        return initial if data is None else data


class VersionField(forms.IntegerField):
    """A version number in a hidden field. Nobody types it, so all errors have one message."""

    def clean(self, value):
        try:
            return super().clean(value)
        except ValidationError as error:
            raise ValidationError(
                "The form is incomplete. Reload the page and fill it in again.",
                code="invalid",
            ) from error


class VersionedForm(TicketForm):
    """Carries the version of the account that the viewer saw. `stale` is set if the account has
    changed since then in a way that conflicts with the form.
    """

    version = VersionField(
        widget=forms.HiddenInput,
        min_value=1,
        max_value=2**31 - 1,
    )
    stale: EditConflict | None = None

    def clean(self):
        """Adds an error for each text that the request does not have. A browser also sends empty
        texts, so a missing one must not count as empty.
        """
        texts = [name for name in self.fields if isinstance(self.fields[name], NormalisedField)]
        for name in texts:
            if name not in self.data and not self.has_error(name):
                message = "This field is missing. Enter or choose a value."
                self.add_error(name, ValidationError(message, code="missing"))
        return super().clean()


class GroupsField(forms.ModelMultipleChoiceField):
    def clean(self, value):
        try:
            return super().clean(value)
        except OverflowError as error:
            # SQLite raises it for a number that is above the highest id.
            raise ValidationError("This role does not exist.", code="invalid_choice") from error


def reason_field(**kwargs: Any) -> forms.CharField:
    fields: dict[str, Any] = {"label": "Reason", "help_text": REASON_HELP} | kwargs
    area = forms.Textarea(attrs={"rows": 3})
    return TextField(
        max_length=REASON_MAX,
        widget=area,
        **fields,
    )


class VerbForm(VersionedForm):
    """The form of a verb. `?template=name` in the URL fills in a reason."""

    # Prepared reasons by name.
    templates: ClassVar[dict[str, str]] = {}

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        """Returns the initial values of the form."""
        return {
            "version": account.version,
            "reason": reason_text(cls.templates, query.get("template", "")),
        }

    def fit(self, account: User, viewer: Any) -> None:
        """Limits the choices to those that this account and this viewer allow."""

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class ReasonForm(VerbForm):
    reason = reason_field()


class OptionalReasonForm(VerbForm):
    reason = reason_field(required=False)


class GroupsForm(VerbForm):
    groups = GroupsField(
        Group.objects.order_by("id"), widget=forms.CheckboxSelectMultiple, label="Roles"
    )
    reason = reason_field()

    def offer(self, groups: list[Group]) -> None:
        """Limits the checkboxes to `groups`. The verb refuses any other group that is sent."""
        choices = [(group.pk, group.name) for group in groups]
        self.fields["groups"].widget.choices = choices  # type: ignore[attr-defined]
        self.nothing_to_offer = not groups


def reason_text(templates: dict[str, str], name: str) -> str:
    """Returns the prepared reason with this name; "" if there is none."""
    return templates.get(name, "")
