"""GET /staff/meter/ and GET /staff/meter/<id>/"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_user
from tests.pages import read
from users.database.clock import current_hour
from users.meter.models import HourlyUse
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
INDEX = "/staff/meter/"


@pytest.fixture
def auditor(client) -> User:
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def store_use(account: User, kind: str = "openings", count: int = 5, **fields) -> HourlyUse:
    values = {"hour": current_hour(), "subject": 0} | fields
    return HourlyUse.objects.create(account_id=account.pk, kind=kind, count=count, **values)


def main_text(response) -> str:
    return " ".join(read(response).one("main").text.split())


def today() -> str:
    return current_hour().date().isoformat()


def test_the_people_of_a_day_stand_with_their_numbers_limits_and_reasons(client, auditor):
    ann = make_user("Support", username="ann", first_name="Ann", last_name="Archer")
    bob = make_user("Support", username="bob")
    now = timezone.now()
    store_use(ann, count=130, asked_at=now, limit=120, budget=120, reported_at=now)
    store_use(ann, "searches", count=1234, asked_at=now, limit=60, budget=240)
    store_use(bob, count=7)
    store_use(bob, count=3, hour=current_hour() - timedelta(days=3))
    page = read(client.get(f"{INDEX}?day={today()}"))
    assert [row.one("a").text for row in page.all("tr") if row.all("a")] == [
        "Ann Archer",
        "bob",
        "Ann Archer",
    ]
    text = " ".join(page.one("main").text.split())
    assert "Accounts opened: 130, limit 120 (budget)" in text
    assert "Searches by name: 1,234, limit 60 (usual for the role)" in text
    assert "Reported at" in text
    assert "7 of 120" in text
    assert [bar.attributes["value"] for bar in page.all("meter")][1] == "130"
    older = current_hour() - timedelta(days=3)
    assert "3 of 120" in main_text(client.get(f"{INDEX}?day={older.date().isoformat()}"))
    assert "No data use on this day" in main_text(client.get(f"{INDEX}?day=2001-01-01"))


def test_one_person_by_hour_with_the_way_to_the_trail(client, auditor):
    ann = make_user("Support", username="ann")
    store_use(ann, count=3)
    store_use(ann, count=4, hour=current_hour() - timedelta(hours=1))
    store_use(ann, "reveals", count=2, hour=current_hour() - timedelta(hours=1))
    store_use(make_user("Support"), count=99)
    page = read(client.get(f"{INDEX}{ann.pk}/"))
    assert len(page.all("meter")) == 2 * 4
    link = page.all("a", href=f"/audit/?actor={ann.pk}&from={today()}&to={today()}")[0]
    assert client.get(link.attributes["href"]).status_code == 200
    assert "99" not in page.one("main").text


def test_hours_are_paged(client, auditor):
    ann = make_user("Support")
    for ago in range(50):
        store_use(ann, count=ago + 1, hour=current_hour() - timedelta(hours=ago))
    first = read(client.get(f"{INDEX}{ann.pk}/"))
    assert len(first.all("meter")) == 48 * 4
    older = first.one("a", rel="next").attributes["href"]
    second = read(client.get(older))
    assert len(second.all("meter")) == 2 * 4
    assert second.one("main").text.count("of 120") == 2


@pytest.mark.parametrize("by_person", [False, True])
def test_the_number_of_queries_does_not_grow(client, auditor, by_person):
    people = [make_user("Support") for _ in range(20)]
    path = f"{INDEX}{people[0].pk}/" if by_person else INDEX
    store_use(people[0], asked_at=timezone.now())
    client.get(path)
    counts = []
    for more in ([], people[1:]):
        for number, person in enumerate(more):
            store_use(person, asked_at=timezone.now())
            store_use(people[0], hour=current_hour() - timedelta(hours=number + 1))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_personal_data_is_masked(client):
    viewer = make_user("Manager")
    role = viewer.groups.get()
    role.permissions.remove(role.permissions.get(codename="view_personal"))
    client.force_login(viewer)
    store_use(make_user("Support", username="ann@example.com"))
    assert "ann@example.com" not in client.get(INDEX).content.decode()


@pytest.mark.parametrize("role", ["Viewer", "Support"])
def test_who_may_not_view_the_trail_may_not_view_it_and_has_no_tab(client, role):
    agent = make_user(role)
    client.force_login(agent)
    answer = client.get(INDEX)
    assert_denied(answer, "users.view_auditevent", actor=agent, action="view_audit")
    assert client.get(f"{INDEX}{agent.pk}/").status_code == 403
    assert INDEX not in client.get("/staff/").content.decode()


def test_the_tab(client, auditor):
    assert INDEX in client.get("/staff/").content.decode()


def test_signed_out(client):
    assert_sent_to_sign_in(client, INDEX)
    assert_sent_to_sign_in(client, f"{INDEX}1/")


def test_bad_ids(client, auditor):
    assert_not_found(client, INDEX + "{}/", methods=("get",))


@pytest.mark.parametrize(
    "query",
    ["day=soon", "day=2026-02-30", "day=%00", "day=2026-01-01&day=2026-01-02", "x=1", "after=-1"],
)
def test_bad_days(client, auditor, query):
    assert client.get(f"{INDEX}?{query}").status_code == 400


@pytest.mark.parametrize("before", ["x", "-1", "9" * 17, "%ED%A0%80"])
def test_bad_hours(client, auditor, before):
    assert client.get(f"{INDEX}{auditor.pk}/?before={before}").status_code == 400


def test_other_methods(client, auditor):
    assert_wrong_method(client, INDEX, allowed="GET, HEAD")
    assert_wrong_method(client, f"{INDEX}{auditor.pk}/", allowed="GET, HEAD")
