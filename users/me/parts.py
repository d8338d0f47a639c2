"""The parts of a page that are each viewer's own, and so not in the page that a cache keeps."""

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from users import access
from users.caching import statistics
from users.directory import saved_searches
from users.exceptions import BadParameter, BadRequest
from users.jobs import queries
from users.web import query_string

LINKS_SHOWN = 12  # saved views above the list; the page of views shows all


@never_cache
@require_safe
def page_parts(request):
    """Shows the running jobs and the state of the cache, for the navigation of any page.

    With `views` it shows the saved views too, which the directory has.
    """
    try:
        query_string.check_parameters(request.GET, "views")
    except BadParameter as error:
        raise BadRequest(error.parameter, error.message, back="/me/") from error
    context: dict[str, object] = {}
    if access.may(request.user, "view_jobs"):
        context |= {"shows_jobs": True, "running": queries.count_running()}
    if access.may(request.user, "view_caching"):
        context |= {"shows_cache": True, "cache": statistics.cache_status()}
    if "views" in request.GET and access.may(request.user, "view"):
        found = saved_searches.visible_searches(request.user)
        context |= {"shows_views": True, "views": found[:LINKS_SHOWN]}
    return render(request, "users/me/parts.html", context)
