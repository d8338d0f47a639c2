"""Starts a job over the accounts of a filter, or asks for its approval, as the bulk page does."""

from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpResponse, QueryDict

from users import access, masking
from users.api.answers import json_response
from users.api.problems import ApiProblem, bad_body
from users.api.query import FILTER_PARAMETERS, require_parameters
from users.api.request_body import nearest_hint, read_body_object, require_members
from users.api.row_json import job_json
from users.api.shown_uses import count_proposed_search
from users.api.verb_calls import field_texts, form_problem
from users.audit.origin import change_ticket
from users.audit.privileged_fields import record_refused_fields
from users.bulk.action import BulkAction, start_bulk_job
from users.bulk.forms import CONFIRMATION_FIELDS, BulkForm
from users.bulk.preview import Preview, preview_action
from users.bulk.registry import ACTIONS_BY_SLUG
from users.bulk.selection import Selection
from users.directory.filter import BadFilter, Filter
from users.jobs import approval
from users.jobs.models import Job

MEMBERS = ["action", "filter", "count", "values", "key"]
KEY_MAX = 60
ACTION_POINTER = "/action"
FILTER_POINTER = "/filter"


def propose_job(request: Any) -> HttpResponse:
    """Starts a job, or leaves it waiting for approval. The same `key` returns the same job.

    `count` is the number of accounts that the program expects to change. If it differs from the
    current number, the answer is a conflict with both.
    """
    access.require(request.user, "view")
    require_parameters(request.GET, ())
    sent = read_body_object(request)
    require_members(sent, MEMBERS)
    action = requested_bulk_action(sent, request.user)
    key = requested_key(sent)
    if started := find_keyed_job(request.user, key):
        return job_response(started, request.user)
    selection = requested_accounts(sent, request.user)
    job = start_proposed(request, sent, action, selection, key)
    return job_response(job, request.user, status=201)


def start_proposed(
    request: Any, sent: dict[str, Any], action: BulkAction, selection: Selection, key: str
) -> Job:
    """Starts the job if the form is valid and the count is the expected one. Raises ApiProblem."""
    form = bound_form(action, sent, request.user)
    if not form.is_valid():
        raise form_problem(request, form, "values")
    draft = Job(
        parameters=action.job_parameters(form.parameters()),
        reason=form.given_reason,
        key=key,
    )
    preview = preview_action(action, selection, request.user, draft)
    require_count(sent, preview)
    refuse_large_unapproved_job(action, preview, request.user)
    with change_ticket(form.given_ticket):
        return start_bulk_job(action, selection, preview.count, by=form.by, draft=draft)


def requested_bulk_action(sent: dict[str, Any], viewer: Any) -> BulkAction:
    """Returns the action that the body names. Raises ApiProblem, or Denied."""
    slug = sent.get("action", "")
    if not isinstance(slug, str) or slug not in ACTIONS_BY_SLUG:
        hint = nearest_hint(str(slug), sorted(ACTIONS_BY_SLUG))
        raise bad_body(ACTION_POINTER, f"There is no such action.{hint}")
    action = ACTIONS_BY_SLUG[slug]
    access.require(viewer, action.action)
    if not action.allows_tokens():
        detail = "People confirm who they are before this action, so only the page can start it."
        raise bad_body(ACTION_POINTER, detail, status=403)
    return action


def requested_key(sent: dict[str, Any]) -> str:
    """Returns the key of the job; "" for none. Raises ApiProblem."""
    key = sent.get("key", "")
    if not isinstance(key, str) or len(key) > KEY_MAX or not key.isascii():
        detail = f"A key is a text of at most {KEY_MAX} ASCII characters."
        raise bad_body("/key", detail)
    # Keys of pages have no prefix, so a program can't meet one.
    return f"api:{key}" if key else ""


def find_keyed_job(viewer: Any, key: str) -> Job | None:
    return Job.objects.filter(by=viewer.pk, key=key).first() if key else None


def requested_accounts(sent: dict[str, Any], viewer: Any) -> Selection:
    """Returns the accounts that match the filter now. Raises ApiProblem."""
    given = parse_job_filter(sent.get("filter"))
    try:
        wanted = Filter.parse(
            given,
            masked=masking.hides_personal_data(viewer),
            viewer_id=viewer.pk,
        )
    except BadFilter as error:
        raise bad_body(FILTER_POINTER, f"{error.parameter}: {error.message}") from error
    count_proposed_search(viewer, given)
    return Selection.now(wanted)


def parse_job_filter(text: Any) -> QueryDict:
    """Returns the query string in the body, whose parameters are filters. Raises ApiProblem."""
    if not isinstance(text, str):
        detail = "Send the query string of the directory, such as “status=active&domain=a.example”."
        raise bad_body(FILTER_POINTER, detail)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        raise bad_body(FILTER_POINTER, "This is not a query string.") from error
    given = QueryDict(mutable=True)
    for name, value in pairs:
        if name not in FILTER_PARAMETERS:
            hint = nearest_hint(name, list(FILTER_PARAMETERS))
            raise bad_body(FILTER_POINTER, f"There is no filter “{name[:60]}”.{hint}")
        given.appendlist(name, value)
    return given


def bound_form(action: BulkAction, sent: dict[str, Any], viewer: Any) -> BulkForm:
    """Returns the form of the action with the values of the body. Raises ApiProblem."""
    values = sent.get("values", {})
    if not isinstance(values, dict):
        raise bad_body("/values", "Send an object with the fields of the action.")
    blank: BulkForm = action.form(by=viewer)
    names = [name for name in blank.fields if name not in CONFIRMATION_FIELDS]
    record_refused_fields(viewer, action.action, None, values, names)
    require_members(values, names, "values")
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, field_texts(name, value, blank.fields[name]))
    count = sent.get("count")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        detail = "Send the number of accounts that you expect to change."
        raise bad_body("/count", detail)
    data["count"] = str(count)
    form: BulkForm = action.form(data, by=viewer)
    return form


def require_count(sent: dict[str, Any], preview: Preview) -> None:
    """Raises ApiProblem unless the number of accounts is the expected one."""
    number = preview.confirmed_count
    if sent["count"] == number.value:
        return
    noun = "account" if sent["count"] == 1 else "accounts"
    detail = f"You expected {sent['count']:,} {noun}; now {number.number} would change."
    errors = [{"pointer": "/count", "detail": detail}]
    more = {
        "expected_count": sent["count"],
        "current_count": number.value,
        "is_exact": number.exact,
    }
    raise ApiProblem(409, detail, errors=errors, more=more)


def refuse_large_unapproved_job(action: BulkAction, preview: Preview, viewer: Any) -> None:
    """Raises ApiProblem for a job over many accounts that nobody else has to approve: the page
    would ask for sudo first.
    """
    number = preview.count.value
    if number <= settings.SUDO_BULK_ABOVE:
        return
    if not approval.needs_second_person(action, number, viewer.pk):
        detail = (
            f"A job over more than {settings.SUDO_BULK_ABOVE:,} accounts that needs no approval"
            " can only be started on the page."
        )
        raise bad_body(FILTER_POINTER, detail, status=403)


def job_response(job: Job, viewer: Any, status: int = 200) -> HttpResponse:
    """Returns the job, with its URL in Location."""
    shown = job_json(job, is_masked=masking.hides_personal_data(viewer))
    response = json_response(shown, status=status)
    response["Location"] = f"/api/v1/jobs/{job.pk}"
    return response
