"""Forms of one account. They normalise and check what was typed; what may be done is for the verbs
to say.
"""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.http import QueryDict

from users import identifiers
from users.fields import PROFILE
from users.notes.models import TEXT_MAX
from users.web.forms import (
    REASON_MAX,
    GroupsField,
    NormalField,
    VersionedForm,
    VersionField,
    refuse_lost,
)


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
        help_text="Such as en or pt-BR.",
    )
    time_zone = NormalField(
        identifiers.normalise_time_zone,
        max_length=64,
        required=False,
        label="Time zone",
        help_text="Such as Europe/Lisbon.",
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


class RolesForm(VersionedForm):
    groups = GroupsField(
        Group.objects.order_by("id"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles",
    )
    is_staff = forms.BooleanField(
        required=False, label="Staff", help_text="May enter the back office."
    )
    is_superuser = forms.BooleanField(
        required=False,
        label="Superuser",
        help_text="Has every right, whatever the roles say; always staff.",
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
        help_text="Stays in the audit trail.",
    )


class NoteForm(forms.Form):
    """`with_pin`: whether who writes it may pin it too."""

    text = forms.CharField(
        max_length=TEXT_MAX,
        label="Note",
        validators=[refuse_lost],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For colleagues; everybody who may see this account can read it.",
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
