"""Forms of one account. They normalise and check what was typed; what may be done is for the verbs
to say.
"""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import QueryDict

from users import identifiers
from users.account.errors import Stale
from users.account.models import TEXT_MAX
from users.account.verbs.change import PROFILE, REASON_MAX


def refuse_lost(value: str) -> None:
    """Nothing, or ValidationError where bytes came that are no UTF-8: Django has put U+FFFD in
    their place by now.
    """
    if "\ufffd" in value:
        raise ValidationError("This contains an unreadable character. Type it again.", code="lost")


class NormalField(forms.CharField):
    """Text that one function of users.identifiers brings into normal form."""

    def __init__(self, normalise, **kwargs):
        super().__init__(strip=False, validators=[refuse_lost], **kwargs)
        self.normalise = normalise

    def clean(self, value):
        return self.normalise(super().clean(value))


class VersionField(forms.IntegerField):
    """Nobody types it, so whatever is wrong with it has one remedy."""

    def clean(self, value):
        try:
            return super().clean(value)
        except ValidationError as error:
            raise ValidationError(
                "The form is incomplete. Reload the page and fill it in again.",
                code="invalid",
            ) from error


class VersionedForm(forms.Form):
    """Carries the version of the account that the person saw. `stale` is set when it has changed
    since, and that matters.
    """

    version = VersionField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    stale: Stale | None = None

    def clean(self):
        """A browser sends every text, an empty one too: one that didn't come is not one that
        somebody has emptied.
        """
        for name, field in self.fields.items():
            if (
                isinstance(field, NormalField)
                and name not in self.data
                and not self.has_error(name)
            ):
                self.add_error(
                    name,
                    ValidationError(
                        "This field is missing. Enter or choose a value.", code="missing"
                    ),
                )
        return super().clean()


class OwnProfileForm(VersionedForm):
    first_name = NormalField(
        identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        required=False,
        label="First name",
    )
    last_name = NormalField(
        identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        required=False,
        label="Last name",
    )
    phone = NormalField(identifiers.normalise_phone, max_length=40, required=False, label="Phone")
    locale = NormalField(
        identifiers.normalise_locale,
        max_length=identifiers.LOCALE_MAX,
        required=False,
        label="Language",
        help_text="For example en or pt-BR.",
    )
    time_zone = NormalField(
        identifiers.normalise_time_zone,
        max_length=64,
        required=False,
        label="Time zone",
        help_text="For example Europe/Lisbon.",
    )


class ProfileForm(OwnProfileForm):
    username = NormalField(
        identifiers.normalise_username, max_length=identifiers.USERNAME_MAX, label="Username"
    )
    email = NormalField(identifiers.normalise_email, max_length=320, required=False, label="Email")
    field_order = PROFILE


def field_form(name: str) -> type[VersionedForm]:
    """The form of one field of the profile. Its ids begin with the name, so that several may stand
    on a page.
    """
    return type("FieldForm", (VersionedForm,), {name: ProfileForm.base_fields[name]})


class GroupsField(forms.ModelMultipleChoiceField):
    def clean(self, value):
        try:
            return super().clean(value)
        except OverflowError as error:  # SQLite, for a number that is no id on any database
            raise ValidationError("This role does not exist.", code="invalid_choice") from error


class RolesForm(VersionedForm):
    groups = GroupsField(
        Group.objects.order_by("id"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles",
    )
    is_staff = forms.BooleanField(
        required=False, label="Staff", help_text="Has back-office access."
    )
    is_superuser = forms.BooleanField(
        required=False,
        label="Superuser",
        help_text="Has all permissions, regardless of roles. Always staff.",
    )


class InviteForm(ProfileForm):
    """`with_roles`: whether the person who invites may give roles too."""

    version = None  # type: ignore[assignment]

    def __init__(self, *args, with_roles: bool, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["username"].help_text = "Letters, digits and @ . + - _"
        if with_roles:
            self.fields |= {
                name: field for name, field in RolesForm().fields.items() if name != "version"
            }

    def clean(self):
        """What is left out is empty: there is nothing yet that it could take away."""
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class PutBackForm(VersionedForm):
    reason = forms.CharField(
        max_length=REASON_MAX,
        label="Reason",
        validators=[refuse_lost],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Visible in the audit trail.",
    )


class NoteForm(forms.Form):
    """`with_pin`: whether who writes it may pin it too."""

    text = forms.CharField(
        max_length=TEXT_MAX,
        label="Note",
        validators=[refuse_lost],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Visible to everyone who can see this account.",
    )
    pinned = forms.BooleanField(required=False, label="Pin")

    def __init__(self, *args, with_pin: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not with_pin:
            del self.fields["pinned"]


class EditNoteForm(forms.Form):
    text = forms.CharField(
        max_length=TEXT_MAX,
        label="Note",
        validators=[refuse_lost],
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    version = VersionField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def sent_again(self, version: int) -> None:
        """The same form as a change of the note as it is now."""
        again = cast(QueryDict, self.data).copy()
        again["version"] = str(version)
        self.data = again
