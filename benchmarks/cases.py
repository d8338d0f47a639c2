"""The pages that each peer is asked for. A peer without such a page has no path in the case."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.db import connection

from benchmarks.expected import (
    Expected,
    expect_account,
    expect_last_page,
    expect_list,
    expect_saved_form,
)
from benchmarks.filters import combined_cases, filter_cases
from benchmarks.search_terms import has_match, search_terms
from users.account.tabs import SUBPAGES, TABS
from users.directory.query import LAST_PAGE, account_cursor
from users.directory.sorts import SORTS
from users.models import User

PER_PAGE = 50
ADMIN_COLUMNS = {"username": "1", "email": "2", "name": "4.3", "joined": "6", "seen": "7"}
ADMIN_LIST = "/{site}/users/user/"
# Page 1 of the list, by the name of the peer, and what it shows.
LISTS = {
    "rollcall": "/users/",
    "admin": "/admin/users/user/",
    "tuned": "/tuned/users/user/",
    "bare": "/bare/",
}
LIST_EXPECTED = expect_list({}, {}, rows=True)


@dataclass(frozen=True)
class Case:
    """A page of each peer, whose path is in `paths` by the name of the peer.

    If a path contains {pk}, each request is for another account. `expected`: what an answer must
    show to count, by the name of the peer. `edits`: the paths are those of forms, which are saved
    with another first name.
    """

    name: str
    paths: dict[str, str]
    expected: dict[str, Expected] = field(default_factory=dict)
    edits: bool = False


def all_cases(accounts: int, *, busy: int | None = None) -> list[Case]:
    """Returns all cases in the order of the report.

    `accounts`: their approximate number. `busy`: the id of an account with a long history.
    """
    cases = [*list_cases(accounts), *sort_cases()]
    for label, query, lookups in filter_cases():
        cases.append(list_case(f"filter {label}", query, lookups))
    for label, query, lookups, sort in combined_cases():
        cases.append(list_case(label, query, lookups, sort))
    for label, term in search_terms().items():
        name = f"search, {label}: {term}"
        rows = has_match(label, term)
        cases.append(list_case(name, {"q": term}, {"q": term}, rows=rows))
    cases += [*account_cases(), *tab_cases()]
    if busy:
        cases += busy_account_cases(busy)
    return cases


def list_cases(accounts: int) -> list[Case]:
    # The tuned admin has no page beyond its estimate, so the last one may be one page too early.
    last = max(1, min(accounts, estimate_rows() or accounts) // PER_PAGE)
    middle = {"after": middle_cursor("-joined")}
    end = list_case("list, last page", {"before": LAST_PAGE}, {"p": str(last)}, rows=True)
    return [
        list_case("list, page 1", {}, {}, rows=True),
        list_case("list, middle page", middle, {"p": str(last // 2 + 1)}, rows=True),
        replace(end, expected=expect_last_page(end.expected)),
    ]


def estimate_rows() -> int:
    """Returns the planner's number of accounts, or 0 if the database has none."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'users_user'::regclass")
        return max(0, cursor.fetchone()[0])


def sort_cases() -> list[Case]:
    """Returns page 1 of every sort order for all peers, and a middle page for Rollcall.

    In the admin, a middle page costs the same in every order.
    """
    cases = [list_case(f"sort {sort}, page 1", {}, {}, sort, rows=True) for sort in SORTS]
    for sort in SORTS:
        middle = {"after": middle_cursor(sort)}
        cases.append(list_case(f"sort {sort}, middle page", middle, None, sort, rows=True))
    return cases


