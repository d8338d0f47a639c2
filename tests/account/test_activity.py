"""GET /users/<id>/activity/"""

import pytest

from tests.answers import assert_denied
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.audit.record import record_event
from users.history.timeline import SIZE, SOURCES
from users.jobs.models import Job
from users.mail.models import Message
from users.notes.changes import add_note
from users.sessions.models import SignInEvent
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def ada():
    """With one entry of each kind."""
    root = make_superuser(username="root")
    ada = make_user(username="ada")
    edit_profile(ada, by=root, version=1, phone="12345")
    SignInEvent.objects.create(
        account_id=ada.pk, outcome="wrong-password", ip="192.0.2.7", user_agent=f"Firefox {SCRIPT}"
    )
    SignInEvent.objects.create(account_id=ada.pk, outcome="ok", ip="2001:db8::7")
    Message.objects.create(
        account=ada, kind="invitation", to=ada.email, state="failed", error=f"550 {SCRIPT}"
    )
    add_note(ada, by=root, text=f"Call first {SCRIPT}")
    Job.objects.create(kind="suspend", by=ada, by_text="ada", words="everybody", reason="spring")
    return ada


@pytest.fixture
def manager(client):
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def lines(response) -> list[str]:
    page = read(response)
    return [
        item.one("div").text
        for events in page.all("ol", class_="events")
        for item in events.all("li")
    ]


def path(account, query: str = "") -> str:
    return f"/users/{account.pk}/activity/{query}"


def test_everything_that_happened_stands_in_one_line_of_time(client, manager, ada):
    found = lines(client.get(path(ada)))
    assert found == [
        f"Started job {Job.objects.get().pk} · Suspend · queued everybody “spring”",
        f"root · Note Call first {SCRIPT}",
        f"Invitation · to ada@example.com Failed 550 {SCRIPT}",
        "Signed in · Password · from 2001:db8::7",
        "Wrong password · Password · from 192.0.2.7 Unknown device",
        "root · Edited phone 12345",
    ]


@pytest.mark.parametrize(
    ("kind", "count"), [("changes", 2), ("sign-ins", 2), ("mail", 1), ("notes", 1), ("jobs", 1)]
)
def test_it_is_narrowed_to_one_kind(client, manager, ada, kind, count):
    response = client.get(path(ada, f"?kind={kind}"))
    assert len(lines(response)) == count
    [current] = [
        a
        for a in read(response).one("nav", class_="kinds").all("a")
        if "aria-current" in a.attributes
    ]
    assert current.attributes["href"] == path(ada, f"?kind={kind}")


def test_a_change_by_a_job_names_the_job(client, manager, ada):
    record_event("account.edited", actor=None, target=ada, after={"phone": "1"}, job_id=4711)
    assert read(client.get(path(ada))).one("a", href="/jobs/4711/").text == "job 4711"
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert "job 4711" in lines(client.get(path(ada)))[0]
    assert not read(client.get(path(ada))).all("a", href="/jobs/4711/")


def test_pages_follow_each_other_and_keep_their_filter(client, manager):
    ada = make_user()
    for number in range(2 * SIZE + 5):
        record_event("account.edited", actor=None, target=ada, after={"phone": str(number)})
    address = path(ada, "?kind=changes")
    seen = []
    while address:
        response = client.get(address)
        seen += [int(line.rsplit(" ", 1)[1]) for line in lines(response)]
        record_event("account.edited", actor=None, target=ada, after={"phone": "999"})
        address = next(
            (link.attributes["href"] for link in read(response).all("a", rel="next")), ""
        )
    assert seen == list(reversed(range(2 * SIZE + 5)))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("kind=thunder", "kind"),
        ("kind=mail&kind=notes", "kind"),
        ("after=x", "after"),
        ("after=W10", "after"),
        ("by=1", "by"),
    ],
)
def test_a_parameter_that_means_nothing_is_named(client, manager, ada, query, parameter):
    response = client.get(path(ada, f"?{query}"))
    assert response.status_code == 400
    main = read(response).one("main")
    assert parameter in main.text
    assert main.all("a", href=path(ada))


def test_jobs_are_for_those_who_may_see_jobs(client, ada):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    response = client.get(path(ada))
    assert not [line for line in lines(response) if "job" in line]
    assert len(read(response).one("nav", class_="kinds").all("a")) == len(
        SOURCES
    )  # "Everything" in the place of jobs
    assert_denied(
        client.get(path(ada, "?kind=jobs")), "users.view_job", actor=viewer, action="view_jobs"
    )


def test_the_trail_is_offered_to_those_who_may_read_it(client, ada):
    for role, links in (("Manager", 1), ("Support", 0)):
        client.force_login(make_user(role))
        assert len(read(client.get(path(ada))).all("a", href=f"/audit/?target={ada.pk}")) == links


def test_an_account_to_which_nothing_happened_says_so(client, manager):
    assert "No activity yet" in read(client.get(path(make_user()))).one("main").text
