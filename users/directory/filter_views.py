"""All filters at once: a panel in the list, and a page of its own without JavaScript."""

from functools import partial

from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.caching import pages
from users.caching.generation import ACCOUNTS, ROLES
from users.caching.pages import BuiltPage
from users.caching.replica import reads_replica
from users.directory import preferences
from users.directory.filter_form import filter_fields
from users.directory.request_filter import list_owner, request_filter
from users.web import partials
from users.web.time_zone import zone_label


@require_safe
@reads_replica
def filter_panel(request):
    access.require(request.user, "view")
    size = preferences.preferred_size(request.user)
    return pages.cached_page(
        request,
        lambda request: render_panel(request, size),
        generations=(ACCOUNTS, ROLES),
        audience=(size, list_owner(request)),
    )


def render_panel(request, size: int) -> BuiltPage:
    """Returns the panel; it is cached for everyone with these permissions and this page size."""
    wanted = request_filter(request, size=size)
    in_list = partials.is_partial(request)
    context = {
        "filter": wanted,
        # Called only where the template has not cached them.
        "fields": partial(filter_fields, wanted.values, in_list=in_list),
        "generations": pages.request_generations(request).of(ACCOUNTS, ROLES),
        "in_list": in_list,
        "zone": zone_label(),
    }
    part = "#panel" if in_list else ""
    return BuiltPage(render(request, "users/directory/filters.html" + part, context))
