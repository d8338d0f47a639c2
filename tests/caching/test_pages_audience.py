"""A cached page is for those who would see the same bytes; nothing of anyone else is in it."""

import re
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.caching.looking import ask, headline, listed, plain, stored, tree
from tests.caching.viewers import PART, signed_in
from tests.test_crawl import crawl
from users.caching import pages, timing
from users.caching.fragments import FRAGMENT_MEMORY
from users.directory import preferences
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator"]
# Whole pages, though HTMX asks.
WHOLE = [PART | {"HX-Boosted": "true"}, PART | {"HX-History-Restore-Request": "true"}]
VARIANTS = [{}, PART, *WHOLE]
ENCODINGS = ["identity", "gzip", "br"]


def with_permissions(*codenames: str) -> User:
    """Staff without a role, with permissions of their own."""
    account = make_user(is_staff=True)
    account.user_permissions.set(
        Permission.objects.filter(codename__in=codenames, content_type__app_label="users")
    )
    return account


def people() -> dict[str, User]:
    """Everybody who may look at accounts, by what makes them different; some make no difference."""
    found = {f"{role} {number}": make_user(role) for role in ROLES for number in (1, 2)}
    found |= {"superuser 1": make_superuser(), "superuser 2": make_superuser()}
    found["a permission of their own"] = with_permissions(
        "view_user", "reveal_personal", "view_roles", "request_role"
    )
    found["another permission of their own"] = with_permissions("view_user", "invite_user")
    found["Viewer with a permission"] = make_user("Viewer")
    found["Viewer with a permission"].user_permissions.add(
        Permission.objects.get(codename="share_view")
    )
    found["Viewer, other columns"], found["Viewer, smaller pages"] = (
        make_user("Viewer"),
        make_user("Viewer"),
    )
    preferences.choose_columns(found["Viewer, other columns"], ("email", "phone"))
    preferences.choose_size(found["Viewer, smaller pages"], 25)
    found["Viewer in Tokyo 1"] = make_user("Viewer", time_zone="Asia/Tokyo")
    found["Viewer in Tokyo 2"] = make_user("Viewer", time_zone="Asia/Tokyo")
    found["superuser, other columns"] = make_superuser()
    preferences.choose_columns(found["superuser, other columns"], ("id",))
    return found


def addresses(viewers: dict[str, User]) -> list[str]:
    """Lists and the pages of all kinds of accounts, the viewers' own among them."""
    now = User.objects.latest("pk").date_joined
    targets = [
        make_user(),
        make_user(status="invited"),
        make_user(status="suspended"),
        make_user(valid_until=now),
    ]
    targets += [
        make_user(status="deleted", deleted_at=now),
        make_user("Auditor"),
        make_user("Support", status="suspended"),
    ]
    targets += [
        make_superuser(),
        *(viewers[name] for name in ("Viewer 1", "Administrator 1", "superuser 1")),
    ]
    edit_profile(targets[0], by=viewers["superuser 1"], version=None, phone="12345")
    lists = [
        "",
        "?q=person",
        "?status=active",
        "?role=staff&sort=name",
        "?size=25",
        "?q=nobody-has-this",
    ]
    lists += ["filters/", "filters/?status=active&size=25"]
    return [f"/users/{query}" for query in lists] + [f"/users/{target.pk}/" for target in targets]


def rendered(
    client: Client, path: str, headers: dict[str, str]
) -> tuple[str, bytes, dict[str, str]]:
    """The key that the page would be kept under, and the page as it would be kept, made anew."""
    seen = []

    def make(request, view, prefix, encoding):
        response = view(request).response
        seen.append(
            (f"{prefix} {pages.canonical_path(request)}", response.content, dict(response.items()))
        )
        return response

    with patch.object(pages, "get_or_build", make):
        response = client.get(path, headers=headers)
    assert response.status_code == 200
    [found] = seen
    caches["pages"].clear()
    return found


@pytest.mark.sqlite  # of keys and pages, and not of the database
@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
def test_one_key_is_one_page_for_all_viewers(headers):
    viewers = people()
    kept: dict[str, tuple] = {}
    owners: dict[str, set[str]] = {}
    paths = addresses(viewers)
    if headers:
        paths = [
            path for path in paths if not path.strip("/").split("/")[-1].isdigit()
        ]  # an account's page has no part
    clients = {name: signed_in(viewer) for name, viewer in viewers.items()}
    for path in paths:
        for name, client in clients.items():
            key, *page = rendered(client, path, headers)
            assert kept.setdefault(key, page) == page, (
                f"{name} and {owners[key]} do not see the same at {path}"
            )
            owners.setdefault(key, set()).add(name)
    together = {frozenset(names) for names in owners.values()}
    for role in [*ROLES, "superuser"]:  # colleagues share their pages, and strangers do not
        assert any(names >= {f"{role} 1", f"{role} 2"} for names in together)
    assert any(names >= {"Viewer 1", "a permission of their own"} for names in together)
    assert any(names >= {"Viewer in Tokyo 1", "Viewer in Tokyo 2"} for names in together)
    assert not any(names >= {"Viewer 1", "Viewer in Tokyo 1"} for names in together)
    assert len({page[0] for page in kept.values()}) > len(paths)


