"""The list of campaigns, the page of one, and the forms of a draft."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from users import access
from users.bulk.selection import requested_selection
from users.campaigns import counts as message_counts
from users.campaigns import lifecycle
from users.campaigns.audience import audience_query, audience_url, describe_audience
from users.campaigns.campaign_lookup import get_campaign
from users.campaigns.email_preview import allow_previews
from users.campaigns.forms import CampaignForm, campaign_initial
from users.campaigns.models import Campaign, EmailTemplate
from users.campaigns.outbox_summary import summarise_outbox
from users.campaigns.progress_plot import progress_plot
from users.campaigns.waiting_reasons import hours_text, letter_reason
from users.database.clock import current_time
from users.exceptions import JobRefused
from users.jobs import engine
from users.jobs.models import Job
from users.mail.languages import language_names, named_languages
from users.mail.mail_tabs import mail_tabs
from users.mail.models import Letter, Message
from users.models import User
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.partials import background_view, is_partial
from users.web.query_string import (
    check_parameters,
    is_id_text,
    parse_id_parameter,
    refuse_bad_parameters,
)

PAGE_SIZE = 25
# The page of a template leads to a campaign, too.
TEMPLATES_SHOWN = 50
# Parameters of the page of a new campaign, besides those of a selection.
NEW_PARAMETERS = ("template",)


@require_safe
def index(request) -> HttpResponse:
    """Lists the campaigns, newest first, and says how much waits in the outbox."""
    access.require(request.user, "view")
    with refuse_bad_parameters(back="/mail/"):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(Campaign.objects.select_related("letter"), PAGE_SIZE, after)
    authors = {campaign.created_by_id for campaign in page.rows}
    people = User.objects.only("username").in_bulk(authors - {None})
    for campaign in page.rows:
        campaign.numbers = message_counts.stored_counts(campaign)  # type: ignore[attr-defined]
        campaign.author = people.get(campaign.created_by_id)  # type: ignore[attr-defined]
    context = {
        "tabs": mail_tabs(request.user),
        "campaigns": page.rows,
        "outbox": summarise_outbox(),
        "may_send": access.may(request.user, lifecycle.SEND_CAMPAIGNS),
    }
    return render(request, "users/campaigns/index.html", context | page.links("/mail/"))


@background_view
@require_safe
@vary_on_headers("HX-Request")
def show(request, pk: int) -> HttpResponse:
    """Shows a campaign; while it is sent, HTMX requests its numbers again and again."""
    campaign = get_campaign(request, pk)
    context = numbers_context(campaign, request.user)
    if is_partial(request):
        response = render(request, "users/campaigns/show.html#numbers", context)
        if request.GET.get("state", "") not in ("", campaign.state):
            # The buttons of the page change with the state.
            response["HX-Refresh"] = "true"
        return response
    context |= {
        "letter": campaign.letter,
        "audience": describe_audience(campaign.query, request.user),
        "audience_url": audience_url(campaign.query, request.user),
        "hours": hours_text(campaign.letter.hours),
        "translations": named_languages(campaign.letter.translations),
        "author": User.objects.filter(pk=campaign.created_by_id).first(),
        "may_send": access.may(request.user, lifecycle.SEND_CAMPAIGNS),
        "may_retry": may_retry(campaign, context["counts"]),
        "sees_trail": access.may(request.user, "view_audit"),
    }
    return allow_previews(render(request, "users/campaigns/show.html", context))


def numbers_context(campaign: Campaign, viewer: Any) -> dict[str, Any]:
    counts = message_counts.recent_counts(campaign)
    skipped = sorted(campaign.skipped.items(), key=lambda item: -item[1])
    job = Job.objects.select_related("note_line__actor").filter(pk=campaign.job_id or 0).first()
    is_sending = campaign.state in (Campaign.State.QUEUEING, Campaign.State.SENDING)
    return {
        "campaign": campaign,
        "counts": counts,
        "numbers": message_counts.count_links(campaign, counts),
        "percent": counts.finished_percent,
        "sent_total": counts.in_state(Message.State.SENT),
        "plot": progress_plot(campaign, counts),
        "job": job,
        "sees_jobs": job is not None and engine.may_see_job(viewer, job),
        "skipped": skipped,
        "skipped_total": sum(campaign.skipped.values()),
        "held": letter_reason(campaign.letter, current_time()) if is_sending else "",
    }


def may_retry(campaign: Campaign, counts: message_counts.MessageCounts) -> bool:
    """Returns whether the campaign has failed emails that can be queued again."""
    is_over = campaign.state in (Campaign.State.DRAFT, Campaign.State.CANCELLED)
    return not is_over and counts.in_state(Message.State.FAILED) > 0


@form_page
def campaign_new(request) -> HttpResponse:
    """Creates a draft: `?ids=…` or `?all=1&filter…` are its recipients, `?template=` its text."""
    access.require(request.user, "view")
    access.require(request.user, lifecycle.SEND_CAMPAIGNS)
    query = requested_audience(request)
    template = requested_template(request)
    initial: dict[str, Any] = {"version": 1}
    if template:
        initial |= {"subject": template.subject, "text": template.text, "name": template.name}
    form = CampaignForm(posted_data(request), viewer=request.user, query=query, initial=initial)
    if form.is_valid():
        values = form.values()
        campaign = lifecycle.create_campaign(by=request.user, values=values, template=template)
        messages.success(request, saved_text(campaign, template))
        return redirect("campaign", campaign.pk)
    context = {
        "form": form,
        "template_query": "".join(f"{pair}&" for pair in query.split("&") if pair),
        "path": request.get_full_path(),
    }
    context |= template_context(template)
    return render(request, "users/campaigns/form.html", context, status=form_status(form))


def template_context(chosen: EmailTemplate | None) -> dict[str, Any]:
    """Returns the templates that the page of a new campaign offers, and the chosen one."""
    found = EmailTemplate.objects.filter(archived_at=None).order_by("name")
    active = list(found[: TEMPLATES_SHOWN + 1])
    return {
        "template": chosen,
        "translations": language_names(chosen.translations) if chosen else "",
        "templates": active[:TEMPLATES_SHOWN],
        "has_more_templates": len(active) > TEMPLATES_SHOWN,
    }


def requested_audience(request) -> str:
    """Returns the query of the recipients in the URL; "" for none. Raises BadRequest."""
    if "ids" in request.GET or "all" in request.GET:
        return audience_query(requested_selection(request, extra_parameters=NEW_PARAMETERS))
    with refuse_bad_parameters(back="/mail/"):
        check_parameters(request.GET, *NEW_PARAMETERS)
    return ""


def requested_template(request) -> EmailTemplate | None:
    """Returns the template that the URL names. Raises Http404."""
    name = request.GET.get("template", "")
    if not name:
        return None
    active = EmailTemplate.objects.filter(archived_at=None)
    template = active.filter(pk=name).first() if is_id_text(name) else None
    if template is None:
        raise Http404
    return template


def saved_text(campaign: Campaign, source: EmailTemplate | Letter | None) -> str:
    """Returns the message after saving. `source`: where the text and its translations came from."""
    stored = Letter.objects.get(pk=campaign.letter_id)
    if source and source.translations and not stored.translations:
        return "Draft saved. The text has changed, so its translations were removed."
    return "Draft saved."


@form_page
def campaign_edit(request, pk: int) -> HttpResponse:
    """Changes a draft."""
    campaign = get_campaign(request, pk, lifecycle.SEND_CAMPAIGNS)
    form = CampaignForm(
        posted_data(request),
        viewer=request.user,
        query=campaign.query,
        initial=campaign_initial(campaign),
    )
    context = {
        "form": form,
        "campaign": campaign,
        "translations": language_names(campaign.letter.translations),
        "path": request.path,
    }
    if form.is_valid():
        try:
            saved = save_draft(campaign, form)
        except JobRefused as refused:
            form.add_error(None, ValidationError(str(refused), code="refused"))
        except lifecycle.StaleCampaign as changed:
            context["stale"] = changed.current
            form.show_conflict(changed.current)
        else:
            messages.success(request, saved_text(saved, campaign.letter))
            return redirect("campaign", campaign.pk)
    return render(request, "users/campaigns/form.html", context, status=form_status(form))


def save_draft(campaign: Campaign, form: CampaignForm) -> Campaign:
    """Stores a valid form. Raises JobRefused or StaleCampaign."""
    return lifecycle.change_campaign(
        campaign,
        by=form.viewer,
        version=form.cleaned_data["version"],
        values=form.values(),
    )
