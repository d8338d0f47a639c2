"""GET /audit/"""

import brotli
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.audit.tampering import SESSION
from tests.builders import make_superuser, make_user
from tests.masked_viewers import everything_but
from tests.pages import form, read
from users.audit.record import record_event
from users.audit.tasks import seal_audit_chain
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
        ("before=abc", "before"),
        ("after=1&before=2", "before"),
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


def test_a_mistake_keeps_the_form_the_list_and_the_other_filters(client, auditor):
    for action in ("account.edited", "account.suspended"):
        record_event(action, actor=auditor, target=auditor)
    for name, value, field in (
        ("actor", "nobody", "actor"),
        ("text", "x" * 256, "text"),
        ("job", "1.5", "filter-job"),
        ("ip", "192.0.2", "filter-ip"),
        ("session", "3f0d2c1e", "filter-session"),
        ("from", "someday", "filter-from"),
    ):
        query = {name: value, "target": str(auditor.pk), "action": "account.edited"}
        response = client.get(PATH, query)
        assert response.status_code == 422, name
        page = read(response)
        assert page.one("title").text.startswith("Error: ")
        control = page.one("input", id=field)
        assert (control.attributes["value"], control.attributes["aria-invalid"]) == (value, "true")
        assert "autofocus" in control.attributes
        assert page.one(id=f"{field}-error").text
        assert page.one("input", id="target").attributes["value"] == auditor.username
        assert page.one("option", selected="").text == "Edited"
        assert len(events(response)) == 1
    # The panel sends the filters of the toolbar along.
    hidden = page.one("form", class_="filters").all("input", type="hidden")
    sent = {each.attributes["name"]: each.attributes["value"] for each in hidden}
    assert sent == {"target": str(auditor.pk), "action": "account.edited"}


def test_an_account_is_picked_by_what_people_know_of_it(client, auditor):
    kim = make_user(username="kim", first_name="Kim", last_name="Doe")
    record_event("account.edited", actor=auditor, target=kim)
    record_event("account.edited", actor=kim, target=auditor)
    response = client.get(f"{PATH}?target=kim%40example.com&action=account.edited")
    assert response.status_code == 302
    assert response["Location"] == f"{PATH}?target={kim.pk}&action=account.edited"
    part = client.get(f"{PATH}?target=kim%40example.com", headers={"HX-Request": "true"})
    assert part["HX-Push-Url"] == f"{PATH}?target={kim.pk}"
    for number in range(2):
        make_user(username=f"lee{number}", first_name="Lee")
    response = client.get(f"{PATH}?actor=lee&target={kim.pk}")
    assert response.status_code == 422
    [first, second] = read(response).one("ul", class_="account-choices").all("a")
    assert (first.text, second.text) == ("lee0", "lee1")
    assert client.get(first.attributes["href"]).status_code == 200
    assert f"target={kim.pk}" in first.attributes["href"]


def test_active_filters_are_chips_that_remove_themselves(client, auditor):
    kim = make_user(username="kim")
    record_event("account.edited", actor=auditor, target=kim, reason="Asked by phone")
    query = f"text=phone&actor={auditor.pk}&outcome=done&from=2020-01-01"
    response = client.get(f"{PATH}?{query}")
    chips = read(response).one(class_="chips").all("a")
    labels = [chip.text for chip in chips]
    assert labels == [
        "Reason or ticket contains “phone”",
        f"Actor: {auditor.username}",
        "Outcome: done",
        "Since 2020-01-01",
        "Filter",
        "Clear",
        "Save view",
    ]
    without = f"{PATH}?actor={auditor.pk}&outcome=done&from=2020-01-01"
    assert chips[0].attributes["href"] == without
    assert len(events(response)) == 1


def test_the_list_has_pages_in_both_directions_and_a_count(client, auditor):
    for number in range(120):
        record_event("account.edited", actor=auditor, reason=f"reason {number}")
    first = client.get(f"{PATH}?actor={auditor.pk}")
    last = follow(client, first, "Oldest")
    assert [len(events(first)), len(events(last))] == [50, 50]
    assert "“reason 0”" in events(last)[-1]
    middle = follow(client, last, "Newer")
    assert "“reason 50”" in events(middle)[-1]
    again = follow(client, middle, "Newer")
    assert "“reason 119”" in events(again)[0]
    count_url = read(first).one(id="count").attributes["hx-get"]
    assert read(client.get(count_url)).one(id="count").text == "120 events"
    part = client.get(count_url, headers={"HX-Request": "true"})
    assert not read(part).all("h1")
    assert "120" in read(part).text


