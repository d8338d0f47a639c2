"""GET /jobs/ and /jobs/running/"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user
from tests.jobs.kinds import start
from tests.pages import read
from users.jobs import engine, queries, worker
from users.jobs.models import Job, WorkerBeat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]


@pytest.fixture
def support(client, agent):
    client.force_login(agent)
    WorkerBeat.objects.create(cluster="main")
    return agent


def listed(response) -> list[tuple[str, ...]]:
    """Address, title, state and number of each row."""
    rows = read(response).one("table").one("tbody").all("tr")
    return [
        (
            row.all("a")[0].attributes["href"],
            row.all("a")[0].text,
            row.one("td", class_="c-state").text,
            row.one("td", class_="c-count").text,
        )
        for row in rows
    ]


def test_jobs_are_listed_newest_first(client, support, root):
    done = start(root, words="all accounts")
    worker.work_time_slice()
    queued = start(support, expected=1234, words="active accounts")
    assert listed(client.get("/jobs/")) == [
        (f"/jobs/{queued.pk}/", "Stamp", "Queued", "0 of 1,234"),
        (f"/jobs/{done.pk}/", "Stamp", "Done", "32 changed"),
    ]
    assert [row[0] for row in listed(client.get("/jobs/?state=done"))] == [f"/jobs/{done.pk}/"]
    assert [row[0] for row in listed(client.get("/jobs/?state=open"))] == [f"/jobs/{queued.pk}/"]
    assert (
        read(client.get("/jobs/?state=parked")).one("div", class_="empty").one("h2").text
        == "No matching jobs"
    )


def test_a_page_leads_to_older_ones_and_costs_the_same(
    client, support, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(engine, "JOBS_PER_PERSON", 100)
    jobs = [start(support, key=f"{number}") for number in range(5)]
    monkeypatch.setattr(queries, "PAGE_SIZE", 2)
    client.get("/jobs/")
    with django_assert_num_queries(4):
        first = client.get("/jobs/")
    pages = []
    address = "/jobs/"
    while address:
        page = client.get(address)
        pages.append([row[0] for row in listed(page)])
        links = read(page).all("a", rel="next")
        address = links[0].attributes["href"] if links else ""
    assert pages == [
        [f"/jobs/{job.pk}/" for job in jobs[::-1][start_ : start_ + 2]] for start_ in (0, 2, 4)
    ]
    assert listed(first) == listed(client.get("/jobs/"))


def test_who_may_not_see_all_jobs_sees_their_own(client, root, accounts):
    start(root)
    viewer = make_user("Viewer")
    client.force_login(viewer)
    page = read(client.get("/jobs/"))
    assert (
        page.one("h1").text,
        page.one("div", class_="empty").one("h2").text,
    ) == ("Your jobs", "No jobs yet")
    own = start(root)
    Job.objects.filter(pk=own.pk).update(by=viewer)
    assert [row[0] for row in listed(client.get("/jobs/"))] == [f"/jobs/{own.pk}/"]


def test_it_says_since_when_there_is_no_worker(client, support):
    assert not read(client.get("/jobs/")).all("p", class_="note")
    WorkerBeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert (
        "No worker has responded since" in read(client.get("/jobs/")).one("p", class_="note").text
    )
    WorkerBeat.objects.all().delete()
    assert "No worker is running" in read(client.get("/jobs/")).one("p", class_="note").text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("state=odd", "Allowed values"),
        ("before=x", "whole number"),
        ("before=-1", "whole number"),
        ("page=2", "This parameter is unknown."),
    ],
)
def test_an_address_that_means_nothing_is_named(client, support, query, says):
    response = client.get(f"/jobs/?{query}")
    assert response.status_code == 400
    assert says in read(response).one("main").text


def test_the_badge_counts_running_jobs_and_asks_again_only_while_there_are_any(
    client, support, root
):
    badge = read(client.get("/jobs/running/")).one("span")
    assert badge.attributes == {"class": "running", "id": "running-jobs"}
    queries.caches["pages"].clear()
    jobs = [start(root), start(support)]
    badge = read(client.get("/jobs/running/")).all("span", class_="running")[0]
    assert badge.text.endswith("2")
    assert badge.attributes["hx-get"] == "/jobs/running/"
    engine.pause_job(jobs[0], by=root)
    queries.caches["pages"].clear()
    assert read(client.get("/jobs/running/")).all("span", class_="running")[0].text.endswith("1")


def test_the_badge_is_for_those_who_may_see_jobs(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert not read(client.get("/jobs/")).all(class_="running")
    assert_denied(client.get("/jobs/running/"), "users.view_job", actor=viewer, action="view_jobs")


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.get("/jobs/"), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/jobs/")


@pytest.mark.parametrize("path", ["/jobs/", "/jobs/running/"])
def test_other_methods_are_refused(client, support, path):
    assert_wrong_method(client, path, allowed="GET, HEAD")
