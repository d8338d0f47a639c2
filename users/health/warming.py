"""Fills the page cache after a deploy: a new release finds no page of the one before it.

Pages are shared by viewers with the same permissions, columns and page size, so each page is built
for one viewer of each such audience.
"""

from collections.abc import Iterable

from django.core.cache import caches
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone

from users import access
from users.account_state import State, in_state
from users.caching.backend import PageCache
from users.caching.pages import audience_digest
from users.directory import preferences
from users.models import User
from users.web.time_zone import activate_zone

# The first pages of the directory's common lists.
WARM_PATHS = (
    "/users/",
    "/users/?status=active",
    "/users/?status=invited",
    "/users/?status=suspended",
    "/users/?status=deleted",
)
MAX_AUDIENCES = 12
# Staff that are looked at, those seen last.
MAX_VIEWERS = 200


def is_shared_cache() -> bool:
    """Returns whether other processes find what this one stores."""
    return isinstance(caches["pages"], PageCache)


def typical_viewers() -> list[User]:
    """Returns one of the staff seen last for each audience of the directory."""
    staff = User.objects.filter(in_state(State.ACTIVE), is_staff=True, last_seen_at__isnull=False)
    viewers: dict[str, User] = {}
    for viewer in staff.order_by("-last_seen_at")[:MAX_VIEWERS]:
        if access.may(viewer, "view") and len(viewers) < MAX_AUDIENCES:
            activate_zone(viewer)
            columns = preferences.preferred_columns(viewer)
            size = preferences.preferred_size(viewer)
            viewers.setdefault(audience_digest(viewer, columns, size), viewer)
    timezone.deactivate()
    return list(viewers.values())


def warm_pages(viewers: Iterable[User]) -> int:
    """Builds WARM_PATHS for each viewer, unless they are cached. Returns the number of pages."""
    number = 0
    for viewer in viewers:
        activate_zone(viewer)
        for path in WARM_PATHS:
            response = request_page(path, viewer)
            number += response.status_code == 200
    timezone.deactivate()
    return number


def request_page(path: str, viewer: User) -> HttpResponse:
    """Returns the page as browsers request it, without a session, which is not touched."""
    request = RequestFactory().get(path, headers={"Accept-Encoding": "gzip, br"})
    request.user = viewer
    request.htmx = False  # type: ignore[attr-defined]
    match = resolve(request.path)
    request.resolver_match = match
    return match.func(request, *match.args, **match.kwargs)
