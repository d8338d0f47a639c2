"""The pages of suppressed addresses: list, look-up, adding by hand and by file, lifting."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.audit.origin import change_ticket
from users.mail import suppressions
from users.mail.mail_tabs import mail_tabs
from users.mail.models import Suppression
from users.mail.suppression_file import (
    FORM_MAX_BYTES,
    SuppressionFile,
    read_suppressions,
    write_rows,
)
from users.mail.suppression_forms import (
    AddressForm,
    SuppressionEndForm,
    SuppressionFileForm,
    SuppressionForm,
)
from users.models import User
from users.typed_text import isolate_text
from users.web.form_size import limit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/mail/suppressions/"
SIZE = 50
# Wrong rows that a preview shows.
ERRORS_SHOWN = 100


@require_safe
def index(request) -> HttpResponse:
    access.require(request.user, "view_suppressions")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(Suppression.objects.all(), SIZE, after)
    name_people(page.rows, request.user)
    context = {"suppressions": page.rows, "form": AddressForm()} | page.links(PATH)
    context["tabs"] = mail_tabs(request.user)
    return render(request, "users/mail/suppressions.html", context | rights(request.user))


def rights(viewer: Any) -> dict[str, bool]:
    return {"may_manage": access.may(viewer, "manage_suppressions")}


def require_changes(viewer: Any) -> None:
    """Raises Denied unless the viewer may see and change suppressions: each page shows some."""
    access.require(viewer, "view_suppressions")
    access.require(viewer, "manage_suppressions")


def name_people(rows: list[Suppression], viewer: Any) -> None:
    """Adds to each row its sentence, its account and who added it, as the viewer may see them."""
    ids = {pk for row in rows for pk in (row.account_id, row.created_by_id) if pk}
    found = User.objects.filter(pk__among=list(ids)).only("username", "first_name", "last_name")
    people: dict[Any, User] = {each.pk: each for each in masking.mask_accounts(list(found), viewer)}
    for row in rows:
        row.account = people.get(row.account_id)  # type: ignore[attr-defined]
        row.text = suppressions.describe_suppression(row)  # type: ignore[attr-defined]
        row.author = people.get(row.created_by_id)  # type: ignore[attr-defined]


@form_page
def lookup(request) -> HttpResponse:
    """Shows the suppressions of one address, which must be typed in full."""
    access.require(request.user, "view_suppressions")
    form = AddressForm(posted_data(request))
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        address = form.cleaned_data["address"]
        found = suppressions.address_suppressions(address)
        name_people(found, request.user)
        holder = suppressions.address_holders([address])
        context |= {
            "address": address,
            "found": found,
            "holder": next(iter(holder.values()), None),
        }
    context |= rights(request.user)
    status = 200 if form.is_valid() else form_status(form)
    return render(request, "users/mail/suppression_lookup.html", context, status=status)


@form_page
def new(request) -> HttpResponse:
    """Suppresses one address."""
    require_changes(request.user)
    form = SuppressionForm(posted_data(request))
    if form.is_valid():
        values = dict(form.cleaned_data)
        ticket = values.pop("ticket", "")
        address = isolate_text(values["address"])
        source = Suppression.Source.STAFF
        with change_ticket(ticket):
            added = suppressions.suppress_address(
                source=source,
                by=request.user,
                **values,
            )
        if added:
            messages.success(request, f"{address} is suppressed.")
        else:
            messages.warning(request, f"{address} was already suppressed.")
        return redirect("suppressions")
    return render(
        request, "users/mail/suppression_new.html", {"form": form}, status=form_status(form)
    )


@limit_form(FORM_MAX_BYTES)
@form_page
def import_file(request) -> HttpResponse:
    """Suppresses the addresses of a file: the first request shows a preview, the second one sends
    its valid rows back with `confirm`.
    """
    require_changes(request.user)
    form = SuppressionFileForm(posted_data(request), request.FILES or None)
    found = read_rows(form) if form.is_valid() else None
    if found is None:
        return render_import(request, form)
    if found.errors or "confirm" not in request.POST:
        return render_import(request, form, import_preview(form, found))
    source = Suppression.Source.IMPORT
    with change_ticket(form.given_ticket):
        added = suppressions.suppress_addresses(found.entries, source, by=request.user)
    number = len(added)
    messages.success(request, f"{number:,} address{'' if number == 1 else 'es'} suppressed.")
    return redirect("suppressions")


def read_rows(form: SuppressionFileForm) -> SuppressionFile | None:
    """Returns the rows of a valid form; None if they can't be read, with an error on the form."""
    try:
        return read_suppressions(form.cleaned_data["text"], form.cleaned_data["reason"])
    except ValidationError as error:
        form.add_error("file" if form.cleaned_data.get("file") else "text", error)
    return None


def import_preview(form: SuppressionFileForm, found: SuppressionFile) -> dict[str, Any]:
    known = suppressions.count_known(found.entries, Suppression.Source.IMPORT)
    return {
        "rejected": len(found.errors),
        "new": len(found.entries) - known,
        "known": known,
        "errors": found.errors[:ERRORS_SHOWN],
        "more_errors": max(len(found.errors) - ERRORS_SHOWN, 0),
        "text": write_rows(found.entries),
        "reason": form.cleaned_data["reason"],
        "ticket": form.given_ticket,
    }


def render_import(
    request, form: SuppressionFileForm, context: dict[str, Any] | None = None
) -> HttpResponse:
    status = 200 if context else form_status(form)
    context = {"form": form} | (context or {})
    return render(request, "users/mail/suppression_import.html", context, status=status)


@form_page
def end(request, pk: int) -> HttpResponse:
    """Lifts a suppression."""
    require_changes(request.user)
    suppression = get_suppression(pk)
    name_people([suppression], request.user)
    form = SuppressionEndForm(posted_data(request))
    if form.is_valid():
        lift = partial(suppressions.lift_suppression, suppression, by=request.user)
        with change_ticket(form.given_ticket):
            lift(reason=form.cleaned_data["reason"])
        messages.success(request, "Suppression lifted.")
        return redirect("suppressions")
    context = {"form": form, "suppression": suppression}
    return render(request, "users/mail/suppression_end.html", context, status=form_status(form))


def get_suppression(pk: int) -> Suppression:
    """Returns a suppression. Raises Http404, for example if it has been lifted."""
    return get_object_or_404(Suppression, pk=pk)
