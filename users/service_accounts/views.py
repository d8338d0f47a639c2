"""The pages of service accounts: the list, one account with its tokens, and its changes."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from users import access
from users.models import User
from users.service_accounts.changes import change_service, create_service, end_service
from users.service_accounts.forms import (
    ServiceChangeForm,
    ServiceEndForm,
    ServiceForm,
    change_initial,
)
from users.service_accounts.service_list import SIZE, describe_services, find_services
from users.staff.staff_tabs import staff_tabs
from users.sudo.recent import require_sudo
from users.tokens.forms import grantable_ordinary_roles
from users.tokens.token_list import describe_tokens, tokens_of
from users.tokens.token_pages import creation_page
from users.typed_text import isolate_text
from users.verbs.form_submission import submit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/staff/services/"
ACTION = "manage_services"
# More than anyone can have at the same time; older ones are on the page of all tokens.
TOKENS_SHOWN = 60


@require_safe
def index(request) -> HttpResponse:
    access.require(request.user, "view_roles")
    access.require(request.user, "view")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(find_services(), SIZE, after)
    context = {
        "services": describe_services(page.rows, request.user),
        "tabs": staff_tabs(request.user),
        "may_manage": access.may(request.user, ACTION),
    }
    return render(request, "users/service_accounts/index.html", context | page.links(PATH))


@require_safe
def show(request, pk: int) -> HttpResponse:
    access.require(request.user, "view_roles")
    access.require(request.user, "view")
    stored = get_service(pk)
    tokens = list(tokens_of([pk])[:TOKENS_SHOWN])
    may_manage = access.may(request.user, ACTION, stored)
    (account,) = describe_services([stored], request.user)
    context = {
        "account": account,
        "tokens": describe_tokens(tokens, request.user),
        "may_manage": may_manage,
        "may_revoke": access.may(request.user, "manage_tokens"),
        "may_change_roles": access.may(request.user, "assign_roles", stored),
    }
    return render(request, "users/service_accounts/show.html", context)


@form_page
def new(request) -> HttpResponse:
    access.require(request.user, ACTION)
    require_sudo(request)
    offered: list[Group] = grantable_ordinary_roles(request.user)
    form = ServiceForm(posted_data(request), offered=offered)
    if account := submit_form(form, create_service, by=request.user):
        messages.success(request, f"{isolate_text(account.display_name)} created.")
        return redirect("service", account.pk)
    context = {"form": form}
    return render(request, "users/service_accounts/new.html", context, status=form_status(form))


@form_page
def edit(request, pk: int) -> HttpResponse:
    account = get_managed_service(request, pk)
    owner = User.objects.filter(pk=account.owner_id).first()
    form = ServiceChangeForm(posted_data(request), initial=change_initial(account, owner))
    if submit_form(form, change_service, account, by=request.user):
        messages.success(request, f"{isolate_text(account.display_name)} saved.")
        return redirect("service", pk)
    return render_form(request, "users/service_accounts/edit.html", account, form)


@form_page
def end(request, pk: int) -> HttpResponse:
    account = get_managed_service(request, pk)
    form = ServiceEndForm(posted_data(request), initial={"version": account.version})
    if submit_form(form, end_service, account, by=request.user):
        messages.success(request, f"{isolate_text(account.display_name)} ended.")
        return redirect("service", pk)
    return render_form(request, "users/service_accounts/end.html", account, form)


@form_page
def new_service_token(request, pk: int) -> HttpResponse:
    account = get_managed_service(request, pk)
    label = account.display_name
    return creation_page(request, account, back=f"{PATH}{pk}/", back_label=label)


def render_form(request, template: str, account: User, form: Any) -> HttpResponse:
    (shown,) = describe_services([account], request.user)
    context = {"form": form, "account": shown}
    return render(request, template, context, status=form_status(form))


def get_service(pk: int) -> User:
    """Returns a service account. Raises Http404."""
    return get_object_or_404(find_services(), pk=pk)


def get_managed_service(request, pk: int) -> User:
    """Returns a service account that the viewer may change. Raises Denied, Http404 or
    SudoRequired.
    """
    access.require(request.user, ACTION)
    account = get_service(pk)
    access.require(request.user, ACTION, account)
    require_sudo(request)
    return account
