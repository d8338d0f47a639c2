"""The pages of a bulk job on which it is undone, and on which a second person approves or declines
it.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from users import access, masking
from users.bulk import undo as undoing
from users.bulk.action import BulkAction
from users.bulk.preview import preview_action
from users.bulk.selection import Selection
from users.bulk.undo_rules import UNDO_KINDS, undo_deadline, undo_refusal
from users.directory.filter import BadFilter
from users.exceptions import JobRefused
from users.jobs import approval, engine, transitions
from users.jobs.kinds import KINDS
from users.jobs.models import Job
from users.models import User
from users.web.error_page import error_page
from users.web.forms import form_status, posted_data, reason_field

form_page = require_http_methods(["GET", "HEAD", "POST"])


class DecisionForm(forms.Form):
    reason = reason_field(required=False)


@form_page
def job_undo(request, pk: int):
    job = get_job_or_404(request, pk)
    if not engine.may_see_job(request.user, job):
        access.require(request.user, "view_jobs")
    if job.kind in UNDO_KINDS:
        access.require(request.user, KINDS[UNDO_KINDS[job.kind]].action)
    form = DecisionForm(posted_data(request))
    if form.is_valid() and (
        again := try_verb(form, lambda: start_undo(job, request.user, form.cleaned_data["reason"]))
    ):
        waits = again.state == Job.State.WAITING
        messages.success(
            request,
            "A second person must approve this job." if waits else "Undo queued.",
        )
        return redirect(f"/jobs/{again.pk}/")
    why = undo_refusal(job)
    if why and not form.is_bound:
        return error_page(request, 409, why, back=f"/jobs/{pk}/")
    needs_approval = job.kind in UNDO_KINDS and approval.needs_second_person(
        KINDS[UNDO_KINDS[job.kind]], job.changed
    )
    context = job_context(job) | {
        "form": form,
        "until": undo_deadline(job),
        "needs_approval": needs_approval,
    }
    return render(request, "users/bulk/undo.html", context, status=form_status(form))


def start_undo(job: Job, by, reason: str) -> Job:
    """Sent twice it is one job; after one that was cancelled it is another."""
    cancelled = job.children.filter(state=Job.State.CANCELLED).count()
    return undoing.undo_job(job, by=by, reason=reason, key=f"undo-{job.pk}-{cancelled}")


@form_page
def job_approval(request, pk: int):
    access.require(request.user, "approve_bulk")
    job = get_job_or_404(request, pk)
    form = forms.Form(posted_data(request))
    if form.is_valid() and (
        now := try_verb(form, lambda: approval.approve_job(job, by=request.user))
    ):
        if now.state == Job.State.CANCELLED:
            return error_page(request, 409, now.note, back=f"/jobs/{pk}/")
        messages.success(request, "Approved. Job queued.")
        return redirect(f"/jobs/{pk}/")
    return render_decision(request, job, form, "approval")


@form_page
def job_refusal(request, pk: int):
    access.require(request.user, "approve_bulk")
    job = get_job_or_404(request, pk)
    form = DecisionForm(posted_data(request))
    if form.is_valid() and try_verb(
        form, lambda: approval.decline_job(job, by=request.user, reason=form.cleaned_data["reason"])
    ):
        messages.success(request, "Declined. No account was changed.")
        return redirect(f"/jobs/{pk}/")
    return render_decision(request, job, form, "refusal")


def render_decision(request, job: Job, form: forms.Form, template: str):
    """The page that asks, for somebody who may decide about a job that waits."""
    if job.by_id == request.user.pk:
        raise access.Denied("approve_bulk", approval.OWN_JOB)
    if job.state != Job.State.WAITING and not form.is_bound:
        return error_page(
            request,
            409,
            f"The job is already {job.get_state_display().lower()}; no approval is needed.",
            back=f"/jobs/{job.pk}/",
        )
    context = (
        job_context(job)
        | {"form": form}
        | (job_preview(request, job) if template == "approval" else {})
    )
    return render(request, f"users/bulk/{template}.html", context, status=form_status(form))


def job_preview(request, job: Job) -> dict[str, Any]:
    """Returns the preview that the initiator saw, with the figures of now. An undo has none: it
    restores the accounts of another job.
    """
    action = KINDS.get(job.kind)
    by = transitions.job_initiator(job)
    if not isinstance(action, BulkAction) or "job" in (query := QueryDict(job.selection)):
        return {}
    try:
        selection = Selection.parse(
            query, masked=isinstance(by, User) and masking.hides_personal_data(by)
        )
    except BadFilter:  # of an earlier version, say
        return {}
    examples = masking.mask_accounts(selection.examples(), request.user)
    return {
        "action": action,
        "found": preview_action(action, selection, by, job),
        "examples": examples,
    }


def try_verb(form: forms.Form, verb: Callable[[], Job]) -> Job | None:
    """Returns the result of an engine call; None if the engine refused, with the reason in the
    form.
    """
    try:
        return verb()
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
    return None


def job_context(job: Job) -> dict[str, object]:
    kind = KINDS.get(job.kind)
    return {
        "job": job,
        "title": kind.title(job) if kind else job.kind,
        "facts": kind.facts(job) if kind else [],
    }


def get_job_or_404(request, pk: int) -> Job:
    """Who may not see accounts at all learns nothing about jobs."""
    access.require(request.user, "view")
    job = Job.objects.filter(pk=pk).first() if pk < 2**63 else None
    if job is None:
        raise Http404
    return job
