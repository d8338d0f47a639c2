"""One account: its page, and a page for each verb that asks for something first."""

from typing import Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access
from users.account import frame, masking, meanwhile, verbs
from users.account.asks import form_page
from users.account.errors import Refused
from users.account.forms import InviteForm, ProfileForm, RolesForm
from users.account.frame import get_account
from users.account.submit import bind, record_strange, status_of, submit
from users.audit import trail
from users.audit.pieces import lines
from users.errors import page
from users.models import User


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
            f"{account.display_name} invited. Invitation to {account.email} queued.",
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
        messages.success(request, meanwhile.profile_saved(done, request.user))
        return redirect("account", pk)
    context = {"form": form, "account": account} | meanwhile.shown(
        form, request.user, f"/users/{pk}/"
    )
    return render(request, "users/account/edit.html", context, status=status_of(form))


@form_page
def roles(request, pk: int):
    account = get_account(request, "assign_roles", pk)
    initial = vars(account) | {"groups": account.groups.all()}
    form = bind(request, RolesForm, "assign_roles", account, initial=initial)
    held = access_names(account) if form.is_valid() else set()
    if form.is_valid() and (
        done := submit(
            form, lambda: verbs.assign_roles(account, by=request.user, **form.cleaned_data)
        )
    ):
        words = roles_saved(held, access_names(done))
        messages.success(request, meanwhile.saved(done, request.user, words))
        return redirect("account", pk)
    context = {"form": form, "account": account} | meanwhile.shown(
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
    messages.success(request, f"Invitation to {account.email} queued again.")
    return redirect("account", pk)


def access_names(account: User) -> set[str]:
    """The names of an account's roles, with "Staff" and "Superuser" where it is one."""
    names = set(account.groups.values_list("name", flat=True))
    if account.is_staff:
        names.add("Staff")
    if account.is_superuser:
        names.add("Superuser")
    return names


def roles_saved(before: set[str], after: set[str]) -> str:
    """A message such as "Granted Support. Removed Viewer."."""
    granted = ", ".join(sorted(after - before))
    removed = ", ".join(sorted(before - after))
    words = [f"Granted {granted}."] if granted else []
    if removed:
        words.append(f"Removed {removed}.")
    return " ".join(words) or "No changes to the roles."
