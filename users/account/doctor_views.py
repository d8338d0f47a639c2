"""The login doctor: of an account, and for an address that may be nobody's."""

from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.account import page
from users.directory.search import exact_match
from users.doctor.diagnosis import diagnose_sign_in, unknown_name_attempts
from users.doctor.typo_suggestions import suggest_accounts
from users.exceptions import BadRequest
from users.identifiers import EMAIL_MAX, fold_identifier, normalise_email
from users.models import User, UserQuerySet
from users.sessions.sign_in_events import find_by_login
from users.web.query_string import check_parameters, refuse_bad_parameters


@require_safe
def doctor_tab(request, pk: int):
    return page.uncached_tab(
        request, page.get_page_account(request, "view", pk), "account-doctor", doctor_content
    )


def doctor_content(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    return {"diagnosis": diagnose_sign_in(account, lambda action: around["may"].get(action, False))}


@require_safe
def doctor_search(request):
    """An address or username as the person on the phone says it; the account’s own page where there
    is one.
    """
    access.require(request.user, "view")
    with refuse_bad_parameters("/users/doctor/"):
        check_parameters(request.GET, "q")
    typed = request.GET.get("q", "").strip()
    if len(typed) > EMAIL_MAX or "\x00" in typed:
        raise BadRequest(
            "q",
            f"Enter a username or address of at most {EMAIL_MAX} printable characters.",
            back="/users/doctor/",
        )
    if account := find_account(typed):
        return redirect("account-doctor", account.pk)
    context: dict[str, Any] = {"q": typed}
    if typed:
        # Who may not see addresses does not learn them by asking for some that are nearly right.
        alike = [] if masking.hides_personal_data(request.user) else suggest_accounts(typed)
        context |= {
            "tries": unknown_name_attempts(typed),
            "fault": address_error(typed),
            "alike": alike,
        }
    return render(
        request,
        "users/account/doctor_find.html",
        context | {"may_invite": access.may(request.user, "invite")},
    )


def find_account(typed: str) -> User | None:
    """The account with this username or address, or else this id."""
    which, _ = exact_match(fold_identifier(typed))
    return find_by_login(fold_identifier(typed)) or (
        UserQuerySet(User).filter(which).first() if which else None
    )


def address_error(typed: str) -> str:
    """Why this can be nobody's address, or ""."""
    try:
        normalise_email(typed if "@" in typed else "")
    except ValidationError as error:
        return error.messages[0]
    return ""
