"""The page of a selection, on which a bulk action is chosen."""

from typing import Any
from urllib.parse import urlencode

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.bulk.action import BulkAction
from users.bulk.registry import ordered_actions
from users.bulk.return_links import return_url
from users.bulk.selection import SELECTION_CAP, requested_selection
from users.directory.selection_bar import BAR_ACTIONS, BarAction, carried_ids
from users.exceptions import BadParameter
from users.web.query_string import refuse_bad_parameters


@require_safe
def selection_page(request):
    """Shows a selection. The URL of a filter is redirected to one with the highest id of now."""
    access.require(request.user, "view")
    if "to" in request.GET:
        return redirect(next_list_page(request))
    selection = requested_selection(request)
    if selection.filter and "up_to" not in request.GET:
        return redirect(selection.url)
    count = selection.count()
    actions = offered_actions(request.user)
    context = {
        "selection": selection,
        "back": return_url(request, selection),
        "count": count,
        "cap": SELECTION_CAP,
        "missing": len(selection.ids) - (count or 0),
        "examples": masking.mask_accounts(selection.examples(), request.user),
        "may_act": bool(actions),
        "offered": arrange_actions(actions),
    }
    return render(request, "users/bulk/selection.html", context)


def offered_actions(viewer: Any) -> list[BulkAction | BarAction]:
    """Returns the actions that the viewer may take: the bulk actions, and those of later rooms that
    have pages of their own, sorted by position.
    """
    bulk: list[BulkAction | BarAction] = [*ordered_actions()]
    own_pages = {action.url for action in bulk}
    others = [action for url, action in BAR_ACTIONS.items() if url not in own_pages]
    found = [one for one in (*bulk, *others) if access.may(viewer, one.action)]
    return sorted(found, key=lambda one: one.position)


def next_list_page(request) -> str:
    """Returns the page of the list that `to` names, with the ticks of the page before. For browsers
    without scripts. Raises BadRequest.
    """
    with refuse_bad_parameters(back="/users/"):
        page = request.GET["to"]
        if page != "/users/" and not page.startswith("/users/?"):
            raise BadParameter("to", "This takes a page of the directory.")
        ids = urlencode([("ids", value) for value in carried_ids(request.GET)])
    return page + ("&" if "?" in page else "?") * bool(ids) + ids


def arrange_actions(actions: list[BulkAction | BarAction]) -> dict[str, Any]:
    """Returns the actions as buttons, as menu sections by heading, and as the last section. An
    action of another room is a button.
    """
    buttons: list[BulkAction | BarAction] = []
    menu: dict[str, list[BulkAction]] = {}
    last_section: list[BulkAction] = []
    for action in actions:
        if isinstance(action, BarAction):
            buttons.append(action)
        elif action.in_last_section:
            last_section.append(action)
        elif action.menu:
            menu.setdefault(action.menu, []).append(action)
        else:
            buttons.append(action)
    return {
        "buttons": buttons,
        "menu": menu,
        "last_section": last_section,
    }
