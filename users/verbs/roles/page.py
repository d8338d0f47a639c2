""""""

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.shortcuts import redirect, render

from users.history import edit_conflicts
from users.verbs.form_submission import bind, submit
from users.verbs.roles.verb import assign_roles
from users.verbs.verb_page import form_page
from users.web.account_lookup import get_account
from users.web.forms import GroupsField, VersionedForm, status_of


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


@form_page
def roles(request, pk: int):
    account = get_account(request, "assign_roles", pk)
    initial = vars(account) | {"groups": account.groups.all()}
    form = bind(request, RolesForm, "assign_roles", account, initial=initial)
    if form.is_valid() and (
        done := submit(form, lambda: assign_roles(account, by=request.user, **form.cleaned_data))
    ):
        messages.success(request, edit_conflicts.saved(done, request.user, "Roles saved."))
        return redirect("account", pk)
    context = {"form": form, "account": account} | edit_conflicts.shown(
        form, request.user, f"/users/{pk}/"
    )
    return render(request, "users/account/roles.html", context, status=status_of(form))
