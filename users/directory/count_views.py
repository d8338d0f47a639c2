"""The number of matching accounts: HTMX loads it into the list; without JavaScript it is a page."""

from typing import Any

from django.db import OperationalError, router, transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from users import access
from users.caching.replica import reads_replica
from users.directory import counts
from users.directory.filter import Filter
from users.directory.request_filter import request_filter
from users.directory.search_uses import counts_searches
from users.directory.selection_bar import has_bar_actions
from users.models import User
from users.web.partials import background_view, is_partial


@background_view
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@counts_searches
@reads_replica
def account_count(request):
    """Shows the number that is available at once. POST requests the exact one from a worker."""
    access.require(request.user, "view")
    wanted = request_filter(request)
    if request.method == "POST":
        counts.request_count(wanted)
        if not is_partial(request):
            return redirect(wanted.url("/users/count/"))
    answer = counts.count_answer(wanted)
    quick = None if answer else count_quickly(wanted)
    context: dict[str, Any] = {
        "filter": wanted,
        "answer": answer,
        "count": quick,
    }
    context["has_bar"] = is_partial(request) and has_bar_actions(request.user)
    part = "#count" if is_partial(request) else ""
    return render(request, "users/directory/count.html" + part, context)


def count_quickly(wanted: Filter) -> counts.Count | None:
    """Returns the capped count, or None if even that takes longer than a page may."""
    try:
        with transaction.atomic(using=router.db_for_read(User)):
            return counts.count_up_to_cap(wanted)
    except OperationalError:
        return None
