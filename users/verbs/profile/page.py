""""""

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render

from users import identifiers
from users.fields import PROFILE_FIELDS
from users.history import edit_conflicts
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.profile.verb import edit_profile
from users.verbs.verb_page import form_page
from users.web.account_lookup import get_account
from users.web.forms import (
    REASON_MAX,
    NormalisedField,
    VersionedForm,
    form_status,
    refuse_lost_characters,
)


class OwnProfileForm(VersionedForm):
    first_name = NormalisedField(
        identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        required=False,
        label="First name",
    )
    last_name = NormalisedField(
        identifiers.normalise_name,
        max_length=identifiers.NAME_MAX,
        required=False,
        label="Last name",
    )
    phone = NormalisedField(
        identifiers.normalise_phone, max_length=40, required=False, label="Phone"
    )
    locale = NormalisedField(
        identifiers.normalise_locale,
        max_length=identifiers.LOCALE_MAX,
        required=False,
        label="Language",
        help_text="For example en or pt-BR.",
    )
    time_zone = NormalisedField(
        identifiers.normalise_time_zone,
        max_length=64,
        required=False,
        label="Time zone",
        help_text="For example Europe/Lisbon.",
    )


class ProfileForm(OwnProfileForm):
    username = NormalisedField(
        identifiers.normalise_username, max_length=identifiers.USERNAME_MAX, label="Username"
    )
    email = NormalisedField(
        identifiers.normalise_email, max_length=320, required=False, label="Email"
    )
    field_order = PROFILE_FIELDS


def field_form(name: str) -> type[VersionedForm]:
    """The form of one field of the profile. Its ids begin with the name, so that several may stand
    on a page.
    """
    return type("FieldForm", (VersionedForm,), {name: ProfileForm.base_fields[name]})


class RestoreValueForm(VersionedForm):
    reason = forms.CharField(
        max_length=REASON_MAX,
        label="Reason",
        validators=[refuse_lost_characters],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Visible in the audit trail.",
    )


@form_page
def edit(request, pk: int):
    account = get_account(request, "edit", pk)
    form = bind_form(request, ProfileForm, "edit", account, initial=vars(account))
    if form.is_valid() and (
        done := submit_form(
            form, lambda: edit_profile(account, by=request.user, **form.cleaned_data)
        )
    ):
        messages.success(request, edit_conflicts.profile_saved(done, request.user))
        return redirect("account", pk)
    context = {"form": form, "account": account} | edit_conflicts.conflict_context(
        form, request.user, f"/users/{pk}/"
    )
    return render(request, "users/account/edit.html", context, status=form_status(form))
