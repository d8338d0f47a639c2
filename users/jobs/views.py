"""The list of jobs, the page of one job with its controls, and its report."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from users import access, masking
from users.audit.record import record_event
from users.database.replica import note_write
from users.exceptions import BadParameter, JobRefused
from users.jobs import engine, queries
from users.jobs.kinds import KINDS, LISTED_OUTCOMES, JobKind, listed_outcomes
from users.jobs.models import OPEN_STATES, Job
from users.jobs.queries import Outcome
from users.jobs.retention import has_expired_results
from users.sudo.recent import require_sudo_for_bulk
from users.web.error_page import error_page
from users.web.forms import form_page
from users.web.partials import background_view, is_partial
from users.web.query_string import (
    check_parameters,
    drops_empty_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
    url_with_query,
)

STATE_CHOICES = [("open", "Open"), *Job.State.choices]
STATE_VALUES = [value for value, _ in STATE_CHOICES]
OUTCOME_VALUES = [outcome.value for outcome in LISTED_OUTCOMES]
CHILDREN_SHOWN = 20
EXPIRED = "Results for individual accounts have been deleted. The totals remain."


@require_safe
@drops_empty_parameters
def index(request):
    """Lists the jobs that the viewer may see."""
    access.require(request.user, "view")
    state, before = parse_list_query(request, "state", STATE_VALUES, position="before")
    page = queries.list_jobs(request.user, state=state, before=before)
    context = {
        "jobs": page.rows,
        "state": state,
        "states": STATE_CHOICES,
        "outage": queries.worker_outage(),
        "sees_all": access.may(request.user, "view_jobs"),
    }
    context |= page.links("/jobs/", "before", state=state)
    return render(request, "users/jobs/index.html", context)


@background_view
@require_safe
@vary_on_headers("HX-Request")
def show(request, pk: int):
    """Shows one job. While it runs, HTMX requests the progress, and at the end the whole page."""
    job = engine.get_visible_job(request.user, pk)
    # The pages that follow show what the worker has changed.
    note_write()
    if is_partial(request):
        return progress_response(request, job)
    outcome, after = parse_list_query(request, "outcome", OUTCOME_VALUES, position="after")
    context = progress_context(job) | items_context(job, request.user, outcome, after)
    context |= kind_context(job, request.user)
    context |= {
        "title": queries.job_title(job),
        "may_control": engine.may_control_job(request.user, job),
        "may_resume": engine.may_resume_job(job),
        "lines": queries.list_lines(job),
        "sees_trail": access.may(request.user, "view_audit"),
        "children": job.children.order_by("pk")[:CHILDREN_SHOWN],
    }
    return render(request, "users/jobs/show.html", context)


@require_GET
def job_report(request, pk: int):
    """Streams a CSV of all accounts that failed or were skipped."""
    return csv_response(
        request, engine.get_visible_job(request.user, pk), queries.LEFT_OUT, "not-changed"
    )


@require_GET
def changed_report(request, pk: int):
    """Streams a CSV of all accounts that were changed, which may be the whole directory."""
    job = engine.get_visible_job(request.user, pk)
    access.require(request.user, "export")
    return csv_response(request, job, [Outcome.CHANGED], "changed")


@require_POST
def job_pause(request, pk: int):
    return control_job(request, pk, engine.pause_job, "The job pauses after the current batch.")


@require_POST
def job_pause_end(request, pk: int):
    return control_job(request, pk, engine.resume_job, "Job resumed.")


@form_page
def job_cancellation(request, pk: int):
    """Asks for confirmation, and cancels the job on POST."""
    job = engine.get_visible_job(request.user, pk)
    waits = job.state == Job.State.WAITING
    if request.method == "POST":
        success = "Job cancelled. Changes already made are kept."
        if waits:
            success = "Request withdrawn. Nothing was changed."
        return control_job(request, pk, engine.cancel_job, success)
    if not engine.may_control_job(request.user, job):
        access.require(request.user, "control_jobs")
    context = {
        "job": job,
        "title": queries.job_title(job),
        "waits": waits,
    }
    return render(request, "users/jobs/cancellation.html", context)


@require_POST
def job_retry(request, pk: int):
    """Starts a new job over the accounts that failed. A second POST redirects to the same job. It
    requires an identity confirmation for sensitive actions and for many accounts.
    """
    job = engine.get_visible_job(request.user, pk)
    kind = KINDS[job.kind]
    if access.may(request.user, kind.action):
        require_sudo_for_bulk(request, job.failed, always=kind.requires_sudo(request.user))
    try:
        again = engine.retry_failed(job, by=request.user, key=f"retry-{job.pk}")
    except JobRefused as refused:
        return error_page(request, 409, str(refused), back=f"/jobs/{job.pk}/")
    return redirect("job", again.pk)


@background_view
@require_safe
def running_badge(request):
    """Shows the number of running jobs in the navigation, which polls while there are any."""
    access.require(request.user, "view_jobs")
    return render(request, "users/jobs/_badge.html", {"running": queries.count_running()})


def control_job(request, pk: int, verb: Callable[..., Job], success: str) -> HttpResponse:
    """Applies `verb` and redirects to the job's page with the message `success`."""
    job = engine.get_visible_job(request.user, pk)
    try:
        verb(job, by=request.user)
    except JobRefused as refused:
        return error_page(request, 409, str(refused), back=f"/jobs/{job.pk}/")
    messages.success(request, success)
    return redirect("job", job.pk)


