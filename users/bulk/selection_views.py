"""The page of a selection, on which a bulk action is chosen."""

from typing import Any

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.bulk.action import BulkAction
from users.bulk.registry import ordered_actions
from users.bulk.selection import SELECTION_CAP, requested_selection


@require_safe
def selection_page(request):
    """Shows a selection. The URL of a filter is redirected to one with the highest id of now."""
    access.require(request.user, "view")
    selection = requested_selection(request)
    if selection.filter and "up_to" not in request.GET:
        return redirect(selection.url)
    count = selection.count()
    actions = [action for action in ordered_actions() if access.may(request.user, action.action)]
    context = {
        "selection": selection,
        "count": count,
        "cap": SELECTION_CAP,
        "missing": len(selection.ids) - (count or 0),
        "examples": masking.mask_accounts(selection.examples(), request.user),
        "offered": arrange_actions(actions),
    }
    return render(request, "users/bulk/selection.html", context)


def arrange_actions(actions: list[BulkAction]) -> dict[str, Any]:
    """Returns the actions as buttons, as menu sections by heading, and as the last section."""
    buttons: list[BulkAction] = []
    menu: dict[str, list[BulkAction]] = {}
    last_section: list[BulkAction] = []
    for action in actions:
        if action.in_last_section:
            last_section.append(action)
        elif action.menu:
            menu.setdefault(action.menu, []).append(action)
        else:
            buttons.append(action)
    return {"buttons": buttons, "menu": menu, "last_section": last_section}
