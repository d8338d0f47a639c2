"""What is selected, before anything is done with it."""

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access
from users.bulk.action import BY_NOUN
from users.directory.filter import BadFilter
from users.directory.request import bad_request
from users.directory.selection import CAP, Selection


@require_safe
def selection(request):
    """Here “all that match” gets an address that stays what it is: with the highest id as of now."""
    access.require(request.user, "view")
    try:
        selected = Selection.parse(request.GET)
    except BadFilter as error:
        raise bad_request(error) from error
    if selected.filter and "up_to" not in request.GET:
        return redirect(selected.url)
    count = selected.count()
    context = {
        "selection": selected,
        "count": count,
        "cap": CAP,
        "gone": len(selected.ids) - (count or 0),
        "examples": selected.examples(),
        "actions": [action for action in BY_NOUN.values() if access.may(request.user, action.action)],
    }
    return render(request, "users/directory/selection.html", context)