def test_staff_without_the_right_get_no_page_and_leave_none():
    client = signed_in(make_user(is_staff=True))
    ada = make_user()
    for path in ("/users/", f"/users/{ada.pk}/"):
        assert ask(signed_in(make_user("Viewer")), path).outcome == "miss"
        response = ask(client, path)
        assert (response.status_code, response.outcome) == (403, "")
        assert b"person" not in response.content.replace(b'"person"', b"")


@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
@pytest.mark.parametrize("role", [*ROLES, "superuser"])
def test_two_colleagues_share_a_page(role, headers):
    one, other = [make_superuser() if role == "superuser" else make_user(role) for _ in range(2)]
    ada = make_user()
    for path in ("/users/", f"/users/{ada.pk}/"):
        first = ask(signed_in(one), path, **headers)
        second = ask(signed_in(other), path, **headers)
        assert (first.outcome, second.outcome) == ("miss", "hit")
        assert second.content == first.content


def test_ones_own_page_is_not_the_one_that_colleagues_see():
    one = make_user("Administrator")
    other = make_user("Administrator")
    path = f"/users/{one.pk}/"
    assert ask(signed_in(other), path).outcome == "miss"
    own = ask(signed_in(one), path)
    assert own.outcome == "miss"
    assert "Suspend" not in tree(own).one("div", class_="actions").text
    assert "Suspend" in tree(ask(signed_in(other), path)).one("div", class_="actions").text


def test_the_order_of_parameters_makes_no_difference_and_their_values_do():
    client = signed_in(make_user("Support"))
    make_user(username="ada", status="suspended")
    assert ask(client, "/users/?status=suspended&sort=username").outcome == "miss"
    assert ask(client, "/users/?sort=username&status=suspended").outcome == "hit"
    for other in (
        "status=suspended&sort=-username",
        "status=active&sort=username",
        "status=suspended",
        "sort=username",
    ):
        assert ask(client, f"/users/?{other}").outcome == "miss"
    assert ask(client, "/users/?q=a%26sort%3Db").outcome == "miss"
    assert ask(client, "/users/?q=a&sort=username").outcome == "miss"


def test_a_right_that_is_given_or_taken_changes_the_next_page():
    viewer = make_user("Viewer")
    ada = make_user()
    client = signed_in(viewer)
    path = f"/users/{ada.pk}/"
    assert not tree(ask(client, path)).one("div", class_="actions").all("a")
    viewer.user_permissions.set(
        Permission.objects.filter(codename__in=["edit_user", "view_personal"])
    )
    assert tree(ask(client, path)).one("div", class_="actions").text == "Edit"
    viewer.user_permissions.clear()
    assert not tree(ask(client, path)).one("div", class_="actions").all("a")
    viewer.groups.clear()
    assert client.get(path).status_code == 403


# --- one browser after the other ------------------------------------------------------------------


@pytest.fixture
def first() -> User:
    """Somebody whose traces would be found."""
    return make_user(
        "Manager",
        username="zebraquagga",
        first_name="Zebedee",
        last_name="Quaggason",
        email="zq@zebra.example",
    )


def traces(account: User, client: Client) -> list[bytes]:
    own = [account.username, account.email, account.first_name, account.last_name]
    return [
        word.encode()
        for word in [*own, client.cookies["csrf"].value, client.cookies["session"].value]
    ]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("variant", VARIANTS, ids=["page", "part", "boosted", "from history"])
def test_after_somebody_else_everybody_sees_their_own(first, variant, encoding):
    ada = make_user(status="suspended", username="ada")
    headers = variant | {"Accept-Encoding": encoding}
    ahead = signed_in(first)
    second = signed_in(make_user("Viewer"))
    nobody = Client()
    for path in ("/users/?status=suspended", "/users/?q=ada", f"/users/{ada.pk}/"):
        theirs = ask(ahead, path, **headers)
        own = ask(second, path, **headers)
        assert (theirs.outcome, own.outcome) == ("miss", "miss")
        assert own.get("Content-Encoding", "identity") == encoding
        assert not [trace for trace in traces(first, ahead) if trace in plain(own)]
        assert not [
            trace
            for trace in traces(first, ahead)
            if trace in str(own.headers).encode() + str(own.cookies).encode()
        ]
        is_part = variant == PART
        assert bool(tree(own).all("html")) != is_part
        assert len(tree(own).all("a", href="/audit/")) == 0
        assert len(tree(theirs).all("a", href="/audit/")) == (not is_part)
        stranger = ask(nobody, path, **headers)
        assert stranger.status_code == (302 if not variant else 401)
        assert b"ada" not in stranger.content