def test_events_of_a_job_and_refused_attempts_fold_into_lines_that_open(client, auditor):
    root = make_superuser(username="root")
    people = [make_user() for _ in range(4)]
    for person in people:
        record_event("account.suspended", actor=root, target=person, job_id=7)
    for _ in range(3):
        record_event("denied", actor=people[0], after={"action": "view", "permission": ""})
    record_event("denied", actor=people[1], after={"action": "view", "permission": ""})
    response = client.get(PATH)
    listed = read(response).one("ol", aria_label="Events, newest first").all("li")
    single, refused, job = [item for item in listed if item.parent.attributes.get("aria-label")]
    assert not single.all("details")
    assert refused.one("summary").text.startswith(f"{people[0].username} · 3 refused")
    assert job.one("summary").text.startswith("root · Suspended 4 accounts")
    assert len(job.one("details").all("li")) == 4
    assert job.all("a", href="/audit/?job=7")
    assert job.all("a", href="/jobs/7/")
    for query in ("job=7", "action=denied", "outcome=refused"):
        assert not read(client.get(f"{PATH}?{query}")).one("main").all("details"), query


def test_a_long_job_can_be_skipped(client, auditor):
    record_event("account.edited", actor=auditor, reason="Before the job")
    person = make_user()
    for _ in range(60):
        record_event("account.suspended", actor=auditor, target=person, job_id=7)
    response = follow(client, client.get(PATH), "Skip to the events before it")
    assert "Before the job" in events(response)[0]
    assert len(events(response)) == 1


def test_the_head_says_how_far_the_trail_is_sealed(client, auditor):
    assert "Not sealed yet" in read(client.get(PATH)).one(class_="seal").text
    record_event("account.edited", actor=auditor)
    seal_audit_chain()
    seal = read(client.get(PATH)).one(class_="seal").text
    assert seal.startswith("Sealed up to")
    assert "not verified yet" in seal
    assert "last anchor" in seal


def test_all_filters_are_a_panel_and_a_page(client, auditor):
    path = "/audit/filters/"
    whole = read(client.get(f"{path}?field=email"))
    controls = whole.one("form", class_="filters").all("input")
    names = [each.attributes.get("name") for each in controls]
    assert {"actor", "target", "value", "ip", "browser", "job", "from", "to"} <= set(names)
    assert whole.one("option", selected="").text == "Email"
    panel = read(client.get(f"{path}?actor={auditor.pk}", headers={"HX-Request": "true"}))
    assert not panel.all("h1")
    [kept] = panel.all("input", type="hidden")
    assert (kept.attributes["name"], kept.attributes["value"]) == ("actor", str(auditor.pk))


def test_a_masked_auditor_has_no_filter_by_what_is_hidden(client):
    client.force_login(everything_but())
    record_event("account.edited", actor=None, before={"email": "kim@old.example"})
    for query in (
        "value=kim@old.example",
        "ip=192.0.2.7",
        f"session={SESSION}",
        "text=kim@old",
        "actor=kim@old.example",
    ):
        response = client.get(f"{PATH}?{query}&field=email")
        page = read(response)
        assert not page.all(id="filter-value")
        assert not page.all(id="filter-ip")
        if query.startswith("text"):
            assert "No matching events" in page.one("main").text
        else:
            assert response.status_code == 422
            assert page.one(class_="error").text


def test_the_other_pages_of_the_list_climb_the_ladder(client):
    for path in ("/audit/filters/", "/audit/count/"):
        client.logout()
        background = path.endswith("count/")
        assert_sent_to_sign_in(client, path, background=background)
    viewer = make_user("Viewer")
    client.force_login(viewer)
    for path in ("/audit/filters/", "/audit/count/"):
        assert_denied(client.get(path), "users.view_auditevent", actor=viewer, action="view_audit")
    client.force_login(make_user("Auditor"))
    for path in ("/audit/filters/", "/audit/count/"):
        assert client.get(f"{path}?colour=red").status_code == 400
        assert_wrong_method(client, path, allowed="GET, HEAD")


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
