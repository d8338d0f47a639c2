"""The parts of a page that differ for each viewer, and so are not in the cached page."""

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from users import access
from users.caching import replica, statistics
from users.directory import saved_searches
from users.directory.models import SavedView, ViewPage
from users.directory.saved_view_pages import SAVED_VIEW_PAGES
from users.exceptions import BadParameter
from users.jobs import queries
from users.sudo.recent import SUDO_ACTIONS, sudo_until
from users.web import query_string
from users.web.partials import background_view

# Saved views above a list; the page of views shows all.
LINKS_SHOWN = 12


@background_view
@never_cache
@require_safe
def page_parts(request):
    """Renders the running jobs, the lag of the replica and the state of the cache for the
    navigation of any page, and with `views` the saved views of a page: "directory" or "audit".
    """
    with query_string.refuse_bad_parameters(back="/me/"):
        query_string.check_parameters(request.GET, "views")
    context: dict[str, object] = {"lag": replica.shown_lag(request.user)}
    if access.may(request.user, "view_jobs"):
        context |= {"shows_jobs": True, "running": queries.count_running()}
    if access.may(request.user, "view_status"):
        context |= {"shows_cache": True, "cache": statistics.cache_status()}
    if access.permitted_actions(request.user, SUDO_ACTIONS):
        context["sudo_until"] = sudo_until(request)
    if "views" in request.GET and access.may(request.user, "view"):
        context |= {"shows_views": True, "views": saved_view_links(request)}
    return render(request, "users/me/parts.html", context)


def saved_view_links(request) -> list[tuple[SavedView, str]]:
    """Returns the first saved views of the page that the request names, each with its query."""
    name = request.GET["views"]
    with query_string.refuse_bad_parameters(back="/me/"):
        if name not in ViewPage.values:
            raise BadParameter("views", "There is no such page.")
    page = ViewPage(name)
    if not access.may(request.user, SAVED_VIEW_PAGES[page].action):
        return []
    views = saved_searches.visible_searches(request.user, page)[:LINKS_SHOWN]
    return [(view, saved_searches.shown_filter_query(view, request.user)) for view in views]
