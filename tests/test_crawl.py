"""Follows every link that each kind of viewer is offered, and looks at each page as a careful
reader of HTML would.
"""

import re
from collections import Counter, deque
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import pytest
from django.utils import timezone

from tests.builders import make_superuser, make_user
from tests.jobs.kinds import start
from tests.pages import Element, read
from users.jobs import worker
from users.models import User
from users.verbs.profile.verb import edit_profile
from users.verbs.suspension.verb import suspend_account

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator", "superuser", "nobody"]
ROOMS = {
    "Viewer": {"/users/"},
    "Support": {"/users/", "/users/{}/edit/", "/jobs/"},
    "Manager": {"/users/", "/users/new/", "/audit/", "/jobs/", "/imports/", "/exports/"},
    "Auditor": {"/users/", "/audit/", "/jobs/", "/exports/"},
    "Administrator": {
        "/users/",
        "/users/new/",
        "/users/{}/roles/",
        "/audit/",
        "/jobs/",
        "/exports/",
    },
    "superuser": {"/users/", "/users/new/", "/users/{}/roles/", "/audit/", "/jobs/", "/exports/"},
    "nobody": {"/me/password/"},
}
REFERENCES = ["aria-labelledby", "aria-describedby", "aria-controls", "for", "form"]
NOUNS = "account|address|attempt|column|day|email|event|file|hour|line|minute|row|session|time"
WRONG_PLURAL = re.compile(rf"(?<![\d.,:])1 (?:{NOUNS})e?s\b")


@pytest.fixture
def viewers() -> dict[str, User]:
    """One of each kind, by role; and accounts in every state, with a history."""
    now = timezone.now()
    people = [
        make_user(),
        make_user(status="invited"),
        make_user(status="suspended"),
        make_user(valid_until=now),
    ]
    people += [
        make_user(status="deleted", deleted_at=now),
        make_user(email="", first_name="<b>Ada</b>", attributes={"a": 1}),
    ]
    viewers = {
        role: make_user(role, first_name="Viewer", last_name=f"of-{role}", time_zone="Asia/Tokyo")
        for role in ROLES[:5]
    }
    viewers["superuser"] = make_superuser(
        first_name="Viewer", last_name="of-everything", time_zone="Asia/Tokyo"
    )
    viewers["nobody"] = make_user(
        first_name="Viewer", last_name="of-nothing", time_zone="Asia/Tokyo"
    )
    for account in people[:2]:
        edit_profile(account, by=viewers["Support"], version=1, phone="12345", last_name="Lovelace")
        suspend_account(account, by=viewers["Support"], reason="A <reason>")
    start(viewers["superuser"], selection=f"ids={people[0].pk}", words="one <account>")
    start(
        viewers["superuser"], selection=f"ids={people[1].pk}", parameters={"raises": people[1].pk}
    )
    worker.work_time_slice()
    worker.work_time_slice()
    return viewers


def kind(address: str) -> tuple[str, tuple[str, ...]]:
    """Queries differ by their names alone; a thousand values of one filter are one kind of page."""
    parts = urlsplit(address)
    return parts.path, tuple(sorted(name for name, _ in parse_qsl(parts.query)))


def crawl(client, *starts: str) -> dict[str, Element]:
    """Every kind of page that can be reached by links, by address; each is there, and is HTML or a
    file to keep.
    """
    waiting = deque(starts)
    known = {kind(start) for start in starts}
    pages = {}
    while waiting:
        address = waiting.popleft()
        response = client.get(address, follow=True)
        if response.status_code == 409:  # what needs another table is said there, not in the menu
            assert read(response).one("h1").text == "Not possible right now", address
            continue
        assert response.status_code == 200, f"{address} gives {response.status_code}"
        if response.get("Content-Disposition", "").startswith("attachment"):
            assert b"".join(response), address
            continue
        pages[address] = page = read(response)
        for link in page.all("a"):
            target = urljoin(address, link.attributes.get("href", address))
            if target.startswith("/") and kind(target) not in known:
                known.add(kind(target))
                waiting.append(target)
    return pages


def count_elements_of_page(page: Element) -> Counter[str]:
    """Counts the elements of each tag, without those of drawings, which may have titles of their
    own.
    """
    drawn = {element for svg in page.all("svg") for element in svg.walk()}
    return Counter(element.tag for element in page.walk() if element not in drawn)


