"""All filters at once: a panel in the list, and a page of its own without JavaScript."""

from django.contrib.auth.models import Group
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from users import access
from users.caching.pages import is_partial
from users.directory.parameters import MISSING, PARAMETERS, ROLES
from users.directory.request import parse
from users.models import State

YES_NO = [("yes", "Yes"), ("no", "No")]


@require_safe
@vary_on_headers("HX-Request")
def filters(request):
    access.require(request.user, "view")
    wanted = parse(request)
    choices = {
        "status": State.choices,
        "role": list(ROLES.items()),
        "group": [(name, name) for name in Group.objects.order_by("name").values_list("name", flat=True)],
        "missing": [(name, words.removeprefix("no ").capitalize()) for name, (_, words) in MISSING.items()],
    } | dict.fromkeys(("verified", "mfa", "must_change", "never_seen"), YES_NO)
    fields = [
        {"name": name, "label": parameter.label, "choices": choices.get(name), "value": wanted.values.get(name, "")}
        for name, parameter in PARAMETERS.items()
    ]
    part = "#panel" if is_partial(request) else ""
    return render(request, "users/directory/filters.html" + part, {"filter": wanted, "fields": fields})
