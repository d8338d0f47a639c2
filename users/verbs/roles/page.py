"""The page that changes all roles and the access level of an account."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import QueryDict
from django.shortcuts import redirect, render

from users import access
from users.history import edit_conflicts
from users.models import User
from users.sudo.recent import require_sudo
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.impact import account_impact
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_before_form
from users.verbs.roles.approval import SUPERUSER, approval_sentence
from users.verbs.roles.confirmation import (
    describe_username_field,
    require_confirmation,
    role_end_field,
    role_permissions,
    username_field,
)
from users.verbs.roles.verb import assign_roles
from users.web.account_lookup import get_account
from users.web.forms import GroupsField, VersionedForm, form_page, form_status, reason_field

NO_EFFECT_ERROR = (
    f"{access.NO_EFFECT} Staff is ticked now; untick it to save the roles without effect."
)


class RoleFieldsForm(VersionedForm):
    """The roles and the access level of an account."""

    groups = GroupsField(
        Group.objects.order_by("id"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Roles",
    )
    is_staff = forms.BooleanField(
        required=False,
        label="Staff",
        help_text="Has back-office access. Without it, roles have no effect.",
    )
    is_superuser = forms.BooleanField(
        required=False,
        label=SUPERUSER,
        help_text="Has all permissions, regardless of roles. Always staff.",
    )


class RolesForm(RoleFieldsForm):
    until = role_end_field()
    reason = reason_field()
    typed_username = username_field()
    # The form has said that the roles have no effect.
    staff_asked = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, target: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.target = target
        describe_username_field(self, target, Group.objects.all())

    def clean(self) -> None:
        super().clean()
        groups = self.cleaned_data.get("groups")
        if groups is None:
            return
        require_confirmation(
            self, self.target, groups, self.cleaned_data.get("is_superuser", False)
        )
        if not self.cleaned_data.get("staff_asked") and self.lacks_effect(groups):
            self.offer_staff()

    def lacks_effect(self, groups: Iterable[Group]) -> bool:
        """Returns whether the form gives roles that have no effect, and changes something."""
        wanted = User(
            is_staff=self.cleaned_data.get("is_staff", False),
            is_superuser=self.cleaned_data.get("is_superuser", False),
        )
        is_change = self.target.is_staff or set(self.target.groups.all()) != set(groups)
        return is_change and access.lacks_effect(wanted, groups)

    def offer_staff(self) -> None:
        """Ticks "Staff" and says why. The next time the form is taken as it is."""
        self.data = cast(QueryDict, self.data).copy()
        self.data.setlist("is_staff", ["on"])
        self.data.setlist("staff_asked", ["on"])
        self.add_error("is_staff", NO_EFFECT_ERROR)

    def values(self) -> dict[str, Any]:
        """Returns the arguments of assign_roles."""
        names = ("groups", "is_staff", "is_superuser", "until", "reason", "version")
        return {name: self.cleaned_data[name] for name in names}


@form_page
def roles_page(request, pk: int):
    account = get_account(request, "assign_roles", pk)
    refuse_before_form(request, account, DELETED_OBSTACLES)
    require_sudo(request, "assign_roles")
    initial = vars(account) | {"groups": account.groups.all()}
    form = bind_form(request, RolesForm, "assign_roles", account, initial=initial, target=account)
    held = access_names(account) if form.is_valid() else set()
    if changed := submit_form(form, assign_roles, account, by=request.user):
        saved = roles_saved(held, access_names(changed), changed)
        if waiting := approval_sentence(changed):
            saved = f"{saved} {waiting}"
        messages.success(request, edit_conflicts.saved_message(changed, request.user, saved))
        return redirect("account", pk)
    context = {
        "form": form,
        "account": account,
        "impact": account_impact(account),
    }
    context["role_permissions"] = role_permissions(Group.objects.all())
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


def roles_saved(before: set[str], after: set[str], account: User) -> str:
    """Returns a message such as "Granted Support. Removed Viewer."."""
    granted = ", ".join(sorted(after - before))
    removed = ", ".join(sorted(before - after))
    sentences = []
    if granted:
        sentences.append(f"Granted {granted}.")
    if removed:
        sentences.append(f"Removed {removed}.")
    if sentences and access.lacks_effect(account, account.groups.all()):
        sentences.append(access.NO_EFFECT)
    return " ".join(sentences) or "No changes to the roles."