def csv_response(request, job: Job, outcomes: Iterable[str], name: str) -> HttpResponseBase:
    """Returns the accounts with these outcomes, as the viewer may see them, and records it."""
    if has_expired_results(job):
        return error_page(request, 410, EXPIRED, back=f"/jobs/{job.pk}/")
    masked = masking.hides_personal_data(request.user)
    after = {"kind": job.kind, "list": name}
    record_event(
        "job.list_downloaded",
        actor=request.user,
        after=after,
        ticket=job.ticket,
        job_id=job.pk,
    )
    lines = queries.report_lines(job, outcomes, masked=masked)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{job.pk}-{name}.csv"'
    return response


def progress_response(request, job: Job) -> HttpResponse:
    response = render(request, "users/jobs/show.html#progress", progress_context(job))
    if job.state not in OPEN_STATES:
        # The controls of the page change when a job stops.
        response["HX-Refresh"] = "true"
    return response


def progress_context(job: Job) -> dict[str, object]:
    is_open = job.state in OPEN_STATES
    undo_jobs = queries.find_undo_jobs([job]) if job.has_ended else {}
    unit = KINDS[job.kind].unit if job.kind in KINDS else JobKind.unit
    return {
        "job": job,
        "counts": queries.shown_counts(job),
        "percent": int(job.fraction * 100),
        "unit": unit,
        "open": is_open,
        "undone_by": undo_jobs.get(job.pk),
        "outage": queries.worker_outage() if is_open else None,
    }


def kind_context(job: Job, viewer: Any) -> dict[str, object]:
    """Returns the facts and links of the job's kind; none for an unknown kind."""
    kind = KINDS.get(job.kind)
    if kind is None:
        return {
            "facts": [],
            "links": [],
            "accounts_url": "",
        }
    return {
        "facts": kind.facts(job),
        "links": kind.links(job, viewer),
        "accounts_url": kind.accounts_url(job, viewer),
    }


def items_context(job: Job, viewer: Any, outcome: str, after: int) -> dict[str, object]:
    """Returns a page of the accounts with `outcome`; without one, with the first that has any."""
    if not outcome:
        outcome = next((each for each in listed_outcomes(job) if getattr(job, each)), "")
    if outcome not in listed_outcomes(job):
        return {"outcome": ""}
    if has_expired_results(job):
        return {"outcome": outcome, "expired": EXPIRED}
    page = queries.list_items(job, outcome, after)
    if masking.hides_personal_data(viewer):
        for item in page.rows:
            person = item.person  # type: ignore[attr-defined]
            item.person = person and masking.mask_account(person)  # type: ignore[attr-defined]
    more = ""
    if page.has_next:
        last = page.rows[-1].account_id
        more = url_with_query(f"/jobs/{job.pk}/", outcome=outcome, after=last)
    return {
        "outcome": outcome,
        "tabs": outcome_tabs(job),
        "items": page.rows,
        "may_export": access.may(viewer, "export"),
        "after": after,
        "more": more,
    }


def outcome_tabs(job: Job) -> list[tuple[str, str, int]]:
    """Returns value, label and number of each outcome that accounts of the job have."""
    tabs = []
    for outcome in listed_outcomes(job):
        number = getattr(job, outcome.value)
        if number:
            tabs.append((outcome.value, outcome.label, number))
    return tabs


def parse_list_query(request, name: str, allowed: list[str], *, position: str) -> tuple[str, int]:
    """Returns the choice under `name` and the id under `position` of the query string, "" and 0 if
    they are missing. Raises BadRequest.
    """
    query = request.GET
    with refuse_bad_parameters(back=request.path):
        check_parameters(query, name, position)
        choice = query.get(name, "")
        if choice not in ("", *allowed):
            raise BadParameter(name, f"Allowed values: {', '.join(allowed)}.")
        return choice, parse_id_parameter(position, query.get(position, ""))
