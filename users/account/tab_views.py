"""The tabs of an account's page except the first: each is a page, and a partial for HTMX."""

from typing import Any

from django.views.decorators.http import require_safe

from users import access, masking
from users.account import page
from users.account.mail_list import mail_page, suppression_notices
from users.account.sign_in_list import sign_ins_page
from users.caching.replica import reads_replica
from users.history.activity import activity_page
from users.history.grants import latest_grants
from users.models import User
from users.permissions import permission_sources
from users.web.query_string import refuse_bad_parameters


@require_safe
@reads_replica
def access_tab(request, pk: int):
    return page.cached_tab(request, pk, "account-access", access_content)


def access_content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    permissions = shell["permissions"]
    return {
        "grants": latest_grants(account, permissions),
        "sources": permission_sources(permissions),
        "in_force": access.may_enter(account),
    }


@require_safe
@reads_replica
def sign_ins_tab(request, pk: int):
    account = page.get_page_account(request, "view", pk)
    return page.uncached_tab(request, account, "account-signins", sign_ins_content)


def sign_ins_content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    with refuse_bad_parameters(f"/users/{account.pk}/sign-ins/"):
        found = sign_ins_page(account, request.GET)
    return found | {"current": request.session.session_key}


@require_safe
@reads_replica
def mail_tab(request, pk: int):
    unmasked = page.get_unmasked_page_account(request, "view", pk)
    account = masking.mask_accounts([unmasked], request.user)[0]

    def content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
        with refuse_bad_parameters(f"/users/{pk}/mail/"):
            found = mail_page(unmasked, request.GET, shown=account)
        return found | {"suppressions": suppression_notices(unmasked)}

    return page.uncached_tab(request, account, "account-mail", content)


@require_safe
@reads_replica
def activity_tab(request, pk: int):
    return page.uncached_tab(
        request, page.get_page_account(request, "view", pk), "account-activity", activity_content
    )


def activity_content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
    with refuse_bad_parameters(f"/users/{account.pk}/activity/"):
        return activity_page(request.user, account, request.GET)
