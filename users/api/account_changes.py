"""The changes of an account whose pages have forms of their own: new accounts, the profile, a new
invitation, a reveal, and the end of sessions and of a lockout.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse

from users import access, masking
from users.api.answers import json_response
from users.api.problems import ApiProblem, bad_body
from users.api.query import require_parameters
from users.api.request_body import read_body_object, require_members
from users.api.shown_uses import count_changed_account
from users.api.verb_calls import (
    ACCOUNT_CHANGED,
    VERSION,
    changed_account_response,
    form_data,
    form_problem,
    if_match_version,
    read_form,
)
from users.audit.privileged_fields import record_refused_fields
from users.fields import PROFILE_FIELDS
from users.meter.checks import require_program_allowance
from users.meter.models import UseKind
from users.models import User
from users.sessions.store import valid_sessions
from users.verbs.form_submission import submit_form
from users.verbs.forms import UnversionedReasonForm
from users.verbs.invitation import INVITE_AGAIN
from users.verbs.invitation.page import InviteForm
from users.verbs.invitation.verb import invite_user
from users.verbs.lockout_end import END_LOCKOUT
from users.verbs.profile import EDIT
from users.verbs.profile.page import profile_form
from users.verbs.reveal import REVEAL
from users.verbs.reveal.page import RevealForm
from users.verbs.reveal.verb import REVEALED_FIELDS, needs_reason, reveal_personal_data
from users.verbs.session_end import END_SESSIONS
from users.verbs.session_end.verb import end_session
from users.web.account_lookup import get_account

# They end something that is not a field of the account, so its version stays the same.
UNVERSIONED_VERBS = {verb.path.rstrip("/"): verb for verb in (END_SESSIONS, END_LOCKOUT)}
OWN_ADDRESS = "A change of your own address requires your password, so make it on the page."
NOTHING_MASKED = "Nothing is masked for this token. Read the account."


def create_account(request: Any) -> HttpResponse:
    """Creates an invited account and queues its invitation. No token can give it roles."""
    require_parameters(request.GET, ())
    access.require(request.user, "view")
    access.require(request.user, INVITE_AGAIN.action)
    blank = InviteForm(with_roles=False)
    data = read_form(request, INVITE_AGAIN.action, None, blank)
    form = InviteForm(data, with_roles=False)
    account = submit_form(form, invite_user, by=request.user)
    if account is None:
        raise form_problem(request, form)
    response = changed_account_response(account.pk, request.user, status=201)
    response["Location"] = f"/api/v1/accounts/{account.pk}"
    return response


def edit_fields(request: Any, account_id: int) -> HttpResponse:
    """Changes those fields of the profile that the body has, merged as on the page."""
    require_parameters(request.GET, ())
    account = get_account(request, EDIT.action, account_id)
    sent = read_body_object(request)
    record_refused_fields(request.user, EDIT.action, account, sent, PROFILE_FIELDS)
    require_members(sent, [*PROFILE_FIELDS, VERSION])
    names = [name for name in PROFILE_FIELDS if name in sent]
    if not names:
        raise bad_body("", f"Send at least one of: {', '.join(PROFILE_FIELDS)}.")
    if "email" in names and account.pk == request.user.pk:
        raise bad_body("/email", OWN_ADDRESS, status=403)
    form_class = profile_form(*names)
    data = form_data(cleared_texts(sent), form_class(), if_match_version(request))
    form = form_class(data, initial=vars(account))
    if submit_form(form, EDIT.change, account, by=request.user) is None:
        raise form_problem(request, form)
    return changed_account_response(account.pk, request.user)


def cleared_texts(sent: dict[str, Any]) -> dict[str, Any]:
    """Returns the members with "" for null, which clears a field."""
    nulls = {name: "" for name, value in sent.items() if value is None}
    return sent | nulls


def resend_invite(request: Any, account_id: int) -> HttpResponse:
    """Sends the invitation again. It has no fields."""
    require_parameters(request.GET, ())
    account = get_account(request, INVITE_AGAIN.action, account_id)
    sent = read_body_object(request)
    record_refused_fields(request.user, INVITE_AGAIN.action, account, sent, ())
    require_members(sent, [])
    require_same_version(request, account)
    INVITE_AGAIN.change(account, by=request.user)
    return changed_account_response(account.pk, request.user)


def apply_unversioned(
    request: Any, account_id: int, action: str, change: Callable[..., User], *arguments: Any
) -> HttpResponse:
    """Applies a change that takes nothing but a reason. `arguments` follow the account."""
    require_parameters(request.GET, ())
    account = get_account(request, action, account_id)
    data = read_form(request, action, account, UnversionedReasonForm())
    require_same_version(request, account)
    form = UnversionedReasonForm(data)
    if submit_form(form, change, account, *arguments, by=request.user) is None:
        raise form_problem(request, form)
    return changed_account_response(account.pk, request.user)


def end_account_session(request: Any, account_id: int, session_id: UUID) -> HttpResponse:
    """Ends one session. Raises Http404 if the account has no such session."""
    account = get_account(request, END_SESSIONS.action, account_id)
    if session_id not in {each.public_id for each in valid_sessions(account)}:
        raise Http404
    return apply_unversioned(request, account_id, END_SESSIONS.action, end_session, session_id)


def require_same_version(request: Any, account: User) -> None:
    """Raises ApiProblem if the request has sent the ETag of another version."""
    version = if_match_version(request)
    if version and int(version) != account.version:
        errors = [{"header": "If-Match", "detail": ACCOUNT_CHANGED}]
        raise ApiProblem(412, ACCOUNT_CHANGED, errors=errors)


def reveal_masked(request: Any, account_id: int) -> HttpResponse:
    """Returns the personal data of an account that is masked for the token, and records it."""
    require_parameters(request.GET, ())
    account = get_account(request, REVEAL.action, account_id)
    if not masking.hides_personal_data(request.user):
        raise ApiProblem(409, NOTHING_MASKED)
    require_program_allowance(request.user, UseKind.REVEAL)
    data = read_form(request, REVEAL.action, account, RevealForm(with_reason=True))
    form = RevealForm(data, with_reason=True)
    if not needs_reason(request.user):
        # An optional reason is still recorded.
        for field in form.fields.values():
            field.required = False
    revealed = submit_form(form, reveal_personal_data, account, by=request.user)
    if revealed is None:
        raise form_problem(request, form)
    count_changed_account(request.user, revealed)
    values = {name: getattr(revealed, name) for name in REVEALED_FIELDS}
    return json_response({"id": revealed.pk} | values)
