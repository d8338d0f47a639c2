"""Forms of the pages that ask for a verb. Their values are what the verb takes; whether it may be
is for the verb to say.
"""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from users import access
from users.account import masking
from users.account.forms import GroupsField, VersionedForm, refuse_lost
from users.account.reasons import DELETION, SUSPENSION, template
from users.account.verbs.change import REASON_MAX
from users.identifiers import fold
from users.mail import letters
from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.models import State, User

KEPT = "Visible in the audit trail only, not to the user."


def reason_field(**kwargs: Any) -> forms.CharField:
    fields: dict[str, Any] = {"label": "Reason", "help_text": KEPT} | kwargs
    area = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(max_length=REASON_MAX, validators=[refuse_lost], widget=area, **fields)


def moment_field(**kwargs: Any) -> forms.DateTimeField:
    """A point in time in UTC, chosen by day and minute."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(widget=widget, **kwargs)


class VerbForm(VersionedForm):
    """`templates`: reasons to begin with, by name; `?template=name` fills one in."""

    templates: ClassVar[dict[str, str]] = {}

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return {
            "version": account.version,
            "reason": template(cls.templates, query.get("template", "")),
        }

    def fit(self, account: User, viewer: Any) -> None:
        """Offers only what makes sense for this account and this viewer."""

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class ReasonForm(VerbForm):
    reason = reason_field()


class OptionalReasonForm(VerbForm):
    reason = reason_field(required=False)


class TellingForm(VerbForm):
    tell = forms.BooleanField(required=False, label="Notify the user")

    def fit(self, account: User, viewer: Any) -> None:
        tell = self.fields["tell"]
        tell.disabled = not account.email
        tell.help_text = self.says(account) if account.email else "This account has no address."

    def says(self, account: User) -> str:
        raise NotImplementedError


class SuspensionForm(TellingForm):
    templates = SUSPENSION
    DAYS: ClassVar[dict[str, int]] = {"1": 1, "7": 7, "30": 30}

    reason = reason_field()
    lasts = forms.ChoiceField(
        required=False,
        label="Duration",
        choices=[
            ("", "Indefinitely"),
            ("1", "1 day"),
            ("7", "7 days"),
            ("30", "30 days"),
            ("until", "Custom date"),
        ],
    )
    until = moment_field(required=False, label="Until", help_text="In UTC. Only for “Custom date”.")
    field_order = ("version", "reason", "lasts", "until", "tell")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        lasts = cleaned.pop("lasts", "")
        until = cleaned.get("until")
        if lasts in self.DAYS and until:
            self.add_error(
                "until",
                "Clear this field, or choose “Custom date” as the duration.",
            )
        if lasts == "until" and not until and "until" not in self.errors:
            self.add_error("until", "Choose a date and time.")
        if lasts in self.DAYS:
            cleaned["until"] = timezone.now() + timedelta(days=self.DAYS[lasts])
        return cleaned

    def says(self, account: User) -> str:
        return f"The email to {account.email} gives the end date but not the reason."


class ReinstatementForm(TellingForm):
    reason = reason_field(required=False)
    field_order = ("version", "reason", "tell")

    def says(self, account: User) -> str:
        return f"The email to {account.email} says that the user can sign in again."


class EndDateForm(VerbForm):
    until = moment_field(
        label="End date", help_text="In UTC. The user can’t sign in after this time."
    )
    reason = reason_field(required=False)

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return super().start(account, query) | {"until": account.valid_until}


class DeletionForm(ReasonForm):
    templates = DELETION


class KnownAddressForm(VerbForm):
    reason = reason_field(label="How do you know?", help_text="Visible in the audit trail.")


class GroupsForm(VerbForm):
    groups = GroupsField(
        Group.objects.order_by("id"), widget=forms.CheckboxSelectMultiple, label="Roles"
    )
    reason = reason_field(required=False)

    def offer(self, groups: list[Group]) -> None:
        """Shows these alone. Another one that comes all the same is for the verb to refuse."""
        self.fields["groups"].widget.choices = [(group.pk, group.name) for group in groups]  # type: ignore[attr-defined]
        self.nothing_to_offer = not groups


class AddToGroupsForm(GroupsForm):
    def fit(self, account: User, viewer: Any) -> None:
        others = (
            Group.objects.exclude(user=account)
            .order_by("id")
            .prefetch_related("permissions__content_type")
        )
        held = None if viewer.is_superuser else viewer.get_all_permissions()
        self.offer(
            [
                group
                for group in others
                if held is None or access.names(group.permissions.all()) <= held
            ]
        )


class RemoveFromGroupsForm(GroupsForm):
    def fit(self, account: User, viewer: Any) -> None:
        self.offer(list(account.groups.order_by("id")))


class NothingForm(VerbForm):
    """Asks only whether."""

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return {"version": account.version}


class LetterForm(NothingForm):
    subject = forms.CharField(max_length=SUBJECT_MAX, label="Subject", validators=[refuse_lost])
    text = forms.CharField(
        max_length=TEXT_MAX,
        label="Text",
        validators=[refuse_lost],
        widget=forms.Textarea(attrs={"rows": 9}),
        help_text=f"Plain text. Placeholders: {letters.NAMES}.",
    )

    def fit(self, account: User, viewer: Any) -> None:
        """`account`: as the viewer may see it, and so are its values in what is shown."""
        self.person = account

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors.keys() & {"subject", "text"}:
            try:
                cleaned["subject"], cleaned["text"] = letters.clean(
                    cleaned["subject"], cleaned["text"]
                )
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned

    @property
    def sample(self) -> dict[str, str]:
        """What the person gets, as far as it is written; {} while there is nothing to show."""
        typed = getattr(self, "cleaned_data", {})
        if not hasattr(self, "person"):
            return {}
        subject = typed.get("subject", "")
        text = typed.get("text", "")
        if not subject and not text:
            return {}
        return {
            "subject": letters.headline(subject, self.person),
            "text": letters.filled(text, self.person),
        }


class ErasureForm(VerbForm):
    reason = reason_field(
        help_text="Visible in the audit trail, so it must not name the person."
        " A ticket number is enough."
    )
    reserve = forms.BooleanField(
        required=False,
        initial=True,
        label="Reserve the username and address",
        help_text="No one can use them again. Stored as one-way hashes.",
    )
    confirm = forms.CharField(
        max_length=320,
        label="Username",
        validators=[refuse_lost],
        help_text="Type the username shown above to confirm.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def fit(self, account: User, viewer: Any) -> None:
        """A viewer who does not see the whole username types the id."""
        self.wanted = account.username
        self.what = "username"
        if masking.hides(viewer):
            self.wanted = str(account.pk)
            self.what = "id"
            field = self.fields["confirm"]
            field.label = "ID"
            field.help_text = "Type the account id shown above to confirm."
        self.over = (
            account.status == State.ERASED
        )  # by somebody else just now, and its username with it: the verb says so

    def clean_confirm(self) -> str:
        typed = self.cleaned_data["confirm"]
        if (
            not self.over
            and fold(typed.strip()).removeprefix("#" if self.what == "id" else "") != self.wanted
        ):
            raise ValidationError(f"That doesn’t match. Type the account’s {self.what} to confirm.")
        return typed

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("reason", "reserve", "version")}