def test_each_variant_and_encoding_is_a_page_of_its_own(first):
    client = signed_in(first)
    seen = []
    make_user()
    for encoding in ENCODINGS:
        for variant in ({}, PART):
            response = ask(client, "/users/", **variant, **{"Accept-Encoding": encoding})
            assert response.outcome == "miss"
            assert (
                ask(client, "/users/", **variant, **{"Accept-Encoding": encoding}).outcome == "hit"
            )
            assert {"HX-Request", "Accept-Encoding", "Cookie"} <= set(response["Vary"].split(", "))
            seen.append(plain(response))
    assert seen[:2] == seen[2:4] == seen[4:]
    assert seen[0] != seen[1]
    for variant in WHOLE:  # are the whole page
        assert ask(client, "/users/", **variant).outcome == "hit"


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ("", ""),
        ("gzip, deflate, br", "br"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000", ""),
        ("gzip;q=0.0, br;q=0.00", ""),
        ("br;q=0.5", "br"),
        ("gzip;q=1.0", "gzip"),
        ("*", ""),
        ("zstd", ""),
        (";,=", ""),
    ],
)
def test_a_page_comes_in_an_encoding_that_the_browser_takes(first, offered, taken):
    client = signed_in(first)
    make_user(username="ada")
    for outcome in ("miss", "hit"):
        response = ask(client, "/users/", **{"Accept-Encoding": offered})
        assert (response.outcome, response.get("Content-Encoding", "")) == (outcome, taken)
        assert b"ada@example.com" in plain(response)


# Made anew for each page: the one against forgery, and the one of what is about to be confirmed.
TOKEN = re.compile(rb'name="(?:csrfmiddlewaretoken|token|key)" value="[^"]+"|X-Request-ID[^\n]*')


# Entries that hold no part of a page: those of one session, and the permissions of a role.
NO_PAGES = ("session:", ":rights:", ":sudo:")


def forget_all_parts() -> None:
    """Empties the cache, and the memory of the process in front of it."""
    caches["pages"].clear()
    FRAGMENT_MEMORY.clear()


class Alternating:
    """A browser in front of which somebody else looks at each address; and what it is told, it
    would be told alone. An address that leaves nothing in the cache can't show what was left there.
    """

    def __init__(self, own: Client, other: Client):
        self.own = own
        self.other = other
        self.words = [other.cookies["csrf"].value, other.cookies["session"].value]
        # The addresses at which there is something of both.
        self.shared: list[str] = []

    def get(self, path: str, follow: bool):
        forget_all_parts()
        response = self.own.get(path, follow=follow)
        if all(any(part in key for part in NO_PAGES) for key in stored()):
            return response
        self.shared.append(path)
        forget_all_parts()
        self.other.get(path, follow=True)
        response = self.own.get(path, follow=follow)
        forget_all_parts()
        alone = self.own.get(path, follow=follow)
        assert TOKEN.sub(b"", response.content) == TOKEN.sub(b"", alone.content), path
        assert not [word for word in self.words if word.encode() in response.content], path
        return response


@pytest.mark.long(20)
@pytest.mark.postgresql  # with Redis, as in production
@pytest.mark.parametrize(
    ("one", "other"),
    [("Viewer", "superuser"), ("superuser", "Viewer"), ("Manager", "Administrator")],
)
def test_at_every_address_that_two_people_visit_in_turn_each_sees_their_own(one, other):
    own, someone = [
        make_superuser() if role == "superuser" else make_user(role) for role in (one, other)
    ]
    ada = make_user(first_name="Ada")
    suspend_account(ada, by=someone if other != "Viewer" else own, reason="Why")
    # Some pages show what time it is, and one of them what processes tell every few seconds.
    with (
        patch("django.utils.timezone.now", return_value=timezone.now()),
        patch.object(timing, "REPORT_SECONDS", 3600),
    ):
        browser = Alternating(signed_in(own), signed_in(someone))
        visited = crawl(browser, "/", "/me/")
    assert len(visited) > 20
    assert {"/users/", "/users/filters/", f"/users/{ada.pk}/"} <= {*browser.shared}


# --- messages -------------------------------------------------------------------------------------


def test_kept_pages_name_no_viewer_and_hold_no_token(first):
    client = signed_in(first)
    make_user(username="ada", status="suspended")
    ask(client, "/users/?status=suspended")
    ask(client, "/users/?status=suspended", **PART)
    kept = {key: value for key, value in stored().items() if "session:" not in key}
    assert any(b"ada" in value for value in kept.values())
    assert not [
        key for key, value in kept.items() for trace in traces(first, client) if trace in value
    ]
    assert not [
        key
        for key, value in kept.items()
        if b"csrfmiddlewaretoken" in value or b"Set-Cookie" in value
    ]


def test_listed_and_headline_read_what_is_shown():
    """The helpers of these tests see what a reader sees."""
    ada = make_user(username="ada", first_name="Ada", status="suspended")
    client = signed_in(make_user("Viewer"))
    assert listed(ask(client, "/users/?q=ada"))[ada.pk] == ("Ada", "Suspended")
    assert headline(ask(client, f"/users/{ada.pk}/")) == ("Ada", "Suspended")
