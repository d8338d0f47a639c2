"""GET /jobs/<id>/ and /jobs/<id>/left-out.csv"""

import csv

import pytest

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_user
from tests.jobs.kinds import Stamp, park, start
from tests.pages import read
from users.jobs import queries, worker
from users.jobs.kinds import JobLink
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]
PART = {"HX-Request": "true"}


@pytest.fixture
def support(client, agent):
    client.force_login(agent)
    return agent


@pytest.fixture
def done(support, accounts, root) -> Job:
    """One failed, one was skipped, one was so already, and the others are changed."""
    User.objects.filter(pk=accounts[3].pk).update(phone="1", first_name="=Ada", username="=ada")
    job = start(support, parameters={"raises": accounts[7].pk}, words="all accounts", expected=32)
    worker.work_time_slice()
    job.refresh_from_db()
    return job


def path(job: Job) -> str:
    return f"/jobs/{job.pk}/"


def counts(page) -> dict[str, str]:
    return {
        each.one("dt").text: each.one("dd").text
        for each in page.one("dl", class_="counts").all("div")
    }


def test_what_by_whom_why_and_what_became_of_it(client, support, done, accounts):
    page = read(client.get(path(done)))
    assert page.one("h1").text == "Stamp"
    assert counts(page) == {
        "Changed": "29",
        "Unchanged": "1",
        "Skipped": "1",
        "Failed": "1",
        "Total": "32",
    }
    facts = page.one("dl", class_="facts").text
    for words in ("all accounts", support.username, "A test"):
        assert words in facts
    lines = [line.text for line in page.one("ol", class_="events").all("p")]
    assert lines == ["Done: 29 changed, 1 skipped, 1 failed, 1 unchanged.", "Queued."]
    assert page.one("progress").attributes["value"] == "100"
    left_out = page.one("section", class_="left-out")
    row = [cell.text for cell in left_out.one("tbody").all("td")]
    assert row == [accounts[7].display_name, "ValueError: this one can’t be stamped"]
    assert not page.all(hx_trigger="load delay:2s")


def test_a_running_job_tells_its_progress_until_it_has_ended(client, support, accounts):
    job = start(support, expected=100)
    Job.objects.filter(pk=job.pk).update(state="running", selected=40, changed=40, rate=12.5)
    page = read(client.get(path(job)))
    progress = page.one("div", class_="progress")
    assert progress.attributes["hx-get"] == path(job)
    assert progress.one("progress").attributes["value"] == "40"
    assert "12 per second · 5 s left" in progress.text
    part = client.get(path(job), headers=PART)
    assert read(part).children[0].attributes == progress.attributes
    assert "HX-Refresh" not in part
    Job.objects.filter(pk=job.pk).update(state="done")
    part = client.get(path(job), headers=PART)
    assert part["HX-Refresh"] == "true"
    assert "hx-get" not in read(part).one("div", class_="progress").attributes


def test_a_parked_job_says_why(client, support):
    job = start(support)
    park(job, "Three <deaths>")
    page = read(client.get(path(job)))
    assert page.one("p", class_="note error").text == "Three <deaths>"
    lines = [line.text for line in page.one("ol", class_="events").all("p")]
    assert lines == ["Stopped after errors: Three <deaths>", "Queued."]


def test_those_left_out_are_paged_by_their_ids(
    client, support, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(queries, "PAGE_SIZE", 10)
    monkeypatch.setattr(queries.list_items, "__defaults__", (0, 10))
    job = start(support)
    ids = list(User.objects.order_by("pk").values_list("pk", flat=True)[:25])
    JobItem.objects.bulk_create(
        JobItem(job=job, account_id=pk, outcome="skipped", reason=f"r{pk}") for pk in ids
    )
    Job.objects.filter(pk=job.pk).update(selected=25, skipped=25)
    found = []
    address = path(job)
    while address:
        page = read(client.get(address))
        found.append(
            [
                int(row.all("td")[1].text[1:])
                for row in page.one("section", class_="left-out").one("tbody").all("tr")
            ]
        )
        links = page.all("a", rel="next")
        address = links[0].attributes["href"].partition("#")[0] if links else ""
    assert found == [ids[:10], ids[10:20], ids[20:]]


def test_the_csv_has_all_that_were_left_out_and_runs_nothing(
    client, support, done, accounts, root, monkeypatch
):
    monkeypatch.setattr(queries, "REPORT_BATCH", 1)
    JobItem.objects.create(job=done, account=accounts[3], outcome="skipped", reason="+1")
    response = client.get(f"{path(done)}left-out.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(response)
    assert content.startswith(b"\xef\xbb\xbfaccount,"), "the mark by which Excel knows UTF-8"
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    why = JobItem.objects.get(job=done, account=root).sentence
    assert rows == [
        ["account", "username", "outcome", "reason"],
        [
            str(accounts[7].pk),
            accounts[7].username,
            "failed",
            "ValueError: this one can’t be stamped",
        ],
        [str(accounts[3].pk), "'=ada", "skipped", "'+1"],
        [str(root.pk), root.username, "skipped", why],
    ]


def test_a_kind_has_links_to_what_else_can_be_done(client, done, monkeypatch):
    monkeypatch.setattr(
        Stamp,
        "links",
        lambda self, job, viewer: [JobLink(f"/jobs/{job.pk}/undo/", "Undo", "undo")],
    )
    assert read(client.get(path(done))).one("a", href=f"/jobs/{done.pk}/undo/").text == "Undo"


def test_a_job_of_a_kind_that_is_gone_is_shown_all_the_same(client, done):
    Job.objects.filter(pk=done.pk).update(kind="gone")
    assert read(client.get(path(done))).one("h1").text == "gone"


def test_the_starter_sees_their_job_without_the_permission_and_others_do_not(client, done, support):
    support.groups.set(make_user("Viewer").groups.all())
    assert client.get(path(done)).status_code == 200
    other = make_user("Viewer")
    client.force_login(other)
    for address in (path(done), f"{path(done)}left-out.csv"):
        assert_denied(client.get(address), "users.view_job", actor=other, action="view_jobs")


@pytest.mark.parametrize(
    "query", ["outcome=changed", "after=x", "page=2", "outcome=failed&outcome=failed"]
)
def test_an_address_that_means_nothing_is_refused(client, done, query):
    assert client.get(f"{path(done)}?{query}").status_code == 400


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/jobs/1/", background=True)


def test_an_unknown_id_is_not_found(client, support):
    assert_not_found(client, "/jobs/{}/", methods=("get",))
    assert_not_found(client, "/jobs/{}/left-out.csv", methods=("get",))


def test_other_methods_are_refused(client, done):
    assert_wrong_method(client, path(done), allowed="GET, HEAD")
    assert_wrong_method(client, f"{path(done)}left-out.csv", allowed="GET, HEAD")
