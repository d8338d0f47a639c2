"""The read operations: accounts with their events, sign-ins and emails, and jobs."""

from typing import Any

from django.http import HttpResponse, QueryDict

from users import access, masking
from users.account.mail_list import SIZE as MAIL_SIZE
from users.account.sign_in_list import list_attempts
from users.api import query
from users.api.account_json import (
    DETAIL_FIELDS,
    LEAN_FIELDS,
    LIST_FIELDS,
    account_detail,
    account_rows_json,
)
from users.api.answers import account_response, bind_etag, cached_answer, json_response
from users.api.problems import bad_query
from users.api.row_json import event_json, job_json, message_json, session_json, sign_in_json
from users.api.shown_uses import note_opening, note_rows, note_search
from users.audit.account_events import ACCOUNT_SIZE
from users.audit.models import AuditEvent
from users.caching import pages
from users.caching.generation import ACCOUNTS, ROLES
from users.caching.pages import BuiltPage
from users.caching.replica import reads_replica
from users.database.clock import current_time
from users.database.replica import note_write
from users.directory import status_expiry
from users.directory.count_views import count_quickly
from users.directory.counts import count_answer
from users.directory.days import relative_days_end
from users.directory.filter import Filter
from users.directory.query import BadCursor, FoundPage, find
from users.directory.request_filter import list_owner
from users.exceptions import BadParameter
from users.jobs import queries
from users.jobs.engine import get_visible_job
from users.jobs.views import STATE_VALUES
from users.mail.models import Message
from users.models import User
from users.sessions.store import valid_sessions
from users.web.account_lookup import get_account
from users.web.paging import IdPage, newest_page

ACCOUNTS_PATH = "/api/v1/accounts"
JOBS_PATH = "/api/v1/jobs"


@reads_replica
def list_accounts(request: Any) -> HttpResponse:
    """Lists the accounts that match a filter, in the order of the directory."""
    access.require(request.user, "view")
    query.require_parameters(request.GET, query.LIST_PARAMETERS)
    names = query.parse_fields(request.GET, LIST_FIELDS, LEAN_FIELDS)
    response = cached_answer(
        request,
        lambda request: build_list(request, names),
        generations=(ACCOUNTS, ROLES),
        audience=list_owner(request),
    )
    note_search(request, request.GET)
    note_rows(request, response)
    bind_etag(response, request.META["QUERY_STRING"])
    return response


def build_list(request: Any, names: tuple[str, ...]) -> BuiltPage:
    """Returns one page of accounts, and when it becomes outdated without a write."""
    wanted = query.parse_filter(request.GET, request.user)
    # Read before the rows, so that no status change in between is missed.
    expires_at = None
    if not wanted.has_index_order:
        expires_at = status_expiry.next_status_change(pages.request_generations(request))
    found = find_account_page(wanted, request.GET)
    accounts = masking.mask_accounts(found.page.accounts, request.user)
    rows = account_rows_json(accounts, names)
    if not wanted.is_cacheable:
        expires_at = current_time()
    ends = [found.expires_at or expires_at, relative_days_end(wanted.values)]
    return BuiltPage(
        json_response(list_json(found, rows, wanted, request.GET)),
        expiry=min(filter(None, ends), default=None),
        row_count=len(rows),
    )


def list_json(
    found: FoundPage, rows: list[dict[str, Any]], wanted: Filter, sent: QueryDict
) -> dict[str, Any]:
    """Returns a page of accounts with what is known about the others."""
    return {
        "accounts": rows,
        "count": page_count(found),
        "is_complete": not found.capped,
        "next": page_url(wanted, sent, after=found.page.next),
        "previous": page_url(wanted, sent, before=found.page.previous),
    }


def find_account_page(wanted: Filter, sent: QueryDict) -> FoundPage:
    """Returns the page at the cursor that was sent. Raises ApiProblem."""
    after = sent.get("after", "")
    before = sent.get("before", "")
    if after and before:
        raise bad_query("before", "Give either after or before, not both.")
    try:
        return find(wanted, after=after, before=before)
    except BadCursor as error:
        name = "after" if after else "before"
        detail = "This cursor is not valid for this order. Start again from the first page."
        raise bad_query(name, detail) from error


def page_count(found: FoundPage) -> dict[str, Any]:
    """Returns what is known about the number of matches without another query."""
    page = found.page
    number = len(page.accounts)
    if found.exact or not (page.next or page.previous or found.capped):
        return {"value": number, "kind": "exact"}
    if found.estimate:
        return {"value": found.estimate, "kind": "estimate"}
    return {"value": number, "kind": "at_least"}


def page_url(wanted: Filter, sent: QueryDict, **position: str | None) -> str | None:
    """Returns the URL of another page with the same fields; None if there is none."""
    (cursor,) = position.values()
    if not cursor:
        return None
    more = {name: value for name, value in position.items() if value}
    if query.FIELDS_PARAMETER in sent:
        more[query.FIELDS_PARAMETER] = sent.get(query.FIELDS_PARAMETER, "")
    return wanted.url(ACCOUNTS_PATH, **more)


