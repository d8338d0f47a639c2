"""The pages of requests for roles: the list, a new one, and the decision."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access, masking
from users.models import User
from users.role_models import RoleRequest
from users.staff.requests.decisions import (
    approve_request,
    cancel_request,
    decision_refusal,
    decline_request,
    request_role,
    requestable_roles,
    role_end,
)
from users.staff.requests.forms import CancellationForm, DecisionForm, RoleRequestForm
from users.staff.roles.role_list import RoleEntry, role_entry
from users.staff.staff_tabs import staff_tabs
from users.sudo.recent import require_sudo
from users.verbs.form_submission import submit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/staff/requests/"
SIZE = 50
State = RoleRequest.State


@require_safe
def index(request) -> HttpResponse:
    """Lists the viewer's requests; for those who may approve, all."""
    sees_all = access.may(request.user, "approve_role")
    if not sees_all:
        access.require(request.user, "request_role")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(visible_requests(request.user), SIZE, after)
    name_accounts(page.rows, request.user)
    context = {
        "requests": page.rows,
        "tabs": staff_tabs(request.user),
        "may_request": requestable_roles(request.user).exists(),
        "sees_all": sees_all,
    }
    return render(request, "users/staff/requests.html", context | page.links(PATH))


@form_page
def new(request) -> HttpResponse:
    access.require(request.user, "request_role")
    offered = requestable_roles(request.user)
    form = RoleRequestForm(posted_data(request), offered=offered)
    made = submit_form(form, request_role, by=request.user)
    if made:
        messages.success(request, f"{made.role_name} requested. A colleague will decide.")
        return redirect("staff-request", made.pk)
    context = {"form": form, "roles": described_roles(offered)}
    return render(request, "users/staff/request_new.html", context, status=form_status(form))


@require_safe
def show(request, pk: int) -> HttpResponse:
    return render_request(request, get_role_request(request, pk), DecisionForm())


@require_POST
def approve(request, pk: int) -> HttpResponse:
    return decide(request, pk, approve_request, "{role} given.")


@require_POST
def decline(request, pk: int) -> HttpResponse:
    return decide(request, pk, decline_request, "Request for {role} declined.")


@require_POST
def cancel(request, pk: int) -> HttpResponse:
    row = get_role_request(request, pk)
    form = CancellationForm(request.POST)
    if submit_form(form, cancel_request, row, by=request.user):
        messages.success(request, f"Request for {row.role_name} cancelled.")
        return redirect("staff-requests")
    return render_request(request, row, form)


def decide(request, pk: int, decision: Callable[..., RoleRequest], done: str) -> HttpResponse:
    """Decides about a request with the answer of the form."""
    access.require(request.user, "approve_role")
    require_sudo(request, "approve_role")
    row = get_role_request(request, pk)
    form = DecisionForm(request.POST)
    if decided := submit_form(form, decision, row, by=request.user):
        text = getattr(decided, "outcome", "") or done.format(role=row.role_name)
        messages.success(request, text)
        return redirect("staff-requests")
    return render_request(request, row, form)


def render_request(request, row: RoleRequest, form: Form) -> HttpResponse:
    name_accounts([row], request.user)
    waits = row.state == State.WAITING
    may_decide = waits and access.may(request.user, "approve_role")
    refusal = decision_refusal(request.user, row) if may_decide else ""
    role = role_entry(row.group) if row.group else None
    context = {
        "row": row,
        "form": form,
        "role": role,
        "until": waits and role_end(row),
        "refusal": refusal,
        "may_decide": may_decide and not refusal,
        "may_cancel": waits and request.user.pk == row.by_id,
    }
    return render(request, "users/staff/request.html", context, status=form_status(form))


def visible_requests(viewer: Any) -> QuerySet[RoleRequest]:
    """Returns the requests that the viewer may see: their own, or all."""
    found = RoleRequest.objects.select_related("group")
    if access.may(viewer, "approve_role"):
        return found
    return found.filter(Q(by_id=viewer.pk) | Q(account_id=viewer.pk))


def get_role_request(request, pk: int) -> RoleRequest:
    """Returns a request. Raises Http404 for other people's, so that their existence is hidden."""
    if not access.may(request.user, "approve_role"):
        access.require(request.user, "request_role")
    return get_object_or_404(visible_requests(request.user), pk=pk)


def name_accounts(rows: list[RoleRequest], viewer: Any) -> None:
    """Adds to each request its account, as the viewer may see it."""
    found = User.objects.filter(pk__in={row.account_id for row in rows})
    people = {each.pk: each for each in masking.mask_accounts(list(found), viewer)}
    for row in rows:
        row.account = people.get(row.account_id)  # type: ignore[attr-defined]


def described_roles(groups: QuerySet[Group]) -> list[RoleEntry]:
    return [role_entry(group) for group in groups.prefetch_related("permissions")]
