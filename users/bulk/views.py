"""The pages of bulk actions. Each shows what the action would do and asks for the number of
accounts; a job then does it.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from users import access, masking
from users.audit.origin import change_ticket
from users.bulk.action import BulkAction, start_bulk_job
from users.bulk.confirmation import Confirmation
from users.bulk.confirmed_start import find_started_job, is_confirmed, new_token
from users.bulk.forms import BulkForm
from users.bulk.preview import Preview, example_context, preview_action
from users.bulk.registry import ACTIONS_BY_SLUG
from users.bulk.return_links import originating_list_url
from users.bulk.selection import Selection, requested_selection
from users.directory.search_uses import counts_searches
from users.exceptions import JobRefused
from users.jobs import approval
from users.jobs.models import Job
from users.sudo.recent import require_sudo_for_bulk
from users.web.forms import form_page, form_status, posted_data, reason_text
from users.web.partials import background_view, is_partial

PREVIEW_TEMPLATE = "users/bulk/preview.html"


@form_page
@counts_searches
def bulk_action(request, slug: str):
    """Previews `?all=1&filter…` or `?ids=…`; a POST to the same URL starts the job."""
    action, selection = requested_action(request, slug)
    if selection.filter and "up_to" not in request.GET:
        return redirect(f"{request.path}?{selection.query}")
    subject = f"{slug}?{selection.query}"
    confirmation = Confirmation.read(request.POST.get("token", ""), request.user)
    if confirmation and (job := find_started_job(request.user, confirmation)):
        return redirect_to_job(request, job)
    form = action.form(
        posted_data(request),
        by=request.user,
        initial=initial_reason(request, action),
    )
    draft = draft_job(action, form, confirmation)
    preview = preview_action(action, selection, request.user, draft)
    require_sudo_for_bulk(request, preview.count.value, always=action.requires_sudo(request.user))
    if form.is_valid() and is_confirmed(form, confirmation, subject, preview):
        job = start_confirmed(action, selection, preview, draft, form)
        if job:
            return redirect_to_job(request, job)
    form.set_token(new_token(subject, preview, request.user))
    context = action_context(request, action, selection, form)
    context |= preview_context(action, form, preview)
    return render(request, PREVIEW_TEMPLATE, context, status=form_status(form))


@background_view
@require_POST
@vary_on_headers("HX-Request")
def bulk_sample(request, slug: str):
    """Shows the email that one selected person would get, from the form as typed so far. Nothing is
    started; HTMX requests this part alone.
    """
    action, selection = requested_action(request, slug)
    if not action.has_sample:
        raise Http404
    form = action.form(request.POST, by=request.user)
    is_valid = form.is_valid() or form.is_valid_without_count()
    context = action_context(request, action, selection, form)
    if is_partial(request):
        return render(request, f"{PREVIEW_TEMPLATE}#sample", context)
    preview = preview_action(action, selection, request.user, Job(reason=form.given_reason))
    subject = f"{slug}?{selection.query}"
    form.set_token(new_token(subject, preview, request.user))
    context |= preview_context(action, form, preview)
    return render(request, PREVIEW_TEMPLATE, context, status=200 if is_valid else 422)


def requested_action(request, slug: str) -> tuple[BulkAction, Selection]:
    """Returns the action and the selection in the URL, which may also name a suggested reason.
    Raises Denied, Http404 or BadRequest.
    """
    access.require(request.user, "view")
    action = ACTIONS_BY_SLUG.get(slug)
    if action is None:
        raise Http404
    access.require(request.user, action.action)
    return action, requested_selection(request, extra_parameters=("template",))


def initial_reason(request, action: BulkAction) -> dict[str, str]:
    """Returns the suggested reason that the URL names, as the initial value of the form."""
    suggestions = getattr(action.form, "templates", {})
    name = request.GET.get("template", "")
    return {"reason": reason_text(suggestions, name)}


def draft_job(action: BulkAction, form: BulkForm, confirmation: Confirmation | None) -> Job:
    """Returns the job as typed, not stored; without parameters while the form is not valid."""
    parameters = action.job_parameters(form.parameters()) if form.is_valid() else {}
    draft = Job(parameters=parameters, reason=form.given_reason)
    if confirmation:
        draft.key = confirmation.key
    return draft


def start_confirmed(
    action: BulkAction, selection: Selection, preview: Preview, draft: Job, form: BulkForm
) -> Job | None:
    """Starts the job. Returns None, with an error in the form, if it is refused."""
    try:
        with change_ticket(form.given_ticket):
            return start_bulk_job(action, selection, preview.count, by=form.by, draft=draft)
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
    return None


def redirect_to_job(request, job: Job) -> HttpResponse:
    waits = job.state == Job.State.WAITING
    message = "A second person must approve this job." if waits else "Job queued."
    messages.success(request, message)
    return redirect(f"/jobs/{job.pk}/")


def action_context(
    request, action: BulkAction, selection: Selection, form: BulkForm
) -> dict[str, Any]:
    """Returns the context of an action's page without its figures."""
    examples = masking.mask_accounts(selection.examples(), request.user)
    if action.has_sample and examples:
        # The form of an action with a sample has this method.
        form.fit(action.sample_account(examples), request.user)  # type: ignore[attr-defined]
    return {
        "action": action,
        "selection": selection,
        "list_url": originating_list_url(request, selection),
        "form": form,
        "examples": examples,
        "undo_days": settings.BULK_UNDO_DAYS,
        "path": f"/users/bulk/{action.slug}/?{selection.query}",
        "reasons_path": f"/users/bulk/{action.slug}/?{selection.query}&",
        "sample_path": f"/users/bulk/{action.slug}/sample/?{selection.query}",
    }


def preview_context(action: BulkAction, form: BulkForm, preview: Preview) -> dict[str, Any]:
    """Returns the figures for the context of an action's page."""
    number = preview.confirmed_count.value
    question = action.confirmation_question(preview.words)
    context = example_context(preview, form.by)
    return context | {
        "question": question if number else action.label,
        "preview": preview,
        # With other values in a form that was sent, accounts may change.
        "can_change": number or (form.is_bound and preview.count.value),
        "needs_approval": approval.needs_second_person(action, preview.count.value, form.by.pk),
    }
