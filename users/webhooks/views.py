"""The pages of webhooks: the list, creation, a webhook with its deliveries, and its changes."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.exceptions import BadParameter, VerbRefused
from users.staff.staff_tabs import staff_tabs
from users.sudo.recent import require_sudo
from users.verbs.form_submission import submit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters
from users.webhooks import subscriptions
from users.webhooks.forms import (
    WebhookDeletionForm,
    WebhookEditForm,
    WebhookForm,
    initial_values,
)
from users.webhooks.kinds import KIND_LABELS, kind_labels
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.payload_view import shown_payload
from users.webhooks.secrets import is_rotating
from users.webhooks.signal_tokens import stream_url
from users.webhooks.subscriptions import ACTION
from users.webhooks.webhook_state import (
    count_dead_letters,
    webhook_rows,
    webhook_state,
    webhook_states,
)

PATH = "/staff/webhooks/"
FOLDER = "users/webhooks"
SIZE = 50
State = WebhookDelivery.State
SHOWN_STATES = ("", State.WAITING, State.DEAD)


@require_safe
def index(request) -> HttpResponse:
    require_webhook_reader(request.user)
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET)
    context = {
        "states": [(state, receiver_host(state.row)) for state in webhook_states()],
        "tabs": staff_tabs(request.user),
        "may_manage": access.may(request.user, ACTION),
    }
    return render(request, f"{FOLDER}/index.html", context)


@form_page
def new(request) -> HttpResponse:
    require_manager(request)
    form = WebhookForm(posted_data(request))
    created = submit_form(form, subscriptions.create_subscription, by=request.user)
    if created:
        row, secret = created
        return show_secret(request, row, secret)
    context = {"form": form}
    return render(request, f"{FOLDER}/new.html", context, status=form_status(form))


@require_safe
def show(request, pk: int) -> HttpResponse:
    return render_webhook(request, get_webhook(request, pk))


def render_webhook(request, row: Any, problem: str = "") -> HttpResponse:
    """Returns the page of a webhook, as a conflict if something was refused."""
    may_manage = access.may(request.user, ACTION)
    context = delivery_context(request, row)
    context |= {
        "row": row,
        "state": webhook_state(row),
        "dead": count_dead_letters(row),
        "receiver": (may_manage and row.url) or receiver_host(row),
        "stream": stream_url(row.pk) if row.has_tokens else "",
        "kinds": kind_labels(row.kinds),
        "is_rotating": is_rotating(row),
        "problem": problem,
        "may_manage": may_manage,
    }
    status = 409 if problem else 200
    return render(request, f"{FOLDER}/show.html", context, status=status)


def delivery_context(request, row: WebhookSubscription) -> dict[str, Any]:
    """Returns a page of the deliveries. Raises BadRequest."""
    path = f"{PATH}{row.pk}/"
    with refuse_bad_parameters(back=path):
        check_parameters(request.GET, "state", "after")
        chosen = state_parameter(request.GET.get("state", ""))
        after = parse_id_parameter("after", request.GET.get("after", ""))
    found = WebhookDelivery.objects.filter(subscription=row)
    if chosen:
        found = found.filter(state=chosen)
    page = newest_page(found, SIZE, after)
    rows = [(each, KIND_LABELS.get(each.kind, each.kind)) for each in page.rows]
    context: dict[str, Any] = {"deliveries": rows, "chosen": chosen}
    return context | page.links(path, state=chosen)


def state_parameter(value: str) -> str:
    """Returns the state of the deliveries to show. Raises BadParameter."""
    if value not in SHOWN_STATES:
        raise BadParameter("state", "This state does not exist.")
    return value


@form_page
def edit(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    require_manager(request)
    form = WebhookEditForm(posted_data(request), row=row, initial=initial_values(row))
    edited = submit_form(form, subscriptions.edit_subscription, row, by=request.user)
    if edited:
        row, secret = edited
        if secret:
            return show_secret(request, row, secret, has_moved=True)
        messages.success(request, "Webhook saved.")
        return redirect("staff-webhook", row.pk)
    context = {"form": form, "row": row}
    return render(request, f"{FOLDER}/edit.html", context, status=form_status(form))


@form_page
def rotate(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    require_manager(request)
    if request.method == "POST":
        secret = subscriptions.rotate_secret(row, by=request.user)
        return show_secret(request, row, secret)
    return render(request, f"{FOLDER}/rotate.html", {"row": row})


def show_secret(
    request, row: WebhookSubscription, secret: str, *, has_moved: bool = False
) -> HttpResponse:
    """Returns the only page that ever shows this secret."""
    # A part of it may look like a phone number, which a role without personal data sees masked.
    request.revealed = True
    context = {
        "row": row,
        "secret": secret,
        "has_moved": has_moved,
        "stream": stream_url(row.pk) if row.has_tokens else "",
    }
    return render(request, f"{FOLDER}/secret.html", context)


@form_page
def delete(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    require_manager(request)
    form = WebhookDeletionForm(posted_data(request))
    submit_form(form, subscriptions.delete_subscription, row, by=request.user)
    if form.is_bound and not form.errors:
        messages.success(request, f"Webhook {row.name} deleted.")
        return redirect("staff-webhooks")
    context = {"form": form, "row": row}
    return render(request, f"{FOLDER}/delete.html", context, status=form_status(form))


@require_POST
def pause(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    subscriptions.pause_subscription(row, by=request.user)
    messages.success(request, "Webhook paused. Events wait until you resume it.")
    return redirect("staff-webhook", row.pk)


@require_POST
def resume(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    subscriptions.resume_subscription(row, by=request.user)
    messages.success(request, "Webhook resumed.")
    return redirect("staff-webhook", row.pk)


@require_POST
def send_test_delivery(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    try:
        subscriptions.queue_test(row, by=request.user)
    except VerbRefused as error:
        return render_webhook(request, row, error.message)
    messages.success(request, "Test queued. Reload the page to see the result.")
    return redirect("staff-webhook", row.pk)


@require_POST
def replay(request, pk: int) -> HttpResponse:
    row = get_webhook(request, pk)
    number = subscriptions.requeue_dead_letters(row, by=request.user)
    if number:
        messages.success(request, f"Dead letters queued again: {number:,}.")
    return redirect("staff-webhook", row.pk)


@require_safe
def show_delivery(request, pk: int, number: int) -> HttpResponse:
    row = get_webhook(request, pk)
    delivery = get_delivery(row, number)
    context = {
        "row": row,
        "delivery": delivery,
        "label": KIND_LABELS.get(delivery.kind, delivery.kind),
        "payload": shown_payload(row, delivery, request.user),
        "may_manage": access.may(request.user, ACTION),
        "links_events": access.may(request.user, "view_audit"),
    }
    return render(request, f"{FOLDER}/delivery.html", context)


@require_POST
def replay_delivery(request, pk: int, number: int) -> HttpResponse:
    row = get_webhook(request, pk)
    delivery = get_delivery(row, number)
    if subscriptions.requeue_dead_letters(row, by=request.user, delivery=delivery):
        messages.success(request, "Dead letter queued again.")
    return redirect("staff-webhook-delivery", row.pk, delivery.pk)


def require_webhook_reader(viewer: Any) -> None:
    access.require(viewer, "view_webhooks")


def require_manager(request) -> None:
    """Raises Denied, or SudoRequired."""
    access.require(request.user, ACTION)
    require_sudo(request, ACTION)


def get_webhook(request, pk: int) -> Any:
    """Returns a subscription with its state. Raises Denied or Http404."""
    require_webhook_reader(request.user)
    return get_object_or_404(webhook_rows(), pk=pk)


def get_delivery(row: WebhookSubscription, number: int) -> WebhookDelivery:
    return get_object_or_404(WebhookDelivery, subscription=row, pk=number)


def receiver_host(row: WebhookSubscription) -> str:
    """Returns the host of a receiver; the rest of its URL may be a secret."""
    return urlsplit(row.url).hostname or "Polled by the receiver"
