"""All filters at once: a panel in the list, and a page of its own without JavaScript."""

from functools import partial

from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.caching import pages
from users.caching.generation import ACCOUNTS, ROLES
from users.caching.pages import BuiltPage
from users.caching.replica import reads_replica
from users.directory.filter_form import filter_fields
from users.directory.request_filter import request_filter
from users.web import partials
from users.web.time_zone import zone_label


@require_safe
@reads_replica
def filter_panel(request):
    access.require(request.user, "view")
    return pages.cached_page(request, render_panel, generations=(ACCOUNTS, ROLES))


def render_panel(request) -> BuiltPage:
    wanted = request_filter(request)
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
