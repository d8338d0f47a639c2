"""The directory: a table of accounts."""

from itertools import chain

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from users import access, masking
from users.caching import pages
from users.caching.fragments import Fragment, render_fragments
from users.caching.generation import ACCOUNTS, ROLES
from users.caching.pages import BuiltPage
from users.caching.replica import reads_replica
from users.database.clock import current_time
from users.directory import preferences, query, saved_searches, status_expiry
from users.directory.column_headings import table_class, table_headings
from users.directory.days import relative_days_end
from users.directory.filter import POSITION_PARAMETERS, BadFilter, Filter
from users.directory.filter_form import filter_errors
from users.directory.filters import ACCESS_LEVELS
from users.directory.former_matches import matches_beside
from users.directory.jump_years import jump_years
from users.directory.links import filter_chips, jump_links, page_buttons, page_links, size_links
from users.directory.query import FoundPage
from users.directory.request_filter import list_owner, read_request_filter
from users.directory.rows import account_rows
from users.directory.search_uses import counts_searches
from users.directory.selection_bar import (
    TICKED,
    carried_context,
    carried_ids,
    has_bar_actions,
    tick_rows,
    viewer_bar_actions,
)
from users.exceptions import BadRequest
from users.models import State, User
from users.web import partials
from users.web.query_string import drops_empty_parameters, refuse_bad_parameters

# The place of the rows: no typed text has this character, and the template does not escape it.
ROWS_PLACEHOLDER = "\x00"


@require_safe
@drops_empty_parameters
@counts_searches
@reads_replica
def index(request):
    access.require(request.user, "view")
    if "view" in request.GET:
        return open_saved_search(request)
    columns = preferences.preferred_columns(request.user)
    size = preferences.preferred_size(request.user)
    return pages.cached_page(
        request,
        lambda request: render_table(request, columns, size),
        generations=(ACCOUNTS, ROLES),
        audience=(columns, size, list_owner(request)),
    )


def render_table(request, columns: tuple[str, ...], size: int) -> BuiltPage:
    """Returns the table; it is cached for everyone with these permissions, columns and size, but
    not with a filter whose matches raise no generation, such as a pasted list.
    """
    wanted, errors = read_request_filter(request, size=size)
    if errors or TICKED in request.GET:
        return BuiltPage(render_marked_table(request, wanted, errors, columns))
    # Read before the rows or with them, so that no status change in between is missed.
    expires_at = None
    midnight = relative_days_end(wanted.values)
    if not wanted.has_index_order:
        expires_at = status_expiry.next_status_change(pages.request_generations(request))
    found = page_for_request(request, wanted)
    accounts = masking.mask_accounts(found.page.accounts, request.user)
    rows = filter_rows(request, wanted, accounts, columns)
    shell = table_shell(request, wanted, found, columns)
    response = HttpResponse(render_shell(request, shell, rows))
    if partials.is_partial(request):
        # The form sends empty fields too; the URL has none.
        response["HX-Push-Url"] = wanted.url(**request_position(request))
    if not wanted.is_cacheable:
        expires_at = current_time()
    ends = [found.expires_at or expires_at, midnight]
    return BuiltPage(response, min(filter(None, ends), default=None))


def render_marked_table(
    request, wanted: Filter, errors: list[BadFilter], columns: tuple[str, ...]
) -> HttpResponse:
    """Returns the table by the filters that can be read, for this request alone: the others are
    marked in their fields, and the rows that the URL names are ticked.
    """
    with refuse_bad_parameters(back="/users/"):
        ticked = carried_ids(request.GET)
    found = page_for_request(request, wanted)
    accounts = masking.mask_accounts(found.page.accounts, request.user)
    rows = filter_rows(request, wanted, accounts, columns)
    lines = tick_rows("".join(render_fragments(rows)), ticked)
    context = shell_context(request, wanted, found, columns)
    context |= carried_context(ticked, found.page.accounts)
    if errors:
        context |= filter_errors(request, errors)
    part = "#results" if partials.is_partial(request) else ""
    html = render_to_string(f"users/directory/index.html{part}", context, request)
    page = html.replace(ROWS_PLACEHOLDER, lines, 1)
    return HttpResponse(page, status=422 if errors else 200)


