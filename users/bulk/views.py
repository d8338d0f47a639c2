"""Bulk actions: each has a page that shows what would happen and asks for the number of accounts;
and then there is a job.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from users import access, masking
from users.bulk.action import BulkAction
from users.bulk.confirmation import Confirmation
from users.bulk.forms import BulkForm
from users.bulk.preview import Preview, preview_action
from users.bulk.registry import ACTIONS_BY_NOUN
from users.bulk.selection import Selection
from users.bulk.start import start_bulk_job
from users.directory.filter import BadFilter
from users.directory.request_filter import as_bad_request
from users.exceptions import JobRefused
from users.jobs import approval
from users.jobs.models import Job
from users.web.forms import form_status, posted_data
from users.web.partials import background, is_partial

PREVIEW_TEMPLATE = "users/bulk/preview.html"
form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
def bulk_action(request, noun: str):
    """GET previews `?all=1&filter…` or `?ids=…`; POST to the same address starts the job."""
    action, selection = requested_action(request, noun)
    if selection.filter and "up_to" not in request.GET:
        return redirect(f"{request.path}?{selection.query}")
    form = action.form(posted_data(request), by=request.user)
    about = f"{noun}?{selection.query}"
    confirmed = (
        Confirmation.read(request.POST.get("token", "")) if request.method == "POST" else None
    )
    if confirmed and (job := Job.objects.filter(by=request.user.pk, key=confirmed.key).first()):
        return redirect_to_job(request, job)  # a double click, or a browser that asks once more
    parameters = action.stored(form.parameters()) if form.is_valid() else {}
    found = preview_action(
        action, selection, request.user, Job(parameters=parameters, reason=form.why)
    )
    if form.is_valid() and is_confirmed(form, confirmed, about, found):
        draft = Job(
            parameters=parameters,
            reason=form.why,
            key=confirmed.key if confirmed else "",
        )
        if job := start_confirmed(action, selection, found, draft, form):
            return redirect_to_job(request, job)
    form.carry(Confirmation.new(about, found.number).token)
    return render(
        request,
        PREVIEW_TEMPLATE,
        action_context(request, action, selection, form) | preview_context(action, form, found),
        status=form_status(form),
    )


@background
@require_POST
@vary_on_headers("HX-Request")
def bulk_sample(request, noun: str):
    """Shows the email that one selected person would get, from the form as typed so far. Nothing is
    started; HTMX requests this part alone.
    """
    action, selection = requested_action(request, noun)
    if not action.samples:
        raise Http404
    form = action.form(request.POST, by=request.user)
    sound = form.is_valid() or form.only_looked_at()
    context = action_context(request, action, selection, form)
    if is_partial(request):
        return render(request, f"{PREVIEW_TEMPLATE}#sample", context)
    found = preview_action(action, selection, request.user, Job(reason=form.why))
    form.carry(Confirmation.new(f"{noun}?{selection.query}", found.number).token)
    return render(
        request,
        PREVIEW_TEMPLATE,
        context | preview_context(action, form, found),
        status=200 if sound else 422,
    )


def requested_action(request, noun: str) -> tuple[BulkAction, Selection]:
    access.require(request.user, "view")
    action = ACTIONS_BY_NOUN.get(noun)
    if action is None:
        raise Http404
    access.require(request.user, action.action)
    return action, requested_selection(request)


def action_context(
    request, action: BulkAction, selection: Selection, form: BulkForm
) -> dict[str, Any]:
    """Returns the context of an action's page without its figures."""
    examples = masking.mask_accounts(selection.examples(), request.user)
    if action.samples and examples:
        # The form of an action with a sample has this method.
        form.fit(action.example(examples), request.user)  # type: ignore[attr-defined]
    return {
        "action": action,
        "selection": selection,
        "form": form,
        "examples": examples,
        "undo_days": settings.BULK_UNDO_DAYS,
        "path": f"/users/bulk/{action.noun}/?{selection.query}",
        "sample_path": f"/users/bulk/{action.noun}/sample/?{selection.query}",
    }


def preview_context(action: BulkAction, form: BulkForm, found: Preview) -> dict[str, Any]:
    return {
        "question": action.question(found.number.words),
        "found": found,
        "four_eyes": approval.needs_second_person(
            action, found.number.value + action.recent_count(Job(by=form.by))
        ),
    }


def requested_selection(request) -> Selection:
    try:
        return Selection.parse(request.GET, masked=masking.hides_personal_data(request.user))
    except BadFilter as error:
        raise as_bad_request(error) from error


def is_confirmed(
    form: BulkForm, confirmed: Confirmation | None, about: str, found: Preview
) -> bool:
    """Whether what is there now is what was shown, and the number that was typed is its number."""
    if confirmed is None or confirmed.about != about or not confirmed.number.is_still(found.number):
        form.ask_again(
            confirmed.number if confirmed and confirmed.about == about else None, found.number
        )
    elif form.cleaned_data["count"] != confirmed.number.value:
        form.add_error(
            "count",
            f"That doesn’t match. Type {confirmed.number.value:,} to confirm.",
        )
    return form.is_valid()


def start_confirmed(
    action: BulkAction, selection: Selection, found: Preview, draft: Job, form: BulkForm
) -> Job | None:
    """The job, or None where the form says why not."""
    fields = {"reason": draft.reason, "parameters": draft.parameters, "key": draft.key}
    try:
        return start_bulk_job(action, selection, found.number, by=form.by, **fields)
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
    return None


def redirect_to_job(request, job: Job) -> HttpResponse:
    waits = job.state == Job.State.WAITING
    messages.success(
        request,
        "A second person must approve this job." if waits else "Job queued.",
    )
    return redirect(f"/jobs/{job.pk}/")
