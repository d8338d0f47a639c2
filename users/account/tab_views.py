"""The tabs of an account's page beside the first: each an address, a page without scripts, and a
part for HTMX.
"""

from typing import Any

from django.views.decorators.http import require_safe

from users import access as gate
from users.account import page
from users.account.mails import mails
from users.exceptions import BadParameter, BadRequest
from users.history import activity as timeline
from users.history.grants import grants
from users.models import User
from users.permissions import sources


@require_safe
def access(request, pk: int):
    return page.kept(request, pk, "account-access", rights)


def rights(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    found = around["rights"]
    return {
        "grants": grants(account, found),
        "sources": sources(found),
        "in_force": gate.may_enter(account),
    }


@require_safe
def mail(request, pk: int):
    return page.fresh(request, page.get_account(request, "view", pk), "account-mail", messages)


def messages(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    try:
        return mails(account, request.GET)
    except BadParameter as error:
        raise BadRequest(
            error.parameter, error.message, back=f"/users/{account.pk}/mail/"
        ) from error


@require_safe
def activity(request, pk: int):
    return page.fresh(
        request, page.get_account(request, "view", pk), "account-activity", happenings
    )


def happenings(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    try:
        return timeline.activity(request.user, account, request.GET)
    except BadParameter as error:
        raise BadRequest(
            error.parameter, error.message, back=f"/users/{account.pk}/activity/"
        ) from error
