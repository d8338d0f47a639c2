"""The login doctor: of an account, and for an address that may be nobody's."""

from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.account import page
from users.directory.search import exact
from users.doctor.diagnosis import attempts_at, diagnose
from users.doctor.lookalikes import lookalikes
from users.exceptions import BadParameter, BadRequest
from users.identifiers import EMAIL_MAX, fold, normalise_email
from users.models import User, UserQuerySet
from users.sessions.sign_in_events import tried
from users.web.query_string import only


@require_safe
def doctor(request, pk: int):
    return page.fresh(request, page.get_account(request, "view", pk), "account-doctor", content)


def content(request, account: User, around: dict[str, Any]) -> dict[str, Any]:
    return {"diagnosis": diagnose(account, lambda action: around["may"].get(action, False))}


@require_safe
def find(request):
    """An address or username as the person on the phone says it; the account’s own page where there
    is one.
    """
    access.require(request.user, "view")
    try:
        only(request.GET, "q")
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back="/users/doctor/") from error
    typed = request.GET.get("q", "").strip()
    if len(typed) > EMAIL_MAX or "\x00" in typed:
        raise BadRequest(
            "q",
            f"Enter a username or address of at most {EMAIL_MAX} printable characters.",
            back="/users/doctor/",
        )
    if account := named(typed):
        return redirect("account-doctor", account.pk)
    context: dict[str, Any] = {"q": typed}
    if typed:
        # Who may not see addresses does not learn them by asking for some that are nearly right.
        alike = [] if masking.hides(request.user) else lookalikes(typed)
        context |= {"tries": attempts_at(typed), "fault": fault(typed), "alike": alike}
    return render(
        request,
        "users/account/doctor_find.html",
        context | {"may_invite": access.may(request.user, "invite")},
    )


def named(typed: str) -> User | None:
    """The account with this username or address, or else this id."""
    which, _ = exact(fold(typed))
    return tried(fold(typed)) or (UserQuerySet(User).filter(which).first() if which else None)


def fault(typed: str) -> str:
    """Why this can be nobody's address, or ""."""
    try:
        normalise_email(typed if "@" in typed else "")
    except ValidationError as error:
        return error.messages[0]
    return ""
