"""The caching page, for staff who operate the servers."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.caching import generation, statistics


@require_safe
def index(request) -> HttpResponse:
    access.require(request.user, "view_caching")
    context = {
        "cache": statistics.cache_status(),
        "generations": statistics.last_changes(generation.current_generations()),
        "processes": statistics.live_processes(),
        "views": statistics.view_statistics(),
    }
    return render(request, "users/caching/index.html", context)
