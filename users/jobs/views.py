"""The jobs: all of them, one, and what can be done with one."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from users import access, masking
from users.exceptions import BadParameter, BadRequest
from users.jobs import engine, queries
from users.jobs.kinds import KINDS
from users.jobs.models import OPEN_STATES, Job
from users.web.error_page import error_page
from users.web.partials import is_partial
from users.web.query_string import check_parameters, parse_id_parameter

STATE_CHOICES = [("open", "Open"), *Job.State.choices]


@require_safe
def index(request):
    """Everybody's jobs, or the viewer's own."""
    access.require(request.user, "view")
    state, before = parse_list_query(
        request, state=[value for value, _ in STATE_CHOICES], place="before"
    )
    jobs, more = queries.list_jobs(request.user, state=state, before=before)
    context = {
        "jobs": jobs,
        "state": state,
        "states": STATE_CHOICES,
        "silence": queries.worker_silence(),
        "everybodys": access.may(request.user, "view_jobs"),
        "older": f"/jobs/?{f'state={state}&' if state else ''}before={jobs[-1].pk}" if more else "",
        "newest": f"/jobs/{f'?state={state}' if state else ''}" if before else "",
    }
    return render(request, "users/jobs/index.html", context)


@require_safe
@vary_on_headers("HX-Request")
def show(request, pk: int):
    """One job. HTMX asks for its figures alone, again and again until it no longer runs; then for
    the whole page.
    """
    job = get_visible_job(request, pk)
    if is_partial(request):
        response = render(request, "users/jobs/show.html#progress", progress_context(job))
        if job.state not in OPEN_STATES:
            response["HX-Refresh"] = "true"  # other things can be done with it now
        return response
    outcome, after = parse_list_query(
        request, outcome=[outcome.value for outcome in queries.LEFT_OUT_OUTCOMES], place="after"
    )
    outcome = outcome or next(
        (one.value for one in queries.LEFT_OUT_OUTCOMES if getattr(job, one.value)), ""
    )
    items, more = queries.list_items(job, outcome, after) if outcome else ([], False)
    kind = KINDS.get(job.kind)
    context = progress_context(job) | {
        "title": queries.job_title(job),
        "may_control": engine.may_control_job(request.user, job),
        "facts": kind.facts(job) if kind else [],
        "offers": kind.offers(job, request.user) if kind else [],
        "lines": queries.list_lines(job),
        "children": job.children.order_by("pk")[:20],
        "outcome": outcome,
        "items": items,
        "after": after,
        "more": f"/jobs/{job.pk}/?outcome={outcome}&after={items[-1].account_id}" if more else "",
    }
    return render(request, "users/jobs/show.html", context)


@require_safe
def job_report(request, pk: int):
    """A CSV of all that failed or were skipped."""
    job = get_visible_job(request, pk)
    response = StreamingHttpResponse(
        queries.report_lines(job, masked=masking.hides_personal_data(request.user)),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="job-{job.pk}.csv"'
    return response


@require_POST
def job_pause(request, pk: int):
    return control_job(request, pk, engine.pause_job, "The job pauses after the current batch.")


@require_POST
def job_pause_end(request, pk: int):
    return control_job(request, pk, engine.resume_job, "Job resumed.")


@require_http_methods(["GET", "HEAD", "POST"])
def job_cancellation(request, pk: int):
    if request.method == "POST":
        return control_job(
            request, pk, engine.cancel_job, "Job cancelled. Changes already made are kept."
        )
    job = get_visible_job(request, pk)
    if not engine.may_control_job(request.user, job):
        access.require(request.user, "control_jobs")
    return render(
        request, "users/jobs/cancellation.html", {"job": job, "title": queries.job_title(job)}
    )


@require_POST
def job_retry(request, pk: int):
    """A new job over those that failed. Sent twice, it is one job."""
    job = get_visible_job(request, pk)
    try:
        again = engine.retry_failed(job, by=request.user, key=f"retry-{job.pk}")
    except engine.JobRefused as refused:
        return error_page(request, 409, str(refused), back=f"/jobs/{job.pk}/")
    return redirect("job", again.pk)


@require_safe
def running_badge(request):
    """The number of running jobs, for the rail; it asks again while there are any."""
    access.require(request.user, "view_jobs")
    return render(request, "users/jobs/_badge.html", {"running": queries.count_running()})


def control_job(request, pk: int, verb: Callable[..., Job], said: str) -> HttpResponse:
    job = get_visible_job(request, pk)
    try:
        verb(job, by=request.user)
    except engine.JobRefused as refused:
        return error_page(request, 409, str(refused), back=f"/jobs/{job.pk}/")
    messages.success(request, said)
    return redirect("job", job.pk)


def get_visible_job(request, pk: int) -> Job:
    """The job, if the viewer may see it. Raises Http404 or access.Denied."""
    access.require(request.user, "view")
    related = ("by", "parent", "note_line__actor")
    job = Job.objects.select_related(*related).filter(pk=pk).first() if pk < 2**63 else None
    if job is None:
        raise Http404
    if not engine.may_see_job(request.user, job):
        access.require(request.user, "view_jobs")
    return job


def progress_context(job: Job) -> dict[str, object]:
    called = KINDS[job.kind].counted() if job.kind in KINDS else {}
    names = ("changed", "unchanged", "skipped", "failed")
    counts = [(name, called.get(name, name.capitalize()), getattr(job, name)) for name in names]
    return {
        "job": job,
        "counts": counts,
        "percent": int(job.fraction * 100),
        "open": job.state in OPEN_STATES,
        "silence": queries.worker_silence() if job.state in OPEN_STATES else None,
    }


def parse_list_query(request, *, place: str, **choices: list[str]) -> tuple[str, int]:
    """A choice and a place in a list. Raises BadRequest."""
    (name, allowed), query = next(iter(choices.items())), request.GET
    try:
        check_parameters(query, name, place)
        if query.get(name, "") not in ("", *allowed):
            raise BadParameter(name, f"Allowed values: {', '.join(allowed)}.")
        return query.get(name, ""), parse_id_parameter(place, query.get(place, ""))
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back=request.path) from error
