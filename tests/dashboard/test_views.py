"""/, and the lists that it leads to."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.jobs.kinds import park, start
from tests.pages import read
from users.audit.record import record_event
from users.dashboard import rollups
from users.dashboard.models import DailyCount, RollupPosition
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User
from users.verbs.roles.approval import store_request

pytestmark = pytest.mark.django_db
LISTS = ("/waiting/suspensions/",)
TODAY = datetime.now(UTC).date()


def numbers(response) -> dict[str, str]:
    """Returns the numbers of "Waiting for you" by their links."""
    links = read(response).one("ul", class_="waiting").all("a")
    return {link.attributes["href"]: link.one("span").text for link in links}


def test_each_number_is_that_of_the_list_it_leads_to(client):
    root = make_superuser()
    now = timezone.now()
    other = make_superuser()
    own, others, stopped = (start(by, phone=f"{n}") for n, by in enumerate((root, other, root)))
    Job.objects.filter(pk__in=(own.pk, others.pk)).update(state="waiting")
    park(stopped, "Three attempts failed.")
    for state, days in (("failed", 1), ("failed", 40), ("sent", 1)):
        at = now - timedelta(days=days)
        Message.objects.create(
            account=root, kind="verification", to="x@example.com", state=state, created_at=at
        )
    for by in (root, other):
        store_request(make_user(), by=by, group=Group.objects.get(name="Support"), days=1)
    make_user(status="invited", date_joined=now - timedelta(days=9))
    make_user(status="invited")
    make_user(status="suspended", suspended_until=now + timedelta(days=3))
    make_user(status="suspended", suspended_until=now + timedelta(days=9))
    client.force_login(root)
    found = numbers(client.get("/"))
    assert found == {
        "/jobs/?state=waiting": "1",
        "/staff/requests/": "1",
        "/jobs/?state=parked": "1",
        "/mail/failed/": "1",
        "/users/?status=invited&joined_to=-7d": "1",
        "/waiting/suspensions/": "1",
    }
    for url in list(found)[2:]:
        assert len(read(client.get(url)).one("tbody").all("tr")) == 1, url


def test_jobs_of_people_with_ties_are_not_to_be_approved(client):
    root = make_superuser()
    friend = make_superuser()
    job = start(friend, phone="1")
    Job.objects.filter(pk=job.pk).update(state="waiting")
    client.force_login(root)
    assert numbers(client.get("/"))["/jobs/?state=waiting"] == "1"
    record_event("account.invited", actor=root, target=friend)
    assert numbers(client.get("/"))["/jobs/?state=waiting"] == "0"


def test_numbers_are_bounded(client):
    root = make_superuser()
    Message.objects.bulk_create(
        Message(account=root, kind="verification", to="x@example.com", state="failed")
        for _ in range(120)
    )
    client.force_login(root)
    assert numbers(client.get("/"))["/mail/failed/"] == "99+"
    assert len(read(client.get("/mail/failed/")).one("tbody").all("tr")) == 100


@pytest.mark.parametrize(
    ("period", "bars"), [("30d", 2), ("90d", 2), ("12m", 2 if TODAY.day < 30 else 1)]
)
def test_plots_show_the_rollups_with_a_table(client, period, bars):
    for days, value in ((0, 5), (29, 7), (400, 1000)):
        day = TODAY - timedelta(days=days)
        DailyCount.objects.create(metric="sign_ins", day=day, value=value)
        DailyCount.objects.create(metric="sign_in_failures", day=day, value=1)
    client.force_login(make_superuser())
    page = read(client.get(f"/?period={period}"))
    panel = next(each for each in page.all("section") if "Signed in" in each.text)
    assert "12 signed in" in panel.text
    assert len(panel.all("rect")) == 2 * bars
    rows = [[cell.text for cell in row.all("td")] for row in panel.one("tbody").all("tr")]
    assert rows[0][0] in ("5", "12")
    assert sum(int(cells[0]) for cells in rows) == 12
    assert not [each for each in page.one("main").walk() if "style" in each.attributes]


def test_a_page_of_twelve_months_costs_as_many_queries_as_one_of_days(client):
    make_user(status="suspended")
    rollups.advance_rollups()
    client.force_login(make_user("Support"))
    client.get("/")
    queries = []
    for number, period in enumerate(("30d", "12m")):
        days = [TODAY - timedelta(days=day) for day in range(1, 300 * number + 2)]
        DailyCount.objects.bulk_create(
            DailyCount(metric="emails_sent", day=day, value=1) for day in days[number:]
        )
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/?period={period}").status_code == 200
        queries.append(len(captured))
    assert queries[0] == queries[1] <= 9
    plots = [query["sql"] for query in captured if "dailycount" in query["sql"]]
    assert len(plots) == 1
    assert "users_user" not in plots[0]


def test_the_page_says_how_far_the_figures_go(client):
    client.force_login(make_superuser())
    assert "Still counting" in read(client.get("/")).one("main").text
    at = timezone.now() - timedelta(minutes=2)
    for name in (rollups.EVENTS, rollups.STATES, rollups.SIGN_INS, rollups.EMAILS):
        RollupPosition.objects.create(name=name, until=at)
    text = read(client.get("/")).one("main").text
    assert f"As of {at.day} {at:%b}, {at:%H:%M}" in text
    assert "out of date" not in text
    RollupPosition.objects.update(until=at - timedelta(minutes=9))
    assert "out of date" in read(client.get("/")).one("main").text


def test_each_part_requires_its_permission(client):
    trail_reader = make_user(is_staff=True)
    trail_reader.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client.force_login(trail_reader)
    page = read(client.get("/"))
    assert [heading.text for heading in page.all("h3")] == ["Staff actions"]
    assert page.all("h2")[0].text == "Activity"
    client.force_login(make_user("Viewer"))
    page = read(client.get("/"))
    headings = {heading.text for heading in page.all("h3")}
    sees_trail = User.objects.latest("pk").has_perm("users.view_auditevent")
    assert ("Staff actions" in headings) == sees_trail
    assert "Jobs to approve" not in page.one("main").text


def test_whoever_may_see_nothing_of_it_is_sent_on_to_the_directory(client):
    client.force_login(make_user(is_staff=True))
    assert client.get("/")["Location"] == "/users/"


def test_lists_show_only_masked_data_to_those_without_the_permission(client):
    person = make_user(
        first_name="Ada",
        email="ada.lovelace@example.com",
        status="suspended",
        status_reason="Call ada.lovelace@example.com",
        suspended_until=timezone.now() + timedelta(days=1),
    )
    Message.objects.create(
        account=person,
        kind="verification",
        to=person.email,
        state="failed",
        error="550 ada.lovelace@example.com",
    )
    client.force_login(make_user("Viewer"))
    for path in LISTS:
        text = read(client.get(path)).one("tbody").text
        assert "Ada" in text
        assert "lovelace" not in text, path


def test_the_ladder(client):
    for path in LISTS:
        assert_sent_to_sign_in(client, path, methods=("get",))
    outsider = make_user(is_staff=True)
    client.force_login(outsider)
    for path in LISTS:
        assert_denied(client.get(path), "users.view_user", actor=outsider, action="view")
    client.force_login(make_superuser())
    for path in ("/", *LISTS):
        assert_wrong_method(client, path, allowed="GET, HEAD")
    for query in ("period=7d", "period=30d&period=90d", "x=1"):
        assert client.get(f"/?{query}").status_code == 400
