"""All filters at once: a panel in the list, and a page of its own without JavaScript."""

from functools import partial

from django.contrib.auth.models import Group
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.caching import pages
from users.caching.generation import ROLES
from users.directory.filters import MISSING, PARAMETERS
from users.directory.filters import ROLES as STAFF
from users.directory.request import parse
from users.models import State
from users.web import partials

YES_NO = [("yes", "Yes"), ("no", "No")]


@require_safe
def filters(request):
    access.require(request.user, "view")
    return pages.page(request, panel, shows=(ROLES,))


def panel(request):
    wanted = parse(request)
    context = {
        "filter": wanted,
        "fields": partial(
            fields, wanted.values
        ),  # asked for only where the template has not kept them
        "roles": pages.generations_of(request).of(ROLES),
    }
    part = "#panel" if partials.is_partial(request) else ""
    return render(request, "users/directory/filters.html" + part, context)


def fields(values: dict[str, str]) -> list[dict]:
    """One for each filter, with what it may be chosen from, and its value in `values`."""
    choices = {
        "status": State.choices,
        "role": list(STAFF.items()),
        "group": [
            (name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)
        ],
        "missing": [
            (name, words.removeprefix("no ").capitalize()) for name, words in MISSING.items()
        ],
    } | dict.fromkeys(("verified", "mfa", "must_change", "never_seen"), YES_NO)
    return [
        {
            "name": name,
            "label": parameter.label,
            "choices": choices.get(name),
            "value": values.get(name, ""),
        }
        for name, parameter in PARAMETERS.items()
    ]
