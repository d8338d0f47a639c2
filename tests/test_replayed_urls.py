"""Every URL that any role finds, and every route of the site, sent again with each method as each
lower role, as an ordinary account and signed out: nothing changes, nobody's personal data is in an
answer, and each refusal is in the audit trail.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client

from tests.discovery import (
    Discovery,
    FoundForm,
    discover,
    parameter_names,
    route_of,
    routes,
    url_of_route,
)
from tests.every_page import STAFF_ROLES, Site, fill_site
from tests.full_history import FIRST, LAST, LOGIN, found_in
from tests.test_masking import REACHED
from users.audit.models import AuditEvent
from users.models import User

# Of pages and rights, and not of the database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.long(40)]

ORIGIN = "http://testserver"
HTMX = {"HX-Request": "true"}
# GET is sent to every URL, and these to one of each route.
OTHER_METHODS = ["head", "options"]
# No page takes these, and one check of Django's refuses all of them: each actor sends one of them
# to a route, and the next actor another one.
REFUSED_METHODS = ["put", "patch", "delete"]
CRAWLERS = ["superuser", "Viewer", "nobody", ""]
ACTORS = ["", "nobody", *STAFF_ROLES]
# Everyone changes here what is their own: tests of the rooms signin, me and sudo are about them.
OWN_ROUTES = ("me/", "login/", "logout/", "password/", "signup/", "sudo/", "unsubscribe/")
# What a request writes without anybody's intent: the session, counters of attempts, the number that
# each event raises, and who has an account open.
SOFT_TABLES = {
    "rollcall_cache",
    "sqlite_sequence",
    "users_generation",
    "users_graceperiod",
    "users_presence",
    "users_hourlyuse",
    "users_session",
    "users_signinevent",
    "users_webprocess",
}
SOFT_COLUMNS = {"users_user": {"last_seen_at", "last_login"}}
# A refusal, and the reading of a file with personal data, are events by themselves.
RECORDED = "action NOT IN ('denied', 'export.downloaded', 'job.list_downloaded')"
HARD_ROWS = {"users_auditevent": RECORDED}
VALID = {"version": "1", "reason": "x", "count": "1", "decision": "remove"}


@dataclass(frozen=True)
class Target:
    """A URL to be requested, with the form that leads there, if one does."""

    url: str
    form: FoundForm | None = None


def table_digests() -> dict[str, str]:
    """Returns a digest of the content of each table, without what every request writes."""
    digests = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in SOFT_TABLES:
                continue
            cursor.execute(f'SELECT * FROM "{table}" WHERE {HARD_ROWS.get(table, "1 = 1")}')
            names = [column[0] for column in cursor.description]
            soft = SOFT_COLUMNS.get(table, set())
            kept = [number for number, name in enumerate(names) if name not in soft]
            rows = sorted(repr([row[number] for number in kept]) for row in cursor)
            digests[table] = sha256("\n".join(rows).encode()).hexdigest()
    return digests


class Writes:
    """Counts the statements that change a table which is not soft, by request: it names the
    request that has changed something.
    """

    def __init__(self) -> None:
        self.request = ""
        self.seen: Counter[str] = Counter()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb, _, rest = sql.lstrip().partition(" ")
        is_soft = any(table in rest[:60] for table in SOFT_TABLES) or "denied" in (params or ())
        if verb.upper() in ("INSERT", "UPDATE", "DELETE") and not is_soft:
            self.seen[f"{self.request}: {verb} {rest[:60]}"] += 1
        return execute(sql, params, many, context)


class Replayer:
    """Sends requests as one actor, with a valid token, and notes what is wrong with the answers."""

    def __init__(self, site: Site, role: str, writes: Writes):
        self.role = role
        self.writes = writes
        self.account: User | None = site.viewers.get(role)
        self.faults: list[str] = []
        self.sent: set[str] = set()
        self.refusals = 0
        # Statuses of pages that were asked for without HTMX.
        self.statuses: dict[str, int] = {}
        self.pages: dict[str, Discovery] = {}
        self.hidden = self.hidden_values()
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        if self.account:
            self.client.force_login(self.account)
        self.client.get("/me/" if self.account else "/login/")

    def send(self, method: str, target: Target, *, htmx: bool = False) -> Any:
        """Returns the response, after `check`."""
        page = target.form.page if target.form else target.url
        headers = {"Origin": ORIGIN, "Referer": ORIGIN + page}
        headers["X-CSRFToken"] = self.client.cookies["csrf"].value
        headers |= HTMX if htmx else {}
        values = target.form.values if target.form else {}
        data = (values or VALID) if method == "post" else None
        self.sent = set(found_in(unquote(target.url).encode()))
        self.writes.request = f"{self.role or 'signed out'} {method} {target.url} {'HX' * htmx}"
        response = getattr(self.client, method)(target.url, data, headers=headers)
        self.check(response)
        if method == "get" and not htmx:
            self.statuses[target.url] = response.status_code
        return response

    def check(self, response: Any) -> None:
        """Notes an error of the server, a missing type and a leaked value."""
        body = b"".join(response) if response.streaming else response.content
        found = []
        if response.status_code >= 500:
            found.append(str(response.status_code))
        if body and not response.get("Content-Type"):
            found.append("no Content-Type")
        shown = set(found_in(body + repr(response.headers).encode()))
        if leaked := self.hidden & shown - self.sent:
            found.append(f"shows {sorted(leaked)}")
        self.faults += [f"{fault}: {self.writes.request}" for fault in found]
        self.refusals += response.status_code == 403

    def hidden_values(self) -> set[str]:
        """Returns the values of the marked person that this actor must never see."""
        if self.role in ("", "nobody"):
            return REACHED | {FIRST, LAST, LOGIN}
        return REACHED if self.role == "Viewer" else set()

    def is_offered(self, target: Target) -> bool:
        """Returns whether the actor finds the form on its page, and so may send it."""
        if target.form is None:
            # No page was found that has the form. It stands on the page of its own URL, or is one
            # of a room of which a Viewer sees nothing.
            status = self.statuses[target.url]
            return status == 200 or (status == 405 and self.role != "Viewer")
        page = target.form.page
        if page not in self.pages:
            self.pages[page] = discover(self.client, page, follow=False)
        return any(action == target.url for action, _ in self.pages[page].forms)

    def denials(self) -> int:
        """Returns the number of refusals of this actor in the audit trail."""
        actor_id = self.account.pk if self.account else None
        return AuditEvent.objects.filter(action="denied", actor_id=actor_id).count()


def all_pages(found: list[Discovery]) -> list[Target]:
    """Returns a URL for each route and set of parameters."""
    known = [url for each in found for url in sorted(each.urls)]
    pages: dict[tuple[str, tuple[str, ...]], Target] = {}
    for url in known:
        pages.setdefault((route_of(url), parameter_names(url)), Target(url))
    for route in routes():
        pages.setdefault((route, ()), Target(url_of_route(route, known)))
    return list(pages.values())


def all_forms(found: list[Discovery], pages: list[Target]) -> list[Target]:
    """Returns two forms for each route, and the URL of each route without one."""
    forms = []
    numbers: Counter[str] = Counter()
    for form in [form for each in found for form in each.forms.values()]:
        route = route_of(form.action)
        numbers[route] += 1
        if numbers[route] <= 2:
            forms.append(Target(form.action, form))
    plain = [page for page in pages if "?" not in page.url]
    return forms + [page for page in plain if not numbers[route_of(page.url)]]


def crawl_as_all(site: Site) -> list[Discovery]:
    found = []
    for role in CRAWLERS:
        client = Client()
        if role:
            client.force_login(site.viewers[role])
        starts = [f"/users/{site.person.pk}/", "/", "/me/"] if role else ["/login/"]
        found.append(discover(client, *starts, most=4 if role == "superuser" else 2))
    return found


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keeps thousands of warnings about refusals out of the report."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quiet")
def test_nothing_changes_and_nothing_shows_whoever_asks(person):
    site = fill_site(person)
    found = crawl_as_all(site)
    pages = all_pages(found)
    forms = all_forms(found, pages)
    assert {route_of(page.url) for page in pages} >= set(routes())
    assert len(forms) > 180
    faults = []
    writes = Writes()
    with connection.execute_wrapper(writes):
        for role in ACTORS:
            actor = Replayer(site, role, writes)
            before = table_digests()
            writes.seen.clear()
            replay(actor, pages, forms)
            after = table_digests()
            changed = [table for table in before if before[table] != after[table]]
            faults += actor.faults
            faults += [f"{role} changed {changed}: {list(writes.seen)}"] if changed else []
            faults += wrong_denials(actor)
    assert faults == [], "\n".join(faults)


def replay(actor: Replayer, pages: list[Target], forms: list[Target]) -> None:
    """Sends all requests as this actor, without the forms that are offered to it."""
    seen = set()
    for number, target in enumerate(pages):
        actor.send("get", target)
        actor.send("get", target, htmx=True)
        route = route_of(target.url)
        if route in seen:
            continue
        seen.add(route)
        # Each method comes with and without HTMX to each route, from one actor or the next.
        place = number + ACTORS.index(actor.role)
        refused = REFUSED_METHODS[place % len(REFUSED_METHODS)]
        for turn, method in enumerate([*OTHER_METHODS, refused]):
            actor.send(method, target, htmx=(place + turn) % 2 == 1)
    for target in forms:
        if not route_of(target.url).startswith(OWN_ROUTES) and not actor.is_offered(target):
            actor.send("post", target)
            actor.send("post", target, htmx=True)


def wrong_denials(actor: Replayer) -> list[str]:
    """Returns what is wrong with the refusals in the audit trail. Signed out there are none,
    since everything leads to the sign-in page.
    """
    recorded = actor.denials()
    if actor.account is None:
        return [f"{recorded} refusals signed out"] if recorded else []
    if recorded < actor.refusals or not recorded:
        return [f"{actor.role}: {actor.refusals} answers of 403, {recorded} events"]
    return []
