"""The page that changes all roles and the access level of an account."""

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.shortcuts import redirect, render

from users.history import edit_conflicts
from users.models import User
from users.verbs.form_submission import bind_form, form_page, submit_form
from users.verbs.roles.verb import assign_roles
from users.web.account_lookup import get_account
from users.web.forms import GroupsField, VersionedForm, form_status


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


@form_page
def roles_page(request, pk: int):
    account = get_account(request, "assign_roles", pk)
    initial = vars(account) | {"groups": account.groups.all()}
    form = bind_form(request, RolesForm, "assign_roles", account, initial=initial)
    held = access_names(account) if form.is_valid() else set()
    change = lambda: assign_roles(account, by=request.user, **form.cleaned_data)  # noqa: E731
    if form.is_valid() and (changed := submit_form(form, change)):
        saved = roles_saved(held, access_names(changed))
        messages.success(request, edit_conflicts.saved_message(changed, request.user, saved))
        return redirect("account", pk)
    context = {"form": form, "account": account}
    context |= edit_conflicts.conflict_context(form, request.user, f"/users/{pk}/")
    return render(request, "users/verbs/roles.html", context, status=form_status(form))


def access_names(account: User) -> set[str]:
    """Returns the names of an account's roles, with "Staff" and "Superuser" if it is one."""
    names = set(account.groups.values_list("name", flat=True))
    if account.is_staff:
        names.add("Staff")
    if account.is_superuser:
        names.add("Superuser")
    return names


def roles_saved(before: set[str], after: set[str]) -> str:
    """Returns a message such as "Granted Support. Removed Viewer."."""
    granted = ", ".join(sorted(after - before))
    removed = ", ".join(sorted(before - after))
    sentences = []
    if granted:
        sentences.append(f"Granted {granted}.")
    if removed:
        sentences.append(f"Removed {removed}.")
    return " ".join(sentences) or "No changes to the roles."
