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

from users import access, masking
from users.identifiers import fold
from users.mail import letters
from users.mail.models import SUBJECT_MAX, TEXT_MAX
from users.models import State, User
from users.verbs.reason_templates import DELETION, SUSPENSION, template
from users.web.forms import GroupsField, VersionedForm, moment_field, reason_field, refuse_lost


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
    tell = forms.BooleanField(required=False, label="Write to the person")

    def fit(self, account: User, viewer: Any) -> None:
        tell = self.fields["tell"]
        tell.disabled = not account.email
        tell.help_text = self.says(account) if account.email else "This account has no address."

    def says(self, account: User) -> str:
        raise NotImplementedError


class SuspensionForm(TellingForm):
    templates = SUSPENSION
    DAYS: ClassVar[dict[str, int]] = {"1": 1, "7": 7, "30": 30}

    reason = reason_field(help_text="Stays in the audit trail. The person never reads it.")
    lasts = forms.ChoiceField(
        required=False,
        label="For how long",
        choices=[
            ("", "No end"),
            ("1", "1 day"),
            ("7", "7 days"),
            ("30", "30 days"),
            ("until", "Until the time below"),
        ],
    )
    until = moment_field(
        required=False, label="Until", help_text="In UTC. Only with “Until the time below”."
    )
    field_order = ("version", "reason", "lasts", "until", "tell")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        lasts = cleaned.pop("lasts", "")
        until = cleaned.get("until")
        if lasts in self.DAYS and until:
            self.add_error(
                "until",
                f"Leave this empty, or choose “Until the time below” instead of {lasts} days.",
            )
        if lasts == "until" and not until and "until" not in self.errors:
            self.add_error("until", "Say until when.")
        if lasts in self.DAYS:
            cleaned["until"] = timezone.now() + timedelta(days=self.DAYS[lasts])
        return cleaned

    def says(self, account: User) -> str:
        return f"A mail to {account.email} says that the account is suspended and until when, and nothing of the reason."


class ReinstatementForm(TellingForm):
    reason = reason_field(required=False)
    field_order = ("version", "reason", "tell")

    def says(self, account: User) -> str:
        return f"A mail to {account.email} says that the account is open again."


class EndDateForm(VerbForm):
    until = moment_field(
        label="End", help_text="In UTC. From then on nobody can sign in to the account."
    )
    reason = reason_field(required=False)

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return super().start(account, query) | {"until": account.valid_until}


class DeletionForm(ReasonForm):
    templates = DELETION


class KnownAddressForm(VerbForm):
    reason = reason_field(label="How do you know?", help_text="Stays in the audit trail.")


class GroupsForm(VerbForm):
    groups = GroupsField(
        Group.objects.order_by("id"), widget=forms.CheckboxSelectMultiple, label="Groups"
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
        help_text=f"Plain text. What stands for the person’s own: {letters.NAMES}.",
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
        help_text="Stays in the audit trail, so it must not name the person. The number of a request will do."
    )
    reserve = forms.BooleanField(
        required=False,
        initial=True,
        label="Keep the username and the address reserved",
        help_text="Nobody can register with them again. Kept as digests, which tell nobody what they were.",
    )
    confirm = forms.CharField(
        max_length=320,
        label="Username",
        validators=[refuse_lost],
        help_text="To be sure that it is this account: type its username, as it stands above.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def fit(self, account: User, viewer: Any) -> None:
        """Whoever does not see the whole username types the number."""
        self.wanted = account.username
        self.what = "username"
        if masking.hides(viewer):
            self.wanted = str(account.pk)
            self.what = "number"
            field = self.fields["confirm"]
            field.label = "Number"
            field.help_text = (
                "To be sure that it is this account: type its number, as it stands above."
            )
        self.over = (
            account.status == State.ERASED
        )  # by somebody else just now, and its username with it: the verb says so

    def clean_confirm(self) -> str:
        typed = self.cleaned_data["confirm"]
        if (
            not self.over
            and fold(typed.strip()).removeprefix("#" if self.what == "number" else "")
            != self.wanted
        ):
            raise ValidationError(f"This is not the {self.what} of the account.")
        return typed

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("reason", "reserve", "version")}
