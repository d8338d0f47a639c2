"""The forms of the profile, built from users.fields, and the page that edits all fields."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.forms.boundfield import BoundField
from django.shortcuts import redirect, render

from users.fields import FIELDS, OWN_PROFILE_FIELDS, PROFILE_FIELDS
from users.history import edit_conflicts
from users.models import User
from users.sessions.own_password import check_own_password
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_before_form
from users.verbs.profile.verb import edit_profile
from users.web.account_lookup import get_account
from users.web.forms import (
    REASON_MAX,
    FlagField,
    NormalisedField,
    TextField,
    VersionedForm,
    form_page,
    form_status,
)


def form_field(name: str) -> NormalisedField:
    """Returns the form field for a declared field of the profile."""
    field = FIELDS[name]
    kind = FlagField if field.is_flag else NormalisedField
    return kind(
        field.normalise,
        max_length=field.max_length,
        required=field.required,
        label=field.label,
        help_text=field.help_text,
    )


class DeclaredForm(VersionedForm):
    """A form with fields of the profile."""

    def rows(self) -> list[list[BoundField]]:
        """Returns the fields of the profile in rows, some of which hold several fields."""
        rows: list[list[BoundField]] = []
        for name in self.fields:
            if name not in PROFILE_FIELDS:
                continue
            if rows and rows[-1][0].name == FIELDS[name].beside:
                rows[-1].append(self[name])
            else:
                rows.append([self[name]])
        return rows


def profile_form(*names: str) -> Any:
    """Returns a form class with these fields of the profile."""
    fields = {name: form_field(name) for name in names}
    return type("ProfileFieldsForm", (DeclaredForm,), fields)


class OwnProfileForm(profile_form(*OWN_PROFILE_FIELDS)):  # type: ignore[misc]
    """The fields that people may change about themselves."""


class ProfileForm(profile_form(*PROFILE_FIELDS)):  # type: ignore[misc]
    """All fields of the profile: the person's names first, the others as declared."""

    field_order = ("first_name", "last_name", *PROFILE_FIELDS)


def with_own_password(form_class: type[VersionedForm]) -> type[VersionedForm]:
    """Returns the form class with a field for the current password, for one's own address."""
    password = forms.CharField(
        required=False,
        max_length=4096,
        label="Current password",
        help_text="Only needed to change your own email address.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )
    return type("OwnAddressForm", (form_class,), {"own_password": password})


def check_typed_password(request, account: User, form: Form) -> None:
    """Adds an error to the form if the typed password is needed and wrong. The verb refuses a
    missing one. Wrong ones count as at sign-in.
    """
    typed = form.is_valid() and form.cleaned_data.get("own_password")
    if not typed or form.cleaned_data.get("email", account.email) == account.email:
        return
    try:
        if not check_own_password(request, request.user, typed):
            form.add_error("own_password", "This is not your current password.")
    except ValidationError as too_many:
        form.add_error("own_password", too_many)


def field_form(name: str) -> type[VersionedForm]:
    """Returns the form class of one field of the profile."""
    return profile_form(name)


class RestoreValueForm(VersionedForm):
    """The reason for restoring an earlier value."""

    reason = TextField(
        max_length=REASON_MAX,
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Visible in the audit trail.",
    )


@form_page
def profile_page(request, pk: int):
    account = get_account(request, "edit", pk)
    refuse_before_form(request, account, DELETED_OBSTACLES)
    is_own = account.pk == request.user.pk
    form_class = with_own_password(ProfileForm) if is_own else ProfileForm
    form = bind_form(request, form_class, "edit", account, initial=vars(account))
    check_typed_password(request, account, form)
    if changed := submit_form(form, edit_profile, account, by=request.user):
        messages.success(request, edit_conflicts.profile_saved(changed, request.user))
        return redirect("account", pk)
    context = {"form": form, "account": account}
    context |= edit_conflicts.conflict_context(form, request.user, f"/users/{pk}/")
    return render(request, "users/verbs/profile.html", context, status=form_status(form))
