"""The pages that test, start, pause, resume, cancel, retry and discard a campaign."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from users import masking
from users.audit.origin import change_ticket
from users.bulk.confirmation import Confirmation
from users.bulk.confirmed_start import find_started_job, is_confirmed, new_token
from users.bulk.preview import Preview, PreviewFigure, example_context, preview_action
from users.bulk.selection import Selection
from users.campaigns import lifecycle
from users.campaigns.announcement_job import ANNOUNCE
from users.campaigns.audience import read_audience
from users.campaigns.campaign_lookup import get_campaign
from users.campaigns.email_preview import allow_previews
from users.campaigns.email_tests import send_campaign_test
from users.campaigns.forms import CampaignStartForm
from users.campaigns.models import Campaign
from users.campaigns.retry_job import retry_failed_messages
from users.campaigns.waiting_reasons import hours_text
from users.directory.filter import BadFilter
from users.exceptions import JobRefused, VerbRefused
from users.jobs import approval
from users.jobs.models import Job
from users.mail.languages import named_languages
from users.sudo.recent import require_sudo_for_bulk
from users.web.error_page import error_page
from users.web.forms import form_page, form_status, posted_data
from users.web.time_html import full_time_text


@form_page
def campaign_start(request, pk: int) -> HttpResponse:
    """Shows who gets the email and who is skipped, as of a moment in the URL; a POST starts it."""
    campaign = get_campaign(request, pk, lifecycle.SEND_CAMPAIGNS)
    confirmation = Confirmation.read(request.POST.get("token", ""), request.user)
    if confirmation and find_started_job(request.user, confirmation):
        return redirect("campaign", campaign.pk)
    if campaign.state != Campaign.State.DRAFT:
        state = campaign.get_state_display().lower()
        message = f"This campaign is {state}; it can’t be started."
        return error_page(request, 409, message, back=f"/mail/campaigns/{pk}/")
    try:
        selection = read_audience(campaign.query, request.user, request.GET)
    except BadFilter as error:
        message = f"The recipients can’t be read. {error.message} Choose them again."
        return error_page(request, 409, message, back=f"/mail/campaigns/{pk}/edit/")
    if selection.filter and "up_to" not in request.GET:
        return redirect(f"{request.path}?{moment_query(selection)}")
    return confirm_start(request, campaign, selection, confirmation)


def moment_query(selection: Selection) -> str:
    """Returns the part of a selection's query that its filter does not have."""
    return selection.query.partition("all=1&")[2]


def confirm_start(
    request, campaign: Campaign, selection: Selection, confirmation: Confirmation | None
) -> HttpResponse:
    form = CampaignStartForm(posted_data(request), by=request.user)
    subject = f"campaign/{campaign.pk}/{campaign.version}?{selection.query}"
    is_valid = form.is_valid()
    draft = draft_start(campaign, form, confirmation)
    preview = preview_action(ANNOUNCE, selection, request.user, draft)
    require_sudo_for_bulk(request, preview.count.value)
    if is_valid and is_confirmed(form, confirmation, subject, preview):
        try:
            with change_ticket(form.given_ticket):
                job = lifecycle.start_campaign(
                    campaign, selection, preview.count, by=request.user, draft=draft
                )
        except JobRefused as refused:
            form.add_error(None, ValidationError(str(refused), code="refused"))
        else:
            waits = job.state == Job.State.WAITING
            text = "A second person must approve this campaign." if waits else "Campaign started."
            messages.success(request, text)
            return redirect("campaign", campaign.pk)
    form.set_token(new_token(subject, preview, request.user))
    context = start_context(request, campaign, selection, preview)
    context |= {"form": form, "path": request.get_full_path()}
    page = "users/campaigns/start.html"
    return allow_previews(render(request, page, context, status=form_status(form)))


def draft_start(
    campaign: Campaign, form: CampaignStartForm, confirmation: Confirmation | None
) -> Job:
    """Returns the job that would send the campaign, not stored."""
    draft = Job(parameters={"campaign": campaign.pk}, reason=form.given_reason)
    if confirmation:
        draft.key = confirmation.key
    return draft