def faults(page: Element) -> list[str]:
    """What is wrong with a page, in words."""
    ids = [element.attributes["id"] for element in page.walk() if "id" in element.attributes]
    labels = {label.attributes.get("for"): label.text for label in page.all("label")}
    counts = count_elements_of_page(page)
    found = [f"{counts[tag]} of {tag}" for tag in ("h1", "title", "main") if counts[tag] != 1]
    found += [f"id {name} twice" for name, number in Counter(ids).items() if number > 1]
    found += [] if page.one("html").attributes.get("lang") else ["no language"]
    found += WRONG_PLURAL.findall(page.text)
    known = set(ids)
    for element in page.walk():
        found += [
            f"{fault} in {element.tag} {element.attributes}"
            for fault in faults_of(element, labels, known)
        ]
    return found


def faults_of(element: Element, labels: dict[str | None, str], ids: set[str]) -> list[str]:
    attributes = element.attributes
    found = []
    if element.tag == "style" or (
        element.tag == "script" and ("src" not in attributes or element.raw_text.strip())
    ):
        found.append("inline code")
    found += [name for name in attributes if name == "style" or name.startswith(("on", "hx-on"))]
    found += [
        f"{name} to nowhere"
        for name in REFERENCES
        for ref in attributes.get(name, "").split()
        if ref not in ids
    ]
    if (
        element.tag in ("input", "select", "textarea")
        and attributes.get("type") != "hidden"
        and not labelled(element, labels)
    ):
        found.append("no label")
    if element.tag in ("a", "button") and not (
        element.text or attributes.get("title") or attributes.get("aria-label")
    ):
        found.append("no words")
    if element.tag == "img" and "alt" not in attributes:
        found.append("no alternative")
    if element.tag == "a" and "aria-disabled" in attributes:
        return found if element.all("small") else [*found, "no reason why it leads nowhere"]
    if element.tag == "a" and not attributes.get("href", "").startswith(("/", "#")):
        found.append("a link to elsewhere")
    if element.tag == "a" and "hx-get" in attributes and attributes["hx-get"] != attributes["href"]:
        found.append("HTMX goes elsewhere than the link")
    if (
        element.tag == "form"
        and attributes.get("method") == "post"
        and not element.all("input", name="csrfmiddlewaretoken")
    ):
        found.append("no token")
    return found


def labelled(control: Element, labels: dict[str | None, str]) -> bool:
    around = control.parent
    while around is not None and around.tag != "label":
        around = around.parent
    label = labels.get(control.attributes.get("id", "?"))
    return bool(around or control.attributes.get("aria-label") or label)


@pytest.mark.long(30)
@pytest.mark.sqlite  # of links and HTML, and not of the database
@pytest.mark.parametrize("role", ROLES)
def test_every_link_leads_to_a_sound_page_of_the_viewers_own(client, viewers, role):
    viewer = viewers[role]
    client.force_login(viewer)
    pages = crawl(client, "/", "/me/")
    for address, page in pages.items():
        assert faults(page) == [], address
        times = [time.attributes["datetime"] for time in page.all("time")]
        assert {at[-6:] for at in times} <= {"+09:00"}, address  # the viewer's zone
        for corner in page.all("div", class_="viewer"):
            assert (
                corner.one("a", href="/me/").text == "Your account"
            )  # a script puts the name there
    assert unquote(client.cookies["viewer"].value) == viewer.display_name
    paths = {urlsplit(address).path for address in pages}
    plain = User.objects.filter(is_staff=False, status="suspended").earliest("pk").pk
    assert {path.format(plain) for path in ROOMS[role]} <= paths
    assert (f"/users/{viewers['superuser'].pk}/" in paths) == (role != "nobody")
    if role == "nobody":
        others = [other for other in viewers.values() if other != viewer]
        text = " ".join(page.text for page in pages.values())
        assert not [
            other
            for other in others
            if other.display_name in text or other.username in text.split()
        ]


def test_every_page_for_strangers_is_sound(client):
    pages = crawl(
        client,
        "/login/",
        "/password/reset/",
        "/password/reset/sent/",
        "/password/chosen/",
        "/signup/",
        "/inactive/",
    )
    assert len(pages) == 6
    for address, page in pages.items():
        assert faults(page) == [], address


def test_the_reader_sees_what_is_wrong():
    class Answer:
        content = (
            b'<html><title>x</title><main id=a><h1>x</h1><p id=a style="color:red" onclick="x()">'
            b'1 accounts <input name=q><script>1</script><a href="/a" hx-get="/b">x</a><label '
            b"for=b>x</label></p></main></html>"
        )

    words = " ".join(faults(read(Answer)))
    for fault in (
        "id a twice",
        "no language",
        "style in p",
        "onclick",
        "no label",
        "inline code",
        "elsewhere",
        "to nowhere",
        "1 accounts",
    ):
        assert fault in words
