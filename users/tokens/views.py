"""The pages of all tokens: the list, revoking one, and what one may do for provisioning."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from users import access
from users.models import User
from users.staff.staff_tabs import staff_tabs
from users.sudo.recent import require_sudo
from users.tokens.changes import change_provisioning, require_token_rights
from users.tokens.forms import ProvisioningForm, grantable_ordinary_roles, provisioning_initial
from users.tokens.models import ApiToken
from users.tokens.token_list import SIZE, describe_tokens
from users.tokens.token_pages import revocation_page
from users.verbs.form_submission import submit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.query_string import (
    check_parameters,
    drops_empty_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
)

PATH = "/staff/tokens/"
LABEL = "API tokens"


@drops_empty_parameters
@require_safe
def index(request) -> HttpResponse:
    """Lists the tokens, newest first; with `holder`, those of one account."""
    access.require(request.user, "manage_tokens")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "holder", "after")
        holder_id = parse_id_parameter("holder", request.GET.get("holder", ""))
        after = parse_id_parameter("after", request.GET.get("after", ""))
    found = ApiToken.objects.all()
    if holder_id:
        found = found.filter(holder_id=holder_id)
    page = newest_page(found, SIZE, after)
    context = {
        "tokens": describe_tokens(page.rows, request.user),
        "tabs": staff_tabs(request.user),
        "is_filtered": bool(holder_id),
    }
    links = page.links(PATH, holder=holder_id)
    return render(request, "users/tokens/index.html", context | links)


@form_page
def revoke(request, pk: int) -> HttpResponse:
    access.require(request.user, "manage_tokens")
    token = get_token(pk)
    return revocation_page(request, token, back=PATH, back_label=LABEL)


@form_page
def provisioning(request, pk: int) -> HttpResponse:
    """Changes which accounts the token may create and change for another system."""
    access.require(request.user, "manage_services")
    token = get_token(pk)
    holder = User.objects.get(pk=token.holder_id)
    require_token_rights(request.user, holder)
    require_sudo(request)
    initial = provisioning_initial(token)
    offered = grantable_ordinary_roles(request.user)
    form = ProvisioningForm(posted_data(request), offered=offered, initial=initial)
    if submit_form(form, change_provisioning, token, by=request.user):
        messages.success(request, f"Provisioning of token {token.name} saved.")
        return redirect(holder_page(holder))
    (shown,) = describe_tokens([token], request.user)
    context: dict[str, Any] = {"form": form, "token": shown, "back": holder_page(holder)}
    return render(request, "users/tokens/provisioning.html", context, status=form_status(form))


def get_token(pk: int) -> ApiToken:
    """Returns a token. Raises Http404."""
    return get_object_or_404(ApiToken, pk=pk)


def holder_page(holder: User) -> str:
    """Returns the page that lists the tokens of a holder."""
    return f"/staff/services/{holder.pk}/" if holder.is_service else "/me/tokens/"