def list_case(
    name: str,
    query: dict[str, str],
    lookups: dict[str, str] | None,
    sort: str = "",
    *,
    rows: bool = False,
) -> Case:
    """Returns a case of the list: Rollcall's `query` and the equivalent `lookups` of the admin,
    which are None if it has no such filter. `rows`: whether there is at least one account.
    """
    if sort:
        query = query | {"sort": sort}
    paths = {"rollcall": build_url("/users/", query), "bare": "/bare/"}
    if sort and lookups is not None:
        lookups = lookups | {"o": admin_order(sort)}
    if lookups is not None:
        for site in ("admin", "tuned"):
            paths[site] = build_url(ADMIN_LIST.format(site=site), lookups)
    return Case(name, paths, expect_list(query, lookups or {}, rows=rows))


def build_url(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def admin_order(sort: str) -> str:
    """Returns the admin's parameter for a sort order, such as "-4.-3" for the name descending."""
    sign = "-" if sort.startswith("-") else ""
    columns = ADMIN_COLUMNS[sort.removeprefix("-")].split(".")
    return ".".join(f"{sign}{column}" for column in columns)


def middle_cursor(sort: str) -> str:
    """Returns a cursor near the middle of the order: the median of 101 accounts."""
    column = SORTS[sort]
    accounts = sample_accounts(101)
    accounts.sort(key=lambda account: (column.read_key(account), account.pk))
    return account_cursor(sort, accounts[50])


def sample_accounts(number: int) -> list[User]:
    """Returns accounts with ids spread evenly over the whole range."""
    pks = User.objects.values_list("pk", flat=True)
    first = pks.order_by("pk")[0]
    last = pks.order_by("-pk")[0]
    ids = [first + (last - first) * step // (number + 1) for step in range(1, number + 1)]
    return list(User.objects.filter(pk__in=ids))


def account_cases() -> list[Case]:
    account = ordinary_accounts(sample_accounts(40))[0]
    show = {"rollcall": f"/users/{account.pk}/", "bare": "/bare/"}
    edit = {"rollcall": "/users/{pk}/edit/"}
    for site in ("admin", "tuned"):
        path = ADMIN_LIST.format(site=site)
        show[site] = f"{path}{account.pk}/change/"
        edit[site] = path + "{pk}/change/"
    shown = {site: each.for_account(account.pk) for site, each in expect_account().items()}
    return [
        Case("account page", show, shown),
        Case("edit (POST)", edit, expect_saved_form(), edits=True),
    ]


def tab_cases() -> list[Case]:
    """Returns each tab of the account page, asked for one account after the other."""
    cases = []
    for tab in (*TABS, *SUBPAGES):
        paths = {"rollcall": f"/users/{{pk}}/{tab.path}"} | peer_tab_paths(tab.path)
        cases.append(Case(f"accounts in turn: {tab.label}", paths, expect_account(tab.path)))
    return cases


def peer_tab_paths(path: str) -> dict[str, str]:
    """Returns the paths of the admin's page that corresponds to a tab, if it has one."""
    pages = {"": "change/", "activity/": "history/"}
    if path not in pages:
        return {}
    paths = {}
    for site in ("admin", "tuned"):
        paths[site] = ADMIN_LIST.format(site=site) + "{pk}/" + pages[path]
    if path == "":
        paths["bare"] = "/bare/"
    return paths


def busy_account_cases(pk: int) -> list[Case]:
    paths = {tab.label: tab.path for tab in (*TABS, *SUBPAGES)}
    paths |= {
        "before it is suspended": "suspension/",
        "before it is deleted": "deletion/",
        "before it is erased": "erasure/",
    }
    shown = {"rollcall": expect_account()["rollcall"].for_account(pk)}
    return [
        Case(f"account with a long past: {label}", {"rollcall": f"/users/{pk}/{path}"}, shown)
        for label, path in paths.items()
    ]


def ordinary_accounts(accounts: list[User]) -> list[User]:
    return [each for each in accounts if each.status == "active" and not each.is_staff]


def accounts_to_edit(number: int) -> list[int]:
    """Returns ids of accounts to edit, one for each client, so that no two edit the same one."""
    accounts = ordinary_accounts(sample_accounts(8 * number))
    return [account.pk for account in accounts[:number]]
