"""The directory: a table of accounts."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from users import access, masking
from users.caching import pages
from users.caching.fragments import Piece, pieces
from users.caching.generation import ACCOUNTS, ROLES
from users.directory import keyset, preferences, saved_searches, status_expiry
from users.directory.columns import heads, layout
from users.directory.filter import BadFilter, Filter
from users.directory.filters import ROLES as ROLES_OF_STAFF
from users.directory.finder import Found, find, in_order
from users.directory.links import chips, jumps, sizes, steps
from users.directory.request import bad_request, parse
from users.directory.rows import rows
from users.models import State
from users.web import partials

# where the rows go: no text that anybody typed has it, and the template would not escape it
HOLE = "\x00"


@require_safe
def index(request):
    access.require(request.user, "view")
    if "view" in request.GET:
        return open_view(request)
    columns = preferences.columns(request.user)
    size = preferences.size(request.user)
    return pages.page(
        request,
        lambda request: table(request, columns, size),
        shows=(ACCOUNTS, ROLES),
        also=(columns, size),
    )


def table(request, columns: tuple[str, ...], size: int):
    """The same for everybody with these permissions, columns and page size: it is kept for all of
    them.
    """
    wanted = parse(request, size=size)
    # Read with the rows or before them: a turn that is passed meanwhile is not missed.
    turn = None if in_order(wanted) else status_expiry.next_turn(pages.generations_of(request))
    found = find_page(request, wanted)
    lines = rows(masking.accounts(found.page.accounts, request.user), columns, wanted.search.words)
    frame = framed(request, wanted, found, columns)
    around, *listed = (
        [frame.build(), *pieces(lines)] if pages.passes_by(request) else pieces([frame, *lines])
    )
    response = HttpResponse(around.replace(HOLE, "".join(listed), 1))
    if partials.is_partial(request):
        position = {
            name: request.GET[name] for name in ("after", "before") if request.GET.get(name)
        }
        response["HX-Push-Url"] = wanted.url(
            **position
        )  # the form sends empty fields too; the address has none
    return pages.until(response, found.turn or turn)


def framed(request, wanted: Filter, found: Found, columns: tuple[str, ...]) -> Piece:
    """Everything around the rows: after a change of one of the accounts, it is as it was."""
    part = "#results" if partials.is_partial(request) else ""
    shown = (
        part,
        pages.audience(request.user),
        timezone.now().year,
        wanted,
        columns,
        *shape(found),
    )

    def build() -> str:
        context = {
            "filter": wanted,
            "found": found,
            "page": found.page,
            "heads": heads(wanted, columns),
            "rows": HOLE,
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
        return render_to_string(f"users/directory/index.html{part}", context, request)

    return Piece(("frame", repr(shown)), build, dear=True)


def shape(found: Found) -> tuple:
    """Everything of what was found that the page around the rows shows."""
    page = found.page
    return len(page.accounts), page.next, page.previous, found.exact, found.capped, found.about


def open_view(request):
    try:
        return redirect(saved_searches.address(request.user, request.GET))
    except BadFilter as error:
        raise bad_request(error) from error


def find_page(request, wanted: Filter) -> Found:
    after = request.GET.get("after", "")
    before = request.GET.get("before", "")
    if after and before:
        raise bad_request(BadFilter("before", "Give either after or before, not both."))
    try:
        return find(wanted, after=after, before=before)
    except keyset.BadCursor as error:
        message = "This page link has expired. Start again from the first page."
        raise bad_request(BadFilter("after" if after else "before", message)) from error
