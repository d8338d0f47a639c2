"""GET /audit/"""

import brotli
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.record import record_event
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db

PATH = "/audit/"


@pytest.fixture
def auditor(client):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def events(response) -> list[str]:
    return [item.text for item in read(response).one("ol", class_="events").all("li")]


def follow(client, response, label: str):
    links = [link for link in read(response).one("main").all("a") if link.text == label]
    return client.get(links[0].attributes["href"]) if links else None


def test_an_auditor_reads_what_was_done_by_whom_to_whom_and_from_where(client, auditor):
    root = make_superuser(username="root")
    ada = make_user(username="ada", first_name="Ada")
    browser = {"User-Agent": "curl/8 <4>"}
    client.force_login(root)
    path = f"/users/{ada.pk}/edit/"
    typed = form(client.get(path), path) | {"email": "", "first_name": "<b>Augusta</b>"}
    client.post(path, typed, headers=browser)
    suspend_account(ada, by=root, reason="Spam & more")
    client.force_login(auditor)
    response = client.get(PATH)
    newest, oldest = events(response)
    assert "root · Suspended · ada" in newest
    assert "“Spam & more”" in newest
    assert "status active → suspended" in newest
    assert "root · Edited · ada" in oldest
    assert "first name Ada → <b>Augusta</b>" in oldest
    assert "from 127.0.0.1 · curl 8" in oldest
    page = read(response).one("main")
    assert page.all("a", href=f"/users/{root.pk}/")
    assert page.all("a", href=f"/users/{ada.pk}/")


def test_the_trail_is_narrowed_to_an_action_an_actor_or_a_target(client, auditor):
    ada = make_user(username="ada")
    grace = make_user(username="grace")
    record_event("account.edited", actor=ada, target=grace)
    record_event("account.suspended", actor=grace, target=ada, job_id=7)
    assert len(events(client.get(PATH))) == 2
    for query, expected in (
        ("action=account.suspended", "grace · Suspended"),
        (f"actor={ada.pk}", "ada · Edited · grace"),
        ("job=7", "grace · Suspended job 7 · ada"),
        (f"target={ada.pk}", "grace · Suspended"),
    ):
        response = client.get(f"{PATH}?{query}")
        (event,) = events(response)
        assert expected in event
        assert len(events(follow(client, response, "Clear"))) == 2


def test_the_trail_is_paged_without_losing_or_repeating_an_event(client, auditor):
    for number in range(120):
        record_event("account.edited", actor=auditor, reason=f"reason {number}")
    response = client.get(f"{PATH}?actor={auditor.pk}")
    seen = []
    sizes = []
    while response:
        seen += [element.text for element in read(response).all("p", class_="reason")]
        sizes.append(len(events(response)))
        response = follow(client, response, "Older")
    assert seen == [f"“reason {number}”" for number in reversed(range(120))]
    assert sizes == [50, 50, 20]


def test_fifty_events_cost_as_many_queries_as_one(client, auditor):
    record_event("account.edited", actor=auditor, target=auditor)
    client.get(PATH)
    with CaptureQueriesContext(connection) as one:
        client.get(PATH)
    for _ in range(60):
        record_event("account.edited", actor=auditor, target=auditor)
    with CaptureQueriesContext(connection) as fifty:
        assert len(events(client.get(PATH))) == 50
    assert len(one) == len(fifty), "\n".join(query["sql"] for query in fifty)


def test_an_empty_trail_and_an_empty_answer_say_so(client, auditor):
    assert "No events yet" in read(client.get(PATH)).one("main").text
    assert (
        "No matching events" in read(client.get(f"{PATH}?action=account.edited")).one("main").text
    )


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        (f"after={2**63}", "after"),
        ("after=abc", "after"),
        ("action=" + "x" * 65, "action"),
        ("action=a%00b", "action"),
        ("action=account.vanished", "action"),
        ("colour=red", "colour"),
        ("actor=1&actor=2", "actor"),
    ],
)
def test_a_filter_that_means_nothing_is_named_with_a_way_back(client, auditor, query, parameter):
    response = client.get(f"{PATH}?{query}")
    assert response.status_code == 400
    main = read(response).one("main")
    assert main.one("code").text == parameter
    assert main.all("a", href=PATH)


@pytest.mark.parametrize("name", ["actor", "target", "job"])
@pytest.mark.parametrize(
    "value", ["admin", "-1", "0", "1.5", f"{2**63}", f"{2**70}", "000000000000000000001", "١٢"]
)
def test_a_mistyped_id_keeps_the_form_the_list_and_the_other_filters(client, auditor, name, value):
    for action in ("account.edited", "account.suspended"):
        record_event(action, actor=auditor, target=auditor)
    other = "target" if name == "actor" else "actor"
    query = {name: value, other: str(auditor.pk), "action": "account.edited"}
    response = client.get(PATH, query)
    assert response.status_code == 422
    page = read(response)
    assert page.one("title").text.startswith("Error: ")
    field = page.one("input", name=name)
    assert (field.attributes["value"], field.attributes["aria-invalid"]) == (value, "true")
    assert "autofocus" in field.attributes
    label = page.one("label", for_=name).text.partition(" (")[0]
    assert page.one(id=f"{name}-error").text.startswith(f"“{label}” takes the ID of a")
    assert page.one("input", name=other).attributes["value"] == str(auditor.pk)
    assert page.one("option", selected="").text == "Edited"
    assert len(events(response)) == 1


@pytest.mark.parametrize("role", ["Viewer", "Support"])
def test_who_may_not_read_the_trail_is_refused_and_that_stands_in_it(client, role):
    viewer = make_user(role)
    client.force_login(viewer)
    assert_denied(client.get(PATH), "users.view_auditevent", actor=viewer, action="view_audit")
    client.force_login(make_user("Auditor"))
    (event,) = events(client.get(PATH))
    assert f"{viewer.username} · Refused" in event
    assert "Refused: see the audit trail" in event


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.get(PATH), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)


def test_the_trail_is_only_read(client, auditor):
    assert_wrong_method(client, PATH, allowed="GET, HEAD")


def test_the_trail_is_compressed_and_holds_no_secret(client, auditor):
    for number in range(20):
        record_event("account.edited", actor=auditor, target=make_user(email=f"x{number}@ab.cd"))
    plain = client.get(PATH)
    assert "Content-Encoding" not in plain
    response = client.get(PATH, headers={"Accept-Encoding": "gzip, br"})
    assert response["Content-Encoding"] == "br"
    assert "Accept-Encoding" in response["Vary"]
    assert brotli.decompress(response.content) == plain.content
    assert len(response.content) < len(plain.content) / 3
    assert b"csrf" not in plain.content