@reads_replica
def count_matching_accounts(request: Any) -> HttpResponse:
    """Counts the accounts that match a filter, as far as that is quick."""
    access.require(request.user, "view")
    query.require_parameters(request.GET, query.FILTER_PARAMETERS)
    wanted = query.parse_filter(request.GET, request.user)
    note_search(request, request.GET)
    return json_response({"count": quick_count(wanted)})


def quick_count(wanted: Filter) -> dict[str, Any]:
    """Returns the count as the page shows it: exact up to its cap, else a lower bound with an
    estimate; None as the value if even that takes too long.
    """
    answer = count_answer(wanted)
    if answer and answer["number"] is not None:
        return {"value": answer["number"], "kind": "exact"}
    count = count_quickly(wanted)
    if count is None:
        return {"value": None, "kind": "unknown"}
    if not count.is_capped:
        return {"value": count.number, "kind": "exact"}
    found: dict[str, Any] = {"value": count.number, "kind": "at_least"}
    if count.estimate > count.number:
        found["estimate"] = count.estimate
    return found


@reads_replica
def show_account(request: Any, account_id: int) -> HttpResponse:
    """Returns one account with all fields, or those that are asked for."""
    query.require_parameters(request.GET, (query.FIELDS_PARAMETER,))
    names = query.parse_fields(request.GET, DETAIL_FIELDS, tuple(DETAIL_FIELDS))
    account = get_account(request, "view", account_id)
    note_opening(request, account)
    return account_response(account_detail(account, names), account)


@reads_replica
def list_events(request: Any, account_id: int) -> HttpResponse:
    """Lists the audit events about an account, newest first, without refused attempts."""
    account, after = read_list_request(request, account_id)
    found = AuditEvent.objects.history_of(account.pk)
    if after:
        found = found.filter(pk__lt=after)
    page = IdPage.cut(list(found[: ACCOUNT_SIZE + 1]), ACCOUNT_SIZE, after)
    events = page.rows
    if masking.hides_personal_data(request.user):
        events = list(map(masking.mask_event, events))
    rows = list(map(event_json, events))
    return rows_response("events", rows, page, f"{ACCOUNTS_PATH}/{account.pk}/events")


@reads_replica
def list_sign_ins(request: Any, account_id: int) -> HttpResponse:
    """Lists the attempts to sign in to an account, newest first."""
    account, after = read_list_request(request, account_id)
    page = list_attempts(account.pk, after)
    is_masked = masking.hides_personal_data(request.user)
    rows = [sign_in_json(row, is_masked=is_masked) for row in page.rows]
    return rows_response("sign_ins", rows, page, f"{ACCOUNTS_PATH}/{account.pk}/sign-ins")


@reads_replica
def list_sessions(request: Any, account_id: int) -> HttpResponse:
    """Lists the sessions of an account, last used first."""
    query.require_parameters(request.GET, ())
    account = get_account(request, "view", account_id)
    note_opening(request, account)
    is_masked = masking.hides_personal_data(request.user)
    rows = [session_json(row, is_masked=is_masked) for row in valid_sessions(account)]
    return json_response({"sessions": rows})


@reads_replica
def list_emails(request: Any, account_id: int) -> HttpResponse:
    """Lists the emails to an account, newest first, without their texts."""
    account, after = read_list_request(request, account_id)
    page = newest_page(Message.objects.filter(account_id=account.pk), MAIL_SIZE, after)
    is_masked = masking.hides_personal_data(request.user)
    rows = [message_json(row, is_masked=is_masked) for row in page.rows]
    return rows_response("emails", rows, page, f"{ACCOUNTS_PATH}/{account.pk}/emails")


def read_list_request(request: Any, account_id: int) -> tuple[User, int]:
    """Returns the account whose rows are listed, and the ID after which the page starts."""
    query.require_parameters(request.GET, ("after",))
    account = get_account(request, "view", account_id)
    note_opening(request, account)
    return account, query.parse_after_parameter(request.GET)


def rows_response(
    name: str, rows: list[dict[str, Any]], page: IdPage[Any], path: str, **filters: str
) -> HttpResponse:
    """Returns a page of rows, and the URL of the next one."""
    older = page.links(path, **filters)["older"]
    return json_response({name: rows, "next": older or None})


def list_visible_jobs(request: Any) -> HttpResponse:
    """Lists the jobs that the viewer may see, newest first."""
    access.require(request.user, "view")
    query.require_parameters(request.GET, ("state", "after"))
    state = request.GET.get("state", "")
    if state not in ("", *STATE_VALUES):
        raise BadParameter("state", f"Allowed values: {', '.join(STATE_VALUES)}.")
    after = query.parse_after_parameter(request.GET)
    page = queries.list_jobs(request.user, state=state, before=after)
    # The requests that follow show what the workers have changed.
    note_write()
    is_masked = masking.hides_personal_data(request.user)
    rows = [job_json(job, is_masked=is_masked) for job in page.rows]
    return rows_response("jobs", rows, page, JOBS_PATH, state=state)


def show_job(request: Any, job_id: int) -> HttpResponse:
    """Returns one job with its progress."""
    query.require_parameters(request.GET, ())
    job = get_visible_job(request.user, job_id)
    # The requests that follow show what the worker has changed.
    note_write()
    return json_response(job_json(job, is_masked=masking.hides_personal_data(request.user)))
