"""How pages are answered: for the staff who look after the servers."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.caching import generation, statistics


@require_safe
def index(request) -> HttpResponse:
    access.require(request.user, "view_caching")
    context = {
        "cache": statistics.cache(),
        "generations": statistics.generations(generation.current()),
        "processes": statistics.processes(),
        "views": statistics.views(),
    }
    return render(request, "users/caching/index.html", context)


@require_safe
def status(request) -> HttpResponse:
    """A line for the rail where something is wrong, and nothing where nothing is."""
    access.require(request.user, "view_caching")
    return render(request, "users/caching/_status.html", {"cache": statistics.cache()})
