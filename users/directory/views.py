"""The directory: a table of accounts."""

from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from users import access
from users.account import masking
from users.caching import pages
from users.caching.generation import ACCOUNTS, ROLES
from users.directory import keyset, preferences, saved, turns
from users.directory.columns import heads, layout
from users.directory.filter import BadFilter, Filter
from users.directory.finder import Found, find, in_order
from users.directory.links import chips, jumps, sizes, steps
from users.directory.parameters import ROLES as ROLES_OF_STAFF
from users.directory.request import bad_request, parse
from users.directory.rows import rows
from users.models import State


@require_safe
def index(request):
    access.require(request.user, "view")
    if "view" in request.GET:
        return open_view(request)
    columns, size = preferences.columns(request.user), preferences.size(request.user)
    return pages.page(request, lambda request: table(request, columns, size), shows=(ACCOUNTS, ROLES), also=(columns, size))


def table(request, columns: tuple[str, ...], size: int):
    """The same for everybody with these permissions, columns and page size: it is kept for all of them."""
    wanted = parse(request, size=size)
    # Read with the rows or before them: a turn that is passed meanwhile is not missed.
    turn = None if in_order(wanted) else turns.next_turn(pages.generations_of(request))
    found = find_page(request, wanted)
    accounts = masking.accounts(found.page.accounts, request.user)
    context = {
        "filter": wanted,
        "found": found,
        "page": found.page,
        "heads": heads(wanted, columns),
        "rows": mark_safe("".join(rows(accounts, columns, wanted.search.words))),  # noqa: S308  rows are
        "layout": layout(columns),
        "select_url": wanted.url("/users/selection/", all="1"),
        "save_url": wanted.url("/users/views/new/") if wanted.query else "",
        "chips": chips(wanted),
        "steps": steps(wanted, found.page),
        "sizes": sizes(wanted),
        "jumps": jumps(wanted),
        "states": State.choices,
        "roles": ROLES_OF_STAFF.items(),
        "may_invite": access.may(request.user, "invite"),
    }
    part = "#results" if pages.is_partial(request) else ""
    response = render(request, "users/directory/index.html" + part, context)
    if part:
        position = {name: request.GET[name] for name in ("after", "before") if request.GET.get(name)}
        response["HX-Push-Url"] = wanted.url(**position)  # the form sends empty fields too; the address has none
    return pages.until(response, found.turn or turn)


def open_view(request):
    try:
        return redirect(saved.address(request.user, request.GET))
    except BadFilter as error:
        raise bad_request(error) from error


def find_page(request, wanted: Filter) -> Found:
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    if after and before:
        raise bad_request(BadFilter("before", "Give either after or before, not both."))
    try:
        return find(wanted, after=after, before=before)
    except keyset.BadCursor as error:
        message = "This position in the list is not valid, or belongs to another order."
        raise bad_request(BadFilter("after" if after else "before", message)) from error
