"""The pages on which administrators link an account to single sign-on, and end the link."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from users.models import User
from users.oidc.exchanges import is_enabled
from users.staff.links.changes import (
    ACTION,
    LINK_OBSTACLES,
    UNLINK_OBSTACLES,
    link_account,
    unlink_account,
)
from users.staff.links.forms import LinkAccountForm, UnlinkForm
from users.sudo.recent import require_sudo
from users.typed_text import isolate_text
from users.verbs.form_submission import submit_form
from users.verbs.obstacles import Obstacle, refuse_before_form
from users.web.account_lookup import get_account
from users.web.forms import form_page, form_status, posted_data


@form_page
def link_person(request, pk: int) -> HttpResponse:
    account = linkable_account(request, pk, LINK_OBSTACLES)
    form = LinkAccountForm(posted_data(request))
    return submit_link(request, account, form, link_account, "users/staff/link.html")


@form_page
def unlink_person(request, pk: int) -> HttpResponse:
    account = linkable_account(request, pk, UNLINK_OBSTACLES)
    form = UnlinkForm(posted_data(request))
    return submit_link(request, account, form, unlink_account, "users/staff/link_end.html")


def linkable_account(request, pk: int, obstacles: tuple[Obstacle, ...]) -> User:
    """Returns the account. Raises Http404, Denied, VerbRefused or SudoRequired."""
    account = get_account(request, ACTION, pk)
    if not is_enabled():
        raise Http404
    refuse_before_form(request, account, obstacles)
    require_sudo(request, ACTION)
    return account


def submit_link(
    request, account: User, form: Any, change: Callable[..., User], template: str
) -> HttpResponse:
    """Makes the change if the form is valid, and shows the form otherwise."""
    if submit_form(form, change, account, by=request.user):
        done = "linked to" if change is link_account else "unlinked from"
        name = isolate_text(account.display_name)
        messages.success(request, f"{name} {done} {settings.OIDC.name}.")
        return redirect(f"/users/{account.pk}/sign-ins/")
    context = {
        "form": form,
        "account": account,
        "provider": settings.OIDC.name,
    }
    return render(request, template, context, status=form_status(form))
