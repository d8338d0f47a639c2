"""The operations of the API, and their URLs behind the gateway."""

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import URLPattern, path
from ninja import NinjaAPI, Path
from ninja.errors import ValidationError as PathError

from users.api import account_changes, resources
from users.api.gateway import api_endpoint, unknown_url
from users.api.job_proposals import propose_job
from users.api.verb_calls import API_VERBS, REFUSED_VERBS, apply_verb, refuse_verb
from users.identifiers import LARGEST_ID
from users.verbs.declaration import Verb

PREFIX = "api/v1/"
VERSION_NUMBER = "1"
# The name that ninja gives to its own start page, which the API does not have.
NINJA_ROOT = "api-root"
AccountId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The ID of the account")]
SessionId = Annotated[UUID, Path(description="The ID of the session")]
JobId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The ID of the job")]
CHANGES = "Changes of an account"

api = NinjaAPI(
    title="Rollcall",
    version=VERSION_NUMBER,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)


def reraise_error(request: Any, error: Exception) -> HttpResponse:
    """Leaves an exception to the gateway, in place of ninja's own answers."""
    raise error


for error_class in (Exception, Http404, PathError):
    api.add_exception_handler(error_class, reraise_error)  # type: ignore[arg-type]


@api.get("/accounts", operation_id="listAccounts", tags=["Accounts"])
def accounts_operation(request: Any) -> HttpResponse:
    return resources.list_accounts(request)


@api.post("/accounts", operation_id="invitePerson", tags=[CHANGES])
def creation_operation(request: Any) -> HttpResponse:
    return account_changes.create_account(request)


@api.get("/accounts/count", operation_id="countAccounts", tags=["Accounts"])
def count_operation(request: Any) -> HttpResponse:
    return resources.count_matching_accounts(request)


@api.get("/accounts/{account_id}", operation_id="showAccount", tags=["Accounts"])
def account_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return resources.show_account(request, account_id)


@api.patch("/accounts/{account_id}", operation_id="editAccount", tags=[CHANGES])
def edit_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return account_changes.edit_fields(request, account_id)


@api.get("/accounts/{account_id}/events", operation_id="listEvents", tags=["Accounts"])
def events_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return resources.list_events(request, account_id)


@api.get("/accounts/{account_id}/sign-ins", operation_id="listSignIns", tags=["Accounts"])
def sign_ins_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return resources.list_sign_ins(request, account_id)


@api.get("/accounts/{account_id}/sessions", operation_id="listSessions", tags=["Accounts"])
def sessions_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return resources.list_sessions(request, account_id)


@api.get("/accounts/{account_id}/emails", operation_id="listEmails", tags=["Accounts"])
def emails_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return resources.list_emails(request, account_id)


@api.get("/jobs", operation_id="listJobs", tags=["Jobs"])
def jobs_operation(request: Any) -> HttpResponse:
    return resources.list_visible_jobs(request)


@api.post("/jobs", operation_id="startJob", tags=["Jobs"])
def proposal_operation(request: Any) -> HttpResponse:
    return propose_job(request)


@api.get("/jobs/{job_id}", operation_id="showJob", tags=["Jobs"])
def job_operation(request: Any, job_id: JobId) -> HttpResponse:
    return resources.show_job(request, job_id)


@api.post("/accounts/{account_id}/invitation", operation_id="inviteAgain", tags=[CHANGES])
def invitation_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return account_changes.resend_invite(request, account_id)


@api.post("/accounts/{account_id}/reveal", operation_id="revealAccount", tags=[CHANGES])
def reveal_operation(request: Any, account_id: AccountId) -> HttpResponse:
    return account_changes.reveal_masked(request, account_id)


@api.post(
    "/accounts/{account_id}/sessions/{session_id}/end",
    operation_id="endSession",
    tags=[CHANGES],
)
def session_end_operation(
    request: Any, account_id: AccountId, session_id: SessionId
) -> HttpResponse:
    return account_changes.end_account_session(request, account_id, session_id)


def add_unversioned_operation(verb_path: str, verb: Verb) -> None:
    """Adds the operation of a verb that takes nothing but a reason."""

    def unversioned_operation(request: Any, account_id: AccountId) -> HttpResponse:
        return account_changes.apply_unversioned(request, account_id, verb.action, verb.change)

    route = f"/accounts/{{account_id}}/{verb_path}"
    add = api.post(route, operation_id=verb_operation_id(verb), tags=[CHANGES])
    add(unversioned_operation)


def add_verb_operation(verb_path: str, verb: Verb) -> None:
    """Adds the operation of one verb."""

    def verb_operation(request: Any, account_id: AccountId) -> HttpResponse:
        return apply_verb(request, account_id, verb)

    route = f"/accounts/{{account_id}}/{verb_path}"
    add = api.post(route, operation_id=verb_operation_id(verb), tags=[CHANGES])
    add(verb_operation)


def verb_operation_id(verb: Verb) -> str:
    """Returns the name of the operation, such as "sendPasswordReset"."""
    first, *others = verb.name.split("_")
    return first + "".join(word.capitalize() for word in others)


for verb_path, verb in API_VERBS.items():
    add_verb_operation(verb_path, verb)
for verb_path, verb in account_changes.UNVERSIONED_VERBS.items():
    add_unversioned_operation(verb_path, verb)


def served_patterns() -> list[URLPattern]:
    """Returns the URLs of the operations behind the gateway, and the answer to all others."""
    served = []
    patterns: list[Any] = api.urls[0]
    for pattern in patterns:
        if pattern.name != NINJA_ROOT:
            view = api_endpoint(pattern.callback)
            served.append(path(str(pattern.pattern), view, name=f"api-{pattern.name}"))
    refused = api_endpoint(refuse_verb)
    routes = [f"accounts/<int:account_id>/{verb_path}" for verb_path in REFUSED_VERBS]
    served += [path(route, refused) for route in routes]
    unknown = [path("", unknown_url), path("<path:rest>", unknown_url)]
    return [*served, *unknown]
