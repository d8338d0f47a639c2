"""All filters at once: a panel in the list, and a page of its own without JavaScript."""

from functools import partial

from django.contrib.auth.models import Group
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.caching import pages
from users.caching.generation import ROLES
from users.caching.pages import BuiltPage
from users.directory.filters import ACCESS_LEVELS as STAFF
from users.directory.filters import FILTERS, MISSING_CHOICES
from users.directory.request_filter import request_filter
from users.models import State
from users.web import partials

YES_NO = [("yes", "Yes"), ("no", "No")]


@require_safe
def filter_panel(request):
    access.require(request.user, "view")
    return pages.cached_page(request, render_panel, shows=(ROLES,))


def render_panel(request) -> BuiltPage:
    wanted = request_filter(request)
    context = {
        "filter": wanted,
        "fields": partial(
            filter_fields, wanted.values
        ),  # asked for only where the template has not kept them
        "roles": pages.request_generations(request).of(ROLES),
    }
    part = "#panel" if partials.is_partial(request) else ""
    return BuiltPage(render(request, "users/directory/filters.html" + part, context))


def filter_fields(values: dict[str, str]) -> list[dict]:
    """One for each filter, with what it may be chosen from, and its value in `values`."""
    choices = {
        "status": State.choices,
        "role": list(STAFF.items()),
        "group": [
            (name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)
        ],
        "missing": [
            (name, words.removeprefix("no ").capitalize())
            for name, words in MISSING_CHOICES.items()
        ],
    } | dict.fromkeys(("verified", "mfa", "must_change", "never_seen"), YES_NO)
    return [
        {
            "name": name,
            "label": parameter.label,
            "choices": choices.get(name),
            "value": values.get(name, ""),
        }
        for name, parameter in FILTERS.items()
    ]
