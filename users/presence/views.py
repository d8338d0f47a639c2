"""The strip on an account's page: who else views it, and what they have just changed."""

from hashlib import blake2b
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from users import access
from users.exceptions import BadParameter
from users.presence.heartbeat import record_heartbeat
from users.presence.recent_changes import find_recent_change
from users.web import query_string
from users.web.partials import background_view, htmx_page_path

NAMES_SHOWN = 5


@background_view
@never_cache
@require_safe
def presence_strip(request, pk: int):
    """Answers the heartbeat of the page with the strip, or with 204 if it has not changed.

    The page sends the digest of the strip that it shows as `said`.
    """
    access.require(request.user, "view")
    shown, on_form = parse_presence_query(request, pk)
    editing = on_form or "editing" in request.GET
    found = record_heartbeat(request.user, pk, editing=editing)
    if found is None:
        raise Http404
    version, others = found
    change = find_recent_change(pk, shown, request.user) if version > shown else None
    digest = presence_digest(others, change and (change.who, change.description, change.digest_age))
    if digest == request.GET.get("said"):
        return HttpResponse(status=204)
    form = {"form": 1} if on_form else {}
    query = {"version": shown} | form | {"said": digest}
    context = {
        "others": others[:NAMES_SHOWN],
        "more": len(others[NAMES_SHOWN:]),
        "change": change,
        "url": f"/users/{pk}/presence/?{urlencode(query)}",
        "back": "" if editing else reload_path(request, pk),
    }
    return render(request, "users/presence/_strip_content.html", context)


def parse_presence_query(request, pk: int) -> tuple[int, bool]:
    """Returns the version that the page shows, and whether the page is a form. Raises BadRequest.

    The parameter `editing` is present while a field of another page is a form.
    """
    with query_string.refuse_bad_parameters(back=f"/users/{pk}/"):
        query_string.check_parameters(request.GET, "version", "form", "said", "editing")
        version = query_string.parse_id_parameter("version", request.GET.get("version", ""))
        if not version:
            raise BadParameter("version", "version takes a whole number greater than 0.")
        form = query_string.parse_id_parameter("form", request.GET.get("form", ""))
        return version, bool(form)


def reload_path(request, pk: int) -> str:
    """Returns the path of the page that sent the heartbeat.

    Returns the account's first tab if the header of the browser names a page elsewhere.
    """
    path = htmx_page_path(request)
    return path if path.startswith(f"/users/{pk}/") else f"/users/{pk}/"


def presence_digest(*parts: object) -> str:
    """Returns a short digest of the contents of the strip."""
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
