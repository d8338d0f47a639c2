"""The page that exports the events of a filter of the audit trail."""

from secrets import token_urlsafe
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render

from users import access, masking
from users.audit.origin import change_ticket
from users.audit.privileged_fields import record_privileged_fields
from users.audit.trail.counting import count_events
from users.audit.trail.filter import TrailFilter
from users.evidence.export_job import (
    ExportEvents,
    explain_export,
    start_event_export,
)
from users.evidence.forms import EventExportForm
from users.evidence.stored_filter import (
    filter_words,
    parse_stored_filter,
    store_filter,
)
from users.exceptions import JobRefused
from users.jobs import approval
from users.jobs.kinds import KINDS
from users.jobs.models import Job
from users.sudo.recent import require_sudo
from users.web.forms import form_page, form_status, posted_data
from users.web.query_string import refuse_bad_parameters


@form_page
def event_export(request) -> HttpResponse:
    """Shows how many events match the filter in the URL; a POST starts the job."""
    access.require(request.user, "view_audit")
    access.require(request.user, "export")
    with refuse_bad_parameters(back="/audit/"):
        masked = masking.hides_personal_data(request.user)
        trail, errors = TrailFilter.read(request.GET, masked=masked)
    if errors:
        # The page of the trail marks what is wrong with the filter.
        return redirect(f"/audit/?{request.GET.urlencode()}")
    if not masked:
        require_sudo(request)
    query = store_filter(trail)
    initial = {"key": token_urlsafe(24)}
    form = EventExportForm(posted_data(request), by=request.user, initial=initial)
    record_privileged_fields(request, "export", None, form.fields)
    if form.is_valid() and (job := start_typed_export(form, query, request.user)):
        waits = job.state == Job.State.WAITING
        text = "A second person must approve this job." if waits else "Job queued."
        messages.success(request, text)
        return redirect("job", job.pk)
    context = {"form": form} | export_context(query, request.user)
    return render(request, "users/evidence/export.html", context, status=form_status(form))


def start_typed_export(form: EventExportForm, query: str, by: Any) -> Job | None:
    """Starts the job of a valid form. Returns None, with an error in the form, if it is refused."""
    typed = form.cleaned_data
    try:
        with change_ticket(form.given_ticket):
            return start_event_export(
                query,
                by=by,
                file_format=typed["format"],
                reason=typed["reason"],
                key=typed["key"],
            )
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
    return None


def export_context(query: str, by: Any) -> dict[str, Any]:
    """Returns what the page shows about the events that match now. Its count has a bounded cost."""
    masked = masking.hides_personal_data(by)
    count = count_events(parse_stored_filter(query, masked=masked))
    kind = KINDS[ExportEvents.name]
    return {
        "words": filter_words(query, masked=masked).removeprefix("events: "),
        "count": count,
        "is_empty": not count.number and not count.is_capped,
        "explanation": explain_export(),
        "needs_approval": approval.needs_second_person(kind, count.number, by.pk),
        "path": "/audit/export/" + query_part(query),
        "back": "/audit/" + query_part(query),
    }


def query_part(query: str) -> str:
    return f"?{query}" if query else ""
