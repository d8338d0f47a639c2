"""The pages that list messages: those of a campaign, the outbox, those that failed, and those to an
address.
"""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.campaigns.campaign_lookup import get_campaign
from users.campaigns.message_lists import (
    FAILED_DAYS,
    FAILED_MAX,
    FATE_NAMES,
    STATE_NAMES,
    address_page,
    campaign_page,
    failed_messages,
    outbox_page,
    shown_messages,
)
from users.campaigns.outbox_summary import LANES, summarise_outbox
from users.campaigns.waiting_reasons import waiting_reason
from users.exceptions import BadParameter
from users.identifiers import EMAIL_MAX, LARGEST_ID
from users.mail.mail_tabs import mail_tabs
from users.mail.models import MailServer, Message
from users.web.forms import TextField, form_page, form_status, posted_data
from users.web.query_string import (
    check_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
)


@require_safe
def campaign_messages(request, pk: int) -> HttpResponse:
    """Lists the messages of a campaign: `?state=sent&fate=bounced`."""
    campaign = get_campaign(request, pk)
    path = f"/mail/campaigns/{campaign.pk}/messages/"
    with refuse_bad_parameters(back=path):
        check_parameters(request.GET, "state", "fate", "after")
        state = parse_choice(request, "state", STATE_NAMES)
        fate = parse_choice(request, "fate", FATE_NAMES)
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = campaign_page(
        campaign,
        state=state,
        fate=fate,
        after=after,
    )
    context = {
        "campaign": campaign,
        "mails": list(shown_messages(page.rows, request.user)),
        "state": state,
        "fate": fate,
        "states": list(STATE_NAMES.items()),
        "fates": list(FATE_NAMES.items()),
        "path": path,
    }
    context |= page.links(path, state=state, fate=fate)
    return render(request, "users/campaigns/messages.html", context)


@require_safe
def outbox(request) -> HttpResponse:
    """Lists everything that waits, in the order of sending, and why it waits."""
    access.require(request.user, "view")
    with refuse_bad_parameters(back="/mail/outbox/"):
        check_parameters(request.GET, "lane", "after")
        lane = parse_choice(request, "lane", LANES)
        after = request.GET.get("after", "")
        rows, more = outbox_page(lane=lane, after=after)
    for message in rows:
        message.reason = waiting_reason(message)  # type: ignore[attr-defined]
    context = {
        "tabs": mail_tabs(request.user),
        "mails": list(shown_messages(rows, request.user)),
        "lanes": summarise_outbox(),
        "server": MailServer.objects.filter(probe_at__isnull=False).first(),
        "lane": lane,
        "more": more,
        "after": after,
    }
    return render(request, "users/campaigns/outbox.html", context)


@require_safe
def failed(request) -> HttpResponse:
    """Lists the newest messages that failed."""
    access.require(request.user, "view")
    with refuse_bad_parameters(back="/mail/failed/"):
        check_parameters(request.GET)
    found = failed_messages().select_related("account", "letter__campaign")
    rows = list(found.order_by("-created_at")[: FAILED_MAX + 1])
    context = {
        "tabs": mail_tabs(request.user),
        "mails": list(shown_messages(rows[:FAILED_MAX], request.user)),
        "days": FAILED_DAYS,
        "limit": FAILED_MAX if len(rows) > FAILED_MAX else 0,
    }
    return render(request, "users/campaigns/failed.html", context)


class SearchForm(forms.Form):
    """A whole address. It is posted, so that it stands in no URL and no log."""

    address = TextField(
        max_length=EMAIL_MAX,
        label="Email address",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
        help_text="The whole address, as it was when the emails were queued.",
    )
    kind = forms.ChoiceField(
        required=False, label="Type", choices=[("", "All types"), *Message.Kind.choices]
    )
    state = forms.ChoiceField(
        required=False, label="Status", choices=[("", "All states"), *STATE_NAMES.items()]
    )
    fate = forms.ChoiceField(
        required=False, label="Delivery", choices=[("", "Any delivery status"), *FATE_NAMES.items()]
    )
    after = forms.IntegerField(
        required=False, min_value=1, max_value=LARGEST_ID, widget=forms.HiddenInput
    )


@form_page
def search(request) -> HttpResponse:
    """Finds the messages to an address. Pages and filters are posted, too."""
    access.require(request.user, "view")
    form = SearchForm(posted_data(request))
    context: dict[str, Any] = {"form": form, "tabs": mail_tabs(request.user)}
    status = form_status(form)
    if form.is_valid():
        status = 200
        typed = form.cleaned_data
        filters = {name: typed[name] for name in ("kind", "state", "fate")}
        page = address_page(typed["address"], after=typed["after"] or 0, **filters)
        context |= {
            "mails": list(shown_messages(page.rows, request.user)),
            "is_filtered": any(filters.values()),
            "older": page.rows[-1].pk if page.has_next else "",
            "after": page.after,
        }
    return render(request, "users/campaigns/search.html", context, status=status)


def parse_choice(request, name: str, choices: dict[str, str]) -> str:
    """Returns a parameter that has one of some values, or is missing. Raises BadParameter."""
    value = request.GET.get(name, "")
    if value not in ("", *choices):
        raise BadParameter(name, f"Allowed values: {', '.join(choices)}.")
    return value
