"""The history of an account: its values on a date, and restoring one of them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from users import masking
from users.account import page
from users.audit.former_rows import former_values_of
from users.caching.replica import reads_replica
from users.exceptions import BadRequest
from users.fields import PROFILE_FIELDS
from users.history.past_state import (
    BadMoment,
    FieldAtDate,
    History,
    parse_moment,
    reconstruct_account,
)
from users.models import User
from users.permissions import load_permissions
from users.verbs.form_submission import bind_form, submit_form
from users.verbs.obstacles import DELETED_OBSTACLES, refuse_before_form
from users.verbs.profile.page import RestoreValueForm
from users.verbs.profile.verb import restore_value
from users.web.forms import form_page, form_status
from users.web.query_string import check_parameters, refuse_bad_parameters
from users.web.time_zone import zone_label

# Former values on the page.
FORMER_SHOWN = 50


@require_safe
@reads_replica
def show(request, pk: int):
    unmasked = page.get_unmasked_page_account(request, "view", pk)
    typed = checked_query(request, pk, "at").get("at", timezone.localdate().isoformat())
    at, error = typed_moment(typed)

    def content(request, account: User, shell: dict[str, Any]) -> dict[str, Any]:
        past = reconstruct_account(unmasked, shell["permissions"], at) if at else None
        past = mask_history(past) if past and shell["masked"] else past
        return {
            "history": past,
            "typed": typed,
            "error": error,
            "zone": zone_label(),
            "today": timezone.localdate().isoformat(),
            "former": [] if shell["masked"] else former_values_of(pk, limit=FORMER_SHOWN),
        }

    account = masking.mask_accounts([unmasked], request.user)[0]
    return page.uncached_tab(
        request, account, "account-history", content, status=422 if error else 200
    )


def typed_moment(typed: str) -> tuple[datetime | None, str]:
    """Returns the point in time that was typed, or None and what is wrong with it."""
    try:
        return parse_moment(typed), ""
    except BadMoment as bad:
        return None, str(bad)


@form_page
def restore_from_history(request, pk: int, name: str) -> HttpResponse:
    unmasked = page.get_unmasked_page_account(request, "edit", pk)
    account = masking.mask_accounts([unmasked], request.user)[0]
    if name not in PROFILE_FIELDS:
        raise Http404
    refuse_before_form(request, account, DELETED_OBSTACLES)
    typed = checked_query(request, pk, "at").get("at", "")
    past = history_at(unmasked, typed)
    line = known_line(past, name, pk)
    initial = {"version": account.version}
    form = bind_form(request, RestoreValueForm, "edit", account, initial=initial)
    known = {"field": name, "value": line.then}
    if submit_form(form, restore_value, account, by=request.user, **known):
        messages.success(request, f"{line.label} restored.")
        return redirect("account", pk)
    context = {
        "form": form,
        "account": account,
        "line": line,
        "history": past,
        "typed": typed,
    }
    return render(request, "users/account/restore.html", context, status=form_status(form))


def history_at(account: User, typed: str) -> History:
    """Returns the unmasked account at the typed moment. Raises BadRequest."""
    try:
        return reconstruct_account(account, load_permissions(account), parse_moment(typed))
    except BadMoment as error:
        raise BadRequest("at", str(error), back=f"/users/{account.pk}/history/") from error


def known_line(past: History, name: str, pk: int) -> FieldAtDate:
    """Returns the line of a field whose value is known. Raises BadRequest."""
    line = past.line(name)
    if line is None or not line.known:
        message = "The value of this field at that time is not recorded."
        raise BadRequest("at", message, back=f"/users/{pk}/history/")
    return line


def mask_history(past: History) -> History:
    """Masks the personal data in all lines."""
    return replace(past, lines=[mask_field_at_date(line) for line in past.lines])


def mask_field_at_date(line: FieldAtDate) -> FieldAtDate:
    """Masks both values. Marks a changed value if the masked ones are equal."""
    then = masking.mask_value(line.name, line.then)
    now = masking.mask_value(line.name, line.now)
    if line.changed and then == now:
        now = f"{now} (different)"
    return replace(line, then=then, now=now)


def checked_query(request, pk: int, *names: str) -> QueryDict:
    """Returns the query string if it has no other parameters than `names`. Raises BadRequest."""
    with refuse_bad_parameters(f"/users/{pk}/history/"):
        check_parameters(request.GET, *names)
    return request.GET
