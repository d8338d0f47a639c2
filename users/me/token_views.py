"""The viewer's own API tokens, and those of service accounts that they own."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from users import access
from users.models import User
from users.tokens.models import ApiToken
from users.tokens.token_list import SIZE, describe_tokens, tokens_of
from users.tokens.token_pages import creation_page, revocation_page
from users.web.forms import form_page
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/me/tokens/"
LABEL = "API tokens"


@require_safe
def own_tokens(request) -> HttpResponse:
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "after")
        after = parse_id_parameter("after", request.GET.get("after", ""))
    page = newest_page(tokens_of(holder_ids(request.user)), SIZE, after)
    context = {
        "tokens": describe_tokens(page.rows, request.user),
        "may_create": access.may(request.user, "create_token"),
    }
    return render(request, "users/me/tokens.html", context | page.links(PATH))


@form_page
def own_token_new(request) -> HttpResponse:
    return creation_page(request, request.user, back=PATH, back_label=LABEL)


@form_page
def own_token_revocation(request, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, holder_id__in=holder_ids(request.user), pk=pk)
    return revocation_page(request, token, back=PATH, back_label=LABEL)


def holder_ids(viewer: Any) -> list[int]:
    """Returns the IDs of the viewer and of the service accounts that they own."""
    owned = User.objects.filter(owner_id=viewer.pk).values_list("pk", flat=True)
    return [viewer.pk, *owned]
