"""The login doctor: the tab of an account, and the search for what a person types to sign in."""

from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.account import page
from users.audit.former_rows import FormerRow, former_holders, value_digests
from users.directory.search import exact_match
from users.directory.search_uses import counts_searches
from users.doctor.diagnosis import diagnose_sign_in, unknown_name_attempts
from users.doctor.typo_suggestions import suggest_accounts
from users.email_addresses import identifier_key, normalise_email
from users.exceptions import BadRequest
from users.identifiers import EMAIL_MAX
from users.models import User, UserQuerySet
from users.sessions.sign_in_events import find_by_login
from users.web.query_string import check_parameters, refuse_bad_parameters

# The fields that people sign in with.
LOGIN_FIELDS = ("username", "email")
FORMER_SHOWN = 3


@require_safe
def doctor_tab(request, pk: int):
    unmasked = page.get_unmasked_page_account(request, "view", pk)
    account = masking.mask_accounts([unmasked], request.user)[0]

    def content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
        def may(action: str) -> bool:
            return shell["may"].get(action, False)

        return {"diagnosis": diagnose_sign_in(account, may, address=unmasked.email)}

    return page.uncached_tab(request, account, "account-doctor", content)


@require_safe
@counts_searches
def doctor_search(request):
    """Finds the account for the username or address that a person types to sign in.

    Redirects to the doctor's tab of that account, or explains why there is none.
    """
    access.require(request.user, "view")
    typed = searched_name(request)
    if account := find_account(typed):
        return redirect("account-doctor", account.pk)
    context = {"q": typed, "may_invite": access.may(request.user, "invite")}
    if typed:
        context |= unknown_name_context(typed, request.user)
    return render(request, "users/account/doctor_find.html", context)


def searched_name(request) -> str:
    """Returns the trimmed search. Raises BadRequest."""
    with refuse_bad_parameters("/users/doctor/"):
        check_parameters(request.GET, "q")
    typed = request.GET.get("q", "").strip()
    if len(typed) > EMAIL_MAX or "\x00" in typed:
        message = f"Enter a username or address of at most {EMAIL_MAX} printable characters."
        raise BadRequest("q", message, back="/users/doctor/")
    return typed


def unknown_name_context(typed: str, viewer: User) -> dict[str, Any]:
    """Returns what is known about a name without an account.

    Similar and former accounts are left out if addresses are masked for the viewer, who could
    otherwise find them out by typing similar ones.
    """
    known = {"attempts": unknown_name_attempts(typed), "address_error": address_error(typed)}
    if masking.hides_personal_data(viewer):
        return known
    return known | {"similar": suggest_accounts(typed), "former": former_owners(typed)}


def former_owners(typed: str) -> list[FormerRow]:
    """Returns the last accounts that had this username or address."""
    digests = value_digests(typed)
    return former_holders(digests, limit=FORMER_SHOWN, fields=LOGIN_FIELDS)


def find_account(typed: str) -> User | None:
    """Returns the account with this username or address, or else with this id."""
    if account := find_by_login(identifier_key(typed)):
        return account
    condition, _ = exact_match(typed)
    return UserQuerySet(User).filter(condition).first() if condition else None


def address_error(typed: str) -> str:
    """Returns why this is not a valid address, or ""."""
    try:
        normalise_email(typed if "@" in typed else "")
    except ValidationError as error:
        return error.messages[0]
    return ""
