"""The strip on an account's page: who else views it, and what they have just changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from users import access
from users.database.clock import current_time
from users.exceptions import BadParameter
from users.presence.heartbeat import OtherViewer, end_presence, record_heartbeat
from users.presence.recent_changes import RecentChange, find_recent_change
from users.typed_text import isolate_text
from users.web import query_string
from users.web.partials import background_view, htmx_page_path

NAMES_SHOWN = 5


@dataclass(frozen=True)
class ViewedPage:
    """The page that sends a heartbeat."""

    # The version of the account that it shows.
    version: int
    is_form: bool
    # "1" while a field of another page is a form, "0" in the first heartbeat after that.
    inline: str

    @property
    def editing(self) -> bool:
        return self.is_form or self.inline == "1"

    @property
    def stopped(self) -> bool:
        return not self.editing and self.inline == "0"


@background_view
@never_cache
@require_safe
def presence_strip(request, pk: int):
    """Answers the heartbeat of the page with the strip, or with 204 if it has not changed.

    The page sends the digest of the strip that it shows as `said`, and the header Presence-At when
    it is left.
    """
    access.require(request.user, "view")
    page = parse_presence_query(request, pk)
    now = current_time()
    found = record_heartbeat(
        request.user,
        pk,
        now=now,
        editing=page.editing,
        stopped=page.stopped,
    )
    if found is None:
        raise Http404
    version, others = found
    change = find_recent_change(pk, page.version, request.user) if version > page.version else None
    response = strip_response(request, pk, page, others, change)
    response["Presence-At"] = now.isoformat()
    return response


def strip_response(
    request, pk: int, page: ViewedPage, others: list[OtherViewer], change: RecentChange | None
) -> HttpResponse:
    """Returns the strip, or 204 if the page shows the same already."""
    digest = presence_digest(others, change and (change.who, change.description, change.digest_age))
    if digest == request.GET.get("said"):
        return HttpResponse(status=204)
    form = {"form": 1} if page.is_form else {}
    query = {"version": page.version} | form | {"said": digest}
    context = {
        "editing": name_list(others, editing=True),
        "viewing": name_list(others, editing=False),
        "change": change,
        "url": f"/users/{pk}/presence/?{urlencode(query)}",
        "back": "" if page.editing else reload_path(request, pk),
    }
    return render(request, "users/presence/_strip_content.html", context)


def name_list(others: list[OtherViewer], *, editing: bool) -> str:
    """Returns the names of those who edit, or do not, and the number beyond NAMES_SHOWN."""
    names = [other.name for other in others if other.editing == editing]
    shown = ", ".join(map(isolate_text, names[:NAMES_SHOWN]))
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


@background_view
@require_POST
def presence_end(request, pk: int):
    """Ends the presence when a page is left. `at`: the header of its last heartbeat."""
    access.require(request.user, "view")
    with query_string.refuse_bad_parameters(back=f"/users/{pk}/"):
        end_presence(request.user, pk, at=parse_heartbeat_time(request.POST.get("at", "")))
    return HttpResponse(status=204)


def parse_heartbeat_time(value: str) -> datetime:
    """Returns the time of a heartbeat. Raises BadParameter."""
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter("at", "This takes the time of a heartbeat.") from None


def parse_presence_query(request, pk: int) -> ViewedPage:
    """Returns the page that the query string describes. Raises BadRequest."""
    with query_string.refuse_bad_parameters(back=f"/users/{pk}/"):
        query_string.check_parameters(request.GET, "version", "form", "said", "editing")
        version = query_string.parse_id_parameter("version", request.GET.get("version", ""))
        if not version:
            raise BadParameter("version", "version takes a whole number greater than 0.")
        form = query_string.parse_id_parameter("form", request.GET.get("form", ""))
        return ViewedPage(version, bool(form), request.GET.get("editing", ""))


def reload_path(request, pk: int) -> str:
    """Returns the path of the page that sent the heartbeat.

    Returns the account's first tab if the header of the browser names a page elsewhere.
    """
    path = htmx_page_path(request)
    return path if path.startswith(f"/users/{pk}/") else f"/users/{pk}/"


def presence_digest(*parts: object) -> str:
    """Returns a short digest of the contents of the strip."""
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