def start_context(
    request, campaign: Campaign, selection: Selection, preview: Preview
) -> dict[str, Any]:
    examples = masking.mask_accounts(selection.examples(), request.user)
    number = preview.confirmed_count
    by_id = request.user.pk
    context = {
        "action": ANNOUNCE,
        "campaign": campaign,
        "letter": campaign.letter,
        "translations": named_languages(campaign.letter.translations),
        "selection": selection,
        "preview": preview,
        "question": f"Send “{campaign.name}” to {preview.words}?",
        "figures": start_figures(campaign, preview),
        "examples": examples,
        "can_change": number.value,
        "needs_approval": approval.needs_second_person(ANNOUNCE, preview.count.value, by_id),
    }
    return context | example_context(preview, request.user)


def start_figures(campaign: Campaign, preview: Preview) -> list[PreviewFigure]:
    """Returns how many emails would be sent, when, and how long that takes with its limit."""
    letter = campaign.letter
    start = full_time_text(letter.not_before) if letter.not_before else "No delay"
    figures = [
        PreviewFigure("Emails", preview.confirmed_count.number),
        PreviewFigure("Send after", start),
        PreviewFigure("Sending hours", hours_text(letter.hours) or "Any time"),
    ]
    if letter.per_minute:
        minutes = max(preview.confirmed_count.value // letter.per_minute, 1)
        takes = f"at least {minutes:,} min" if minutes < 120 else f"at least {minutes // 60:,} h"
        figures.append(PreviewFigure("Emails per minute", f"{letter.per_minute:,}", note=takes))
    return figures


@require_POST
def campaign_test(request, pk: int) -> HttpResponse:
    """Sends the text to the viewer."""
    campaign = get_campaign(request, pk, lifecycle.SEND_CAMPAIGNS)
    try:
        address = send_campaign_test(campaign, by=request.user)
    except VerbRefused as error:
        return error_page(request, 409, error.message, back=f"/mail/campaigns/{pk}/")
    messages.success(request, f"Test email to {address} queued.")
    return redirect("campaign", campaign.pk)


@require_POST
def campaign_pause(request, pk: int) -> HttpResponse:
    return control_campaign(request, pk, lifecycle.pause_campaign, "Campaign paused.")


@require_POST
def campaign_pause_end(request, pk: int) -> HttpResponse:
    return control_campaign(request, pk, lifecycle.resume_campaign, "Campaign resumed.")


@form_page
def campaign_cancellation(request, pk: int) -> HttpResponse:
    """Asks for confirmation, and cancels the campaign on POST."""
    if request.method == "POST":
        text = "Campaign cancelled. Emails that were already sent can’t be taken back."
        return control_campaign(request, pk, lifecycle.cancel_campaign, text)
    campaign = get_campaign(request, pk, lifecycle.SEND_CAMPAIGNS)
    return render(request, "users/campaigns/cancellation.html", {"campaign": campaign})


@require_POST
def campaign_retry(request, pk: int) -> HttpResponse:
    text = "The failed emails are being queued again."
    return control_campaign(request, pk, retry_failed_messages, text)


@form_page
def campaign_discard(request, pk: int) -> HttpResponse:
    """Asks for confirmation, and deletes the draft on POST."""
    campaign = get_campaign(request, pk, lifecycle.SEND_CAMPAIGNS)
    if request.method == "POST":
        try:
            lifecycle.discard_campaign(campaign, by=request.user)
        except JobRefused as refused:
            return error_page(request, 409, str(refused), back=f"/mail/campaigns/{pk}/")
        messages.success(request, f"Draft “{campaign.name}” discarded.")
        return redirect("mail")
    return render(request, "users/campaigns/discard.html", {"campaign": campaign})


def control_campaign(request, pk: int, verb: Callable[..., object], success: str) -> HttpResponse:
    """Applies `verb` and redirects to the campaign's page with the message `success`."""
    campaign = get_campaign(request, pk, lifecycle.SEND_CAMPAIGNS)
    try:
        verb(campaign, by=request.user)
    except JobRefused as refused:
        return error_page(request, 409, str(refused), back=f"/mail/campaigns/{pk}/")
    messages.success(request, success)
    return redirect("campaign", campaign.pk)
