"""The pages that each peer is asked for. A case has no path for a peer that has no such page."""

from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.filters import combinations, filters
from benchmarks.terms import terms
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
    """A page of each peer. `paths` by the name of the peer; if one has {pk} in it, each request is
    for another account. `edits`: the paths are of forms, which are saved with another first name.
    """

    name: str
    paths: dict[str, str]
    edits: bool = False


def cases(accounts: int, *, busy: int | None = None) -> list[Case]:
    """All cases, in the order of the report. `accounts`: their number, roughly. `busy`: an account
    with a long past.
    """
    return [
        *pages(accounts),
        *sorts(),
        *(listed(f"filter {label}", query, lookups) for label, query, lookups in filters()),
        *(listed(label, query, lookups, sort) for label, query, lookups, sort in combinations()),
        *(
            listed(f"search, {label}: {term}", {"q": term}, {"q": term})
            for label, term in terms().items()
        ),
        *one_account(),
        *tabs(),
        *(of_busy(busy) if busy else []),
    ]


def pages(accounts: int) -> list[Case]:
    # One page early rather than late: the tuned admin knows the number roughly.
    last = max(1, accounts // PER_PAGE)
    return [
        listed("list, page 1", {}, {}),
        listed("list, middle page", {"after": middle("-joined")}, {"p": str(last // 2 + 1)}),
        listed("list, last page", {"before": LAST_PAGE}, {"p": str(last)}),
    ]


def sorts() -> list[Case]:
    """Page 1 of every sort for all peers, and its middle page for Rollcall alone: the admin's cost
    there is that of its middle page.
    """
    first = [listed(f"sort {sort}, page 1", {}, {}, sort) for sort in SORTS]
    middles = [
        listed(f"sort {sort}, middle page", {"after": middle(sort)}, None, sort) for sort in SORTS
    ]
    return first + middles


def listed(
    name: str, query: dict[str, str], lookups: dict[str, str] | None, sort: str = ""
) -> Case:
    """A case of the list: Rollcall's `query`, and the admin's `lookups` that ask for the same (None
    if it has no such filter).
    """
    if sort:
        query = query | {"sort": sort}
    paths = {"rollcall": url("/users/", query), "bare": "/bare/"}
    if lookups is None:
        return Case(name, paths)
    if sort:
        lookups = lookups | {"o": admin_order(sort)}
    for site in ("admin", "tuned"):
        paths[site] = url(ADMIN_LIST.format(site=site), lookups)
    return Case(name, paths)


def url(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def admin_order(sort: str) -> str:
    sign = "-" if sort.startswith("-") else ""
    return ".".join(sign + column for column in ADMIN_COLUMNS[sort.removeprefix("-")].split("."))


def middle(sort: str) -> str:
    """Returns a cursor near the middle of the order: the middle one of a hundred accounts."""
    column = SORTS[sort]
    accounts = sorted(sample(101), key=lambda account: (column.read_key(account), account.pk))
    return account_cursor(sort, accounts[50])


def sample(number: int) -> list[User]:
    """Accounts spread evenly over all ids."""
    pks = User.objects.values_list("pk", flat=True)
    first = pks.order_by("pk")[0]
    last = pks.order_by("-pk")[0]
    ids = [first + (last - first) * step // (number + 1) for step in range(1, number + 1)]
    return list(User.objects.filter(pk__in=ids))


def one_account() -> list[Case]:
    account = next(
        account for account in sample(40) if account.status == "active" and not account.is_staff
    )
    show = {"rollcall": f"/users/{account.pk}/", "bare": "/bare/"}
    edit = {"rollcall": "/users/{pk}/edit/"}
    for site in ("admin", "tuned"):
        show[site] = ADMIN_LIST.format(site=site) + f"{account.pk}/change/"
        edit[site] = ADMIN_LIST.format(site=site) + "{pk}/change/"
    return [Case("account page", show), Case("edit (POST)", edit, edits=True)]


def tabs() -> list[Case]:
    """Of one account after the other."""
    site = {site: ADMIN_LIST.format(site=site) + "{pk}/" for site in ("admin", "tuned")}
    others = {"": {site: f"{path}change/" for site, path in site.items()} | {"bare": "/bare/"}}
    others["activity/"] = {site: f"{path}history/" for site, path in site.items()}
    return [
        Case(
            f"accounts in turn: {tab.label}",
            {"rollcall": f"/users/{{pk}}/{tab.path}"} | others.get(tab.path, {}),
        )
        for tab in (*TABS, *SUBPAGES)
    ]


def of_busy(pk: int) -> list[Case]:
    places = [
        *((tab.label, tab.path) for tab in (*TABS, *SUBPAGES)),
        ("before it is suspended", "suspension/"),
    ]
    places += [("before it is deleted", "deletion/"), ("before it is erased", "erasure/")]
    return [
        Case(f"account with a long past: {label}", {"rollcall": f"/users/{pk}/{path}"})
        for label, path in places
    ]


def edited(number: int) -> list[int]:
    """Ids of accounts to edit, one for each client, so that no two edit the same."""
    return [
        account.pk
        for account in sample(8 * number)
        if account.status == "active" and not account.is_staff
    ][:number]