def render_shell(request, shell: Fragment, rows: list[Fragment]) -> str:
    """Returns the HTML of the shell with the rows in their place. A page that bypasses the cache
    has a shell of its own.
    """
    if pages.bypasses_cache(request):
        html, *lines = [shell.build(), *render_fragments(rows)]
    else:
        html, *lines = render_fragments([shell, *rows])
    return html.replace(ROWS_PLACEHOLDER, "".join(lines), 1)


def filter_rows(
    request, wanted: Filter, accounts: list[User], columns: tuple[str, ...]
) -> list[Fragment]:
    """Returns the rows as this viewer may use them and as the filter marks and orders them."""
    return account_rows(
        accounts,
        columns,
        wanted.search.words,
        tickable=has_bar_actions(request.user),
        last_first=wanted.sort.removeprefix("-") == "name",
    )


def request_position(request) -> dict[str, str]:
    """Returns the cursor of the request, by its parameter."""
    names = [name for name in POSITION_PARAMETERS if request.GET.get(name)]
    return {name: request.GET[name] for name in names}


def table_shell(request, wanted: Filter, found: FoundPage, columns: tuple[str, ...]) -> Fragment:
    """Returns everything around the rows; it outlives a change of one of the accounts."""
    part = "#results" if partials.is_partial(request) else ""
    former = matches_beside(wanted, found, masked=masking.hides_personal_data(request.user))
    key_parts = (
        part,
        former,
        pages.audience_digest(request.user),
        jump_years(wanted.sort),
        wanted,
        columns,
        *page_shape(found),
    )

    def build() -> str:
        context = shell_context(request, wanted, found, columns) | {"former": former}
        return render_to_string(f"users/directory/index.html{part}", context, request)

    return Fragment(("shell", repr(key_parts)), build, expensive=True)


def shell_context(request, wanted: Filter, found: FoundPage, columns: tuple[str, ...]) -> dict:
    actions = viewer_bar_actions(request.user)
    steps = page_links(wanted, found.page)
    bar_key = [action.url for action in chain(*actions.values())]
    return {
        "filter": wanted,
        "found": found,
        "page": found.page,
        "headings": table_headings(wanted, columns, tickable=bool(actions)),
        "bar": actions,
        "bar_key": bar_key,
        "rows": ROWS_PLACEHOLDER,
        "layout": table_class(columns),
        "select_url": wanted.url("/users/selection/", all="1"),
        "save_url": save_view_url(wanted),
        "chips": filter_chips(wanted),
        "page_links": steps,
        "page_buttons": page_buttons(steps),
        "sizes": size_links(wanted),
        "jumps": jump_links(wanted, jump_years(wanted.sort)),
        "states": State.choices,
        "roles": ACCESS_LEVELS.items(),
        "partial": partials.is_partial(request),
        "may_invite": access.may(request.user, "invite"),
    }


def save_view_url(wanted: Filter) -> str:
    """Returns the page that saves the filter as a view; "" if there is nothing to save."""
    savable = wanted.query and not wanted.is_personal
    return wanted.url("/users/views/new/") if savable else ""


def page_shape(found: FoundPage) -> tuple:
    """Returns everything of the found page that is shown around the rows."""
    page = found.page
    return len(page.accounts), page.next, page.previous, found.exact, found.capped, found.estimate


def open_saved_search(request):
    with refuse_bad_parameters(back="/users/"):
        return redirect(saved_searches.saved_search_url(request.user, request.GET))


def page_for_request(request, wanted: Filter) -> FoundPage:
    """Returns the page at the cursor of the request. Raises BadRequest."""
    after = request.GET.get("after", "")
    before = request.GET.get("before", "")
    if after and before:
        message = "Give either after or before, not both."
        raise BadRequest("before", message, back="/users/")
    try:
        return query.find(wanted, after=after, before=before)
    except query.BadCursor as error:
        message = "This page link has expired. Start again from the first page."
        raise BadRequest("after" if after else "before", message, back="/users/") from error
