"""The pages that each peer is asked for. A peer without such a page has no path in the case."""

from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.filters import combined_cases, filter_cases
from benchmarks.search_terms import search_terms
from users.account.tabs import SUBPAGES, TABS
from users.directory.query import LAST_PAGE, account_cursor
from users.directory.sorts import SORTS
from users.models import User

PER_PAGE = 50
ADMIN_COLUMNS = {"username": "1", "email": "2", "name": "4.3", "joined": "6", "seen": "7"}
ADMIN_LIST = "/{site}/users/user/"
# Page 1 of the list, by the name of the peer.
LISTS = {
    "rollcall": "/users/",
    "admin": "/admin/users/user/",
    "tuned": "/tuned/users/user/",
    "bare": "/bare/",
}


@dataclass(frozen=True)
class Case:
    """A page of each peer, whose path is in `paths` by the name of the peer.

    If a path contains {pk}, each request is for another account. `edits`: the paths are those of
    forms, which are saved with another first name.
    """

    name: str
    paths: dict[str, str]
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
        cases.append(list_case(f"search, {label}: {term}", {"q": term}, {"q": term}))
    cases += [*account_cases(), *tab_cases()]
    if busy:
        cases += busy_account_cases(busy)
    return cases


def list_cases(accounts: int) -> list[Case]:
    # The tuned admin estimates the number of pages, so its last page may be one page too far.
    last = max(1, accounts // PER_PAGE)
    middle = {"after": middle_cursor("-joined")}
    return [
        list_case("list, page 1", {}, {}),
        list_case("list, middle page", middle, {"p": str(last // 2 + 1)}),
        list_case("list, last page", {"before": LAST_PAGE}, {"p": str(last)}),
    ]


def sort_cases() -> list[Case]:
    """Returns page 1 of every sort order for all peers, and a middle page for Rollcall.

    In the admin, a middle page costs the same in every order.
    """
    cases = [list_case(f"sort {sort}, page 1", {}, {}, sort) for sort in SORTS]
    for sort in SORTS:
        middle = {"after": middle_cursor(sort)}
        cases.append(list_case(f"sort {sort}, middle page", middle, None, sort))
    return cases


def list_case(
    name: str, query: dict[str, str], lookups: dict[str, str] | None, sort: str = ""
) -> Case:
    """Returns a case of the list: Rollcall's `query` and the equivalent `lookups` of the admin,
    which are None if it has no such filter.
    """
    if sort:
        query = query | {"sort": sort}
    paths = {"rollcall": build_url("/users/", query), "bare": "/bare/"}
    if lookups is None:
        return Case(name, paths)
    if sort:
        lookups = lookups | {"o": admin_order(sort)}
    for site in ("admin", "tuned"):
        paths[site] = build_url(ADMIN_LIST.format(site=site), lookups)
    return Case(name, paths)


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
    return [Case("account page", show), Case("edit (POST)", edit, edits=True)]


def tab_cases() -> list[Case]:
    """Returns each tab of the account page, asked for one account after the other."""
    cases = []
    for tab in (*TABS, *SUBPAGES):
        paths = {"rollcall": f"/users/{{pk}}/{tab.path}"} | peer_tab_paths(tab.path)
        cases.append(Case(f"accounts in turn: {tab.label}", paths))
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
    return [
        Case(f"account with a long past: {label}", {"rollcall": f"/users/{pk}/{path}"})
        for label, path in paths.items()
    ]


def ordinary_accounts(accounts: list[User]) -> list[User]:
    return [each for each in accounts if each.status == "active" and not each.is_staff]


def accounts_to_edit(number: int) -> list[int]:
    """Returns ids of accounts to edit, one for each client, so that no two edit the same one."""
    accounts = ordinary_accounts(sample_accounts(8 * number))
    return [account.pk for account in accounts[:number]]
