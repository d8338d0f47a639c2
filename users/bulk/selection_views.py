"""The page of a selection, before an action is chosen."""

from typing import Any

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.bulk.action import BulkAction
from users.bulk.registry import ordered_actions
from users.bulk.selection import SELECTION_CAP, Selection
from users.web.query_string import refuse_bad_parameters


@require_safe
def selection_page(request):
    """Shows a selection; for a filter, the URL gets the highest id of now."""
    access.require(request.user, "view")
    with refuse_bad_parameters(back="/users/"):
        selected = Selection.parse(request.GET, masked=masking.hides_personal_data(request.user))
    if selected.filter and "up_to" not in request.GET:
        return redirect(selected.url)
    count = selected.count()
    context = {
        "selection": selected,
        "count": count,
        "cap": SELECTION_CAP,
        "gone": len(selected.ids) - (count or 0),
        "examples": masking.mask_accounts(selected.examples(), request.user),
        "offered": arrange_actions(
            [action for action in ordered_actions() if access.may(request.user, action.action)]
        ),
    }
    return render(request, "users/bulk/selection.html", context)


def arrange_actions(actions: list[BulkAction]) -> dict[str, Any]:
    menu: dict[str, list[BulkAction]] = {}
    for action in actions:
        if action.menu:
            menu.setdefault(action.menu, []).append(action)
    buttons = [action for action in actions if not action.menu and not action.apart]
    return {
        "buttons": buttons,
        "menu": menu,
        "dangerous": [action for action in actions if action.apart],
    }
