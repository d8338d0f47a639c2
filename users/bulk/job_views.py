"""The pages that undo a bulk job, and those on which a second person approves or declines it."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.shortcuts import redirect, render

from users import access, masking
from users.audit.origin import change_ticket
from users.bulk.action import BulkAction
from users.bulk.preview import example_context, preview_action
from users.bulk.selection import Selection
from users.bulk.undo import undo_job
from users.bulk.undo_rules import UNDO_KINDS, undo_deadline, undo_refusal
from users.directory.days import add_utc_to_days
from users.directory.filter import BadFilter
from users.exceptions import JobRefused
from users.jobs import approval, transitions
from users.jobs.engine import get_visible_job
from users.jobs.kinds import KINDS
from users.jobs.models import Job
from users.models import User
from users.sudo.recent import SUDO_ACTIONS, require_sudo, require_sudo_for_bulk
from users.web.error_page import error_page
from users.web.forms import (
    REASON_HELP_MANY,
    TicketForm,
    form_page,
    form_status,
    posted_data,
    reason_field,
)


class DeclineForm(TicketForm):
    reason = reason_field(required=False, help_text="Visible in the audit trail.")


class UndoForm(TicketForm):
    reason = reason_field(required=False)

    def __init__(self, *args: Any, number: int):
        super().__init__(*args)
        if number != 1:
            self.fields["reason"].help_text = REASON_HELP_MANY


@form_page
def job_undo(request, pk: int):
    job = get_visible_job(request.user, pk)
    if job.kind in UNDO_KINDS:
        undone_action = KINDS[UNDO_KINDS[job.kind]].action
        access.require(request.user, undone_action)
        require_sudo_for_bulk(request, job.changed, always=undone_action in SUDO_ACTIONS)
    form = UndoForm(posted_data(request), number=job.changed)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        undo = call_engine(form, lambda: start_undo(job, request.user, reason))
        if undo:
            waits = undo.state == Job.State.WAITING
            message = "A second person must approve this job." if waits else "Undo queued."
            messages.success(request, message)
            return redirect(f"/jobs/{undo.pk}/")
    refusal = undo_refusal(job)
    if refusal and not form.is_bound:
        return error_page(request, 409, refusal, back=f"/jobs/{pk}/")
    context = job_context(job) | {
        "form": form,
        "until": undo_deadline(job),
        "needs_approval": undo_needs_approval(job, request.user),
    }
    return render(request, "users/bulk/undo.html", context, status=form_status(form))


def start_undo(job: Job, by, reason: str) -> Job:
    """Starts the undo. A repeated request returns the existing job, unless that was cancelled."""
    cancelled = job.children.filter(state=Job.State.CANCELLED).count()
    return undo_job(
        job,
        by=by,
        reason=reason,
        key=f"undo-{job.pk}-{cancelled}",
    )


def undo_needs_approval(job: Job, by: Any) -> bool:
    """Returns whether a second person has to approve the undo of `job`."""
    if job.kind not in UNDO_KINDS:
        return False
    return approval.needs_second_person(KINDS[UNDO_KINDS[job.kind]], job.changed, by.pk)


@form_page
def job_approval(request, pk: int):
    access.require(request.user, "approve_bulk")
    job = get_visible_job(request.user, pk)
    require_sudo(request)
    form = forms.Form(posted_data(request))
    if form.is_valid():
        decided = call_engine(form, lambda: approval.approve_job(job, by=request.user))
        if decided and decided.state == Job.State.CANCELLED:
            return error_page(request, 409, decided.note, back=f"/jobs/{pk}/")
        if decided:
            messages.success(request, "Approved. Job queued.")
            return redirect(f"/jobs/{pk}/")
    return render_decision(request, job, form, "approval")


@form_page
def job_refusal(request, pk: int):
    access.require(request.user, "approve_bulk")
    job = get_visible_job(request.user, pk)
    form = DeclineForm(posted_data(request))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        if call_engine(form, lambda: approval.decline_job(job, by=request.user, reason=reason)):
            messages.success(request, "Declined. No account was changed.")
            return redirect(f"/jobs/{pk}/")
    return render_decision(request, job, form, "refusal")


def render_decision(request, job: Job, form: forms.Form, template: str):
    """Renders the page of a decision. Raises Denied for the person who started the job; returns an
    error page if the job is not waiting.
    """
    if job.by_id == request.user.pk:
        raise access.Denied("approve_bulk", approval.OWN_JOB)
    if job.state != Job.State.WAITING and not form.is_bound:
        state = job.get_state_display().lower()
        refusal = f"The job is already {state}; no approval is needed."
        return error_page(request, 409, refusal, back=f"/jobs/{job.pk}/")
    context = job_context(job) | {"form": form}
    if template == "approval":
        context["ties"] = approval.approval_ties(job, request.user)
        context["hints"] = approval.approval_hints(job, request.user)
        context |= job_preview(request, job)
    return render(request, f"users/bulk/{template}.html", context, status=form_status(form))


def job_preview(request, job: Job) -> dict[str, Any]:
    """Returns the preview that the initiator saw, with the figures of now. An undo has none: it
    restores the accounts of another job.
    """
    action = KINDS.get(job.kind)
    query = QueryDict(job.selection)
    if not isinstance(action, BulkAction) or "job" in query:
        return {}
    by = transitions.job_initiator(job)
    masked = isinstance(by, User) and masking.hides_personal_data(by)
    try:
        stored = add_utc_to_days(query)
        selection = Selection.parse(stored, masked=masked, viewer_id=job.by_id)
    except BadFilter:
        # An earlier version of Rollcall may have stored a filter that no longer exists.
        return {}
    preview = preview_action(action, selection, by, job)
    examples = masking.mask_accounts(selection.examples(), request.user)
    context = {
        "action": action,
        "preview": preview,
        "examples": examples,
    }
    return context | example_context(preview, request.user)


def call_engine(form: forms.Form, call: Callable[[], Job]) -> Job | None:
    """Returns the result of an engine call, whose events have the ticket of the form; None if the
    engine refused, with the reason in the form.
    """
    try:
        with change_ticket(form.cleaned_data.get("ticket", "")):
            return call()
    except JobRefused as refused:
        form.add_error(None, ValidationError(str(refused), code="refused"))
    return None


def job_context(job: Job) -> dict[str, object]:
    context: dict[str, object] = {
        "job": job,
        "title": job.kind,
        "facts": [],
        "unit": "account",
    }
    kind = KINDS.get(job.kind)
    if kind:
        context |= {
            "title": kind.title(job),
            "facts": kind.facts(job),
            "unit": kind.unit,
        }
    return context
