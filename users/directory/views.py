"""The directory: a table of accounts."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from users import access, masking
from users.caching import pages
from users.caching.fragments import Fragment, render_fragments
from users.caching.generation import ACCOUNTS, ROLES
from users.caching.pages import BuiltPage
from users.directory import keyset, preferences, saved_searches, status_expiry
from users.directory.column_headings import table_class, table_headings
from users.directory.filter import BadFilter, Filter
from users.directory.filters import ACCESS_LEVELS as ROLES_OF_STAFF
from users.directory.links import filter_chips, jump_links, page_links, size_links
from users.directory.page_finder import FoundPage, find_directory_page, has_index_order
from users.directory.request_filter import as_bad_request, request_filter
from users.directory.rows import account_rows
from users.models import State
from users.web import partials

# where the rows go: no text that anybody typed has it, and the template would not escape it
ROWS_PLACEHOLDER = "\x00"


@require_safe
def index(request):
    access.require(request.user, "view")
    if "view" in request.GET:
        return open_saved_search(request)
    columns = preferences.preferred_columns(request.user)
    size = preferences.preferred_size(request.user)
    return pages.cached_page(
        request,
        lambda request: render_table(request, columns, size),
        shows=(ACCOUNTS, ROLES),
        also=(columns, size),
    )


def render_table(request, columns: tuple[str, ...], size: int) -> BuiltPage:
    """The same for everybody with these permissions, columns and page size: it is kept for all of
    them.
    """
    wanted = request_filter(request, size=size)
    # Read with the rows or before them: a turn that is passed meanwhile is not missed.
    turn = (
        None
        if has_index_order(wanted)
        else status_expiry.next_status_change(pages.request_generations(request))
    )
    found = page_for_request(request, wanted)
    lines = account_rows(
        masking.mask_accounts(found.page.accounts, request.user), columns, wanted.search.words
    )
    frame = table_shell(request, wanted, found, columns)
    around, *listed = (
        [frame.build(), *render_fragments(lines)]
        if pages.bypasses_cache(request)
        else render_fragments([frame, *lines])
    )
    response = HttpResponse(around.replace(ROWS_PLACEHOLDER, "".join(listed), 1))
    if partials.is_partial(request):
        position = {
            name: request.GET[name] for name in ("after", "before") if request.GET.get(name)
        }
        response["HX-Push-Url"] = wanted.url(
            **position
        )  # the form sends empty fields too; the address has none
    return BuiltPage(response, found.turn or turn)


def table_shell(request, wanted: Filter, found: FoundPage, columns: tuple[str, ...]) -> Fragment:
    """Everything around the rows: after a change of one of the accounts, it is as it was."""
    part = "#results" if partials.is_partial(request) else ""
    shown = (
        part,
        pages.audience_digest(request.user),
        timezone.now().year,
        wanted,
        columns,
        *page_shape(found),
    )

    def build() -> str:
        context = {
            "filter": wanted,
            "found": found,
            "page": found.page,
            "heads": table_headings(wanted, columns),
            "rows": ROWS_PLACEHOLDER,
            "layout": table_class(columns),
            "select_url": wanted.url("/users/selection/", all="1"),
            "save_url": wanted.url("/users/views/new/") if wanted.query else "",
            "chips": filter_chips(wanted),
            "steps": page_links(wanted, found.page),
            "sizes": size_links(wanted),
            "jumps": jump_links(wanted),
            "states": State.choices,
            "roles": ROLES_OF_STAFF.items(),
            "may_invite": access.may(request.user, "invite"),
        }
        return render_to_string(f"users/directory/index.html{part}", context, request)

    return Fragment(("frame", repr(shown)), build, dear=True)


def page_shape(found: FoundPage) -> tuple:
    """Everything of what was found that the page around the rows shows."""
    page = found.page
    return len(page.accounts), page.next, page.previous, found.exact, found.capped, found.about


def open_saved_search(request):
    try:
        return redirect(saved_searches.saved_search_url(request.user, request.GET))
    except BadFilter as error:
        raise as_bad_request(error) from error


def page_for_request(request, wanted: Filter) -> FoundPage:
    after = request.GET.get("after", "")
    before = request.GET.get("before", "")
    if after and before:
        raise as_bad_request(BadFilter("before", "Give either after or before, not both."))
    try:
        return find_directory_page(wanted, after=after, before=before)
    except keyset.BadCursor as error:
        message = "This page link has expired. Start again from the first page."
        raise as_bad_request(BadFilter("after" if after else "before", message)) from error
