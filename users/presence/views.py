"""The strip of an account's page that says who else is there, and what they have just changed."""

from hashlib import blake2b
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from users import access
from users.exceptions import BadParameter, BadRequest
from users.presence.heartbeat import record_heartbeat
from users.presence.recent_changes import find_recent_change
from users.web import query_string
from users.web.partials import htmx_page_path

NAMES_SHOWN = 5


@never_cache
@require_safe
def presence_strip(request, pk: int):
    """Asked for again and again by the page; 204 where it says what the page says already (`said`)."""
    access.require(request.user, "view")
    shown, on_form = parse_presence_query(request, pk)
    editing = on_form or "editing" in request.GET
    found = record_heartbeat(request.user, pk, editing=editing)
    if found is None:
        raise Http404
    version, others = found
    fresh = find_recent_change(pk, shown, request.user) if version > shown else None
    said = presence_digest(others, fresh and (fresh.who, fresh.deed, fresh.step))
    if said == request.GET.get("said"):
        return HttpResponse(status=204)
    query = {"version": shown} | ({"form": 1} if on_form else {}) | {"said": said}
    address = f"/users/{pk}/presence/?{urlencode(query)}"
    back = "" if editing else reload_path(request, pk)
    context = {
        "others": others[:NAMES_SHOWN],
        "more": len(others[NAMES_SHOWN:]),
        "news": fresh,
        "address": address,
        "back": back,
    }
    return render(request, "users/presence/_here.html", context)


def parse_presence_query(request, pk: int) -> tuple[int, bool]:
    """The version that the page shows, and whether it is a form. `editing`: a field is a form at
    this moment.
    """
    try:
        query_string.check_parameters(request.GET, "version", "form", "said", "editing")
        version = query_string.parse_id_parameter("version", request.GET.get("version", ""))
        if not version:
            raise BadParameter("version", "version takes a whole number greater than 0.")
        return version, bool(query_string.parse_id_parameter("form", request.GET.get("form", "")))
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back=f"/users/{pk}/") from error


def reload_path(request, pk: int) -> str:
    """The page that asks, to be loaded again; the account's first tab where the browser names
    another.
    """
    path = htmx_page_path(request)
    return path if path.startswith(f"/users/{pk}/") else f"/users/{pk}/"


def presence_digest(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
