"""One account: its page, and a page for each verb that asks for something first."""

from typing import Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking, verbs
from users.account import page as frame
from users.account.forms import InviteForm, ProfileForm, RolesForm
from users.account.page import get_account
from users.audit import trail
from users.audit.html import lines
from users.audit.privileged_fields import record_strange
from users.exceptions import Refused
from users.history import edit_conflicts
from users.models import User
from users.verbs.form_submission import bind, submit
from users.verbs.verb_page import form_page
from users.web.error_page import page
from users.web.forms import status_of


@require_safe
def show(request, pk: int):
    return frame.kept(request, pk, "account", profile)


def profile(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    events, more = trail.about(account.pk)
    return {
        "events": lines(events, on_account=True, masked=masking.hides(request.user)),
        "more_events": more,
    }


@form_page
def new(request):
    access.require(request.user, "invite")
    form = bind(request, InviteForm, "invite", with_roles=access.may(request.user, "assign_roles"))
    if form.is_valid() and (
        account := submit(form, lambda: verbs.invite(by=request.user, **form.values()))
    ):
        messages.success(
            request,
            f"{account.display_name} is invited. The mail to {account.email} is on its way.",
        )
        return redirect("account", account.pk)
    return render(request, "users/account/new.html", {"form": form}, status=status_of(form))


@form_page
def edit(request, pk: int):
    account = get_account(request, "edit", pk)
    form = bind(request, ProfileForm, "edit", account, initial=vars(account))
    if form.is_valid() and (
        done := submit(form, lambda: verbs.edit(account, by=request.user, **form.cleaned_data))
    ):
        messages.success(request, edit_conflicts.saved(done, request.user))
        return redirect("account", pk)
    context = {"form": form, "account": account} | edit_conflicts.shown(
        form, request.user, f"/users/{pk}/"
    )
    return render(request, "users/account/edit.html", context, status=status_of(form))


@form_page
def roles(request, pk: int):
    account = get_account(request, "assign_roles", pk)
    initial = vars(account) | {"groups": account.groups.all()}
    form = bind(request, RolesForm, "assign_roles", account, initial=initial)
    if form.is_valid() and (
        done := submit(
            form, lambda: verbs.assign_roles(account, by=request.user, **form.cleaned_data)
        )
    ):
        messages.success(request, edit_conflicts.saved(done, request.user, "Roles saved."))
        return redirect("account", pk)
    context = {"form": form, "account": account} | edit_conflicts.shown(
        form, request.user, f"/users/{pk}/"
    )
    return render(request, "users/account/roles.html", context, status=status_of(form))


@form_page
def invitation(request, pk: int):
    account = get_account(request, "invite", pk)
    if request.method != "POST":
        return render(request, "users/account/invitation.html", {"account": account})
    record_strange(request, "invite", account)
    try:
        verbs.invite_again(account, by=request.user)
    except Refused as refused:
        return page(request, 409, refused.message, back=f"/users/{pk}/")
    messages.success(request, f"The invitation to {account.email} is on its way again.")
    return redirect("account", pk)
