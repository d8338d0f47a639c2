"""GET /jobs/<id>/ and /jobs/<id>/not-changed.csv"""

import csv
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_user
from tests.jobs.kinds import Stamp, park, start
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.audit.models import AuditEvent
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
    assert page.one("h1").text == f"Stamp · Job {done.pk}"
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
    left_out = page.one("section", class_="job-accounts")
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
                for row in page.one("section", class_="job-accounts").one("tbody").all("tr")
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
    response = client.get(f"{path(done)}not-changed.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(response)
    assert content.startswith(b"\xef\xbb\xbfaccount,"), "the mark by which Excel knows UTF-8"
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    why = JobItem.objects.get(job=done, account=root).sentence
    assert rows == [
        ["account", "username", "outcome", "reason (UTC)"],
        [
            str(accounts[7].pk),
            accounts[7].username,
            "failed",
            "ValueError: this one can’t be stamped",
        ],
        [str(accounts[3].pk), "'=ada", "skipped", "'+1"],
        [str(root.pk), root.username, "skipped", why],
    ]


def test_those_changed_are_listed_with_their_accounts_and_events(client, support, done, accounts):
    page = read(client.get(f"{path(done)}?outcome=changed"))
    listed = page.one("section", class_="job-accounts")
    assert [tab.text for tab in listed.one("p").all("a")] == [
        "Failed 1",
        "Changed 29",
        "Skipped 1",
    ]
    changed = [
        account for account in accounts if account.pk not in (accounts[7].pk, accounts[3].pk)
    ]
    rows = [row.all("td") for row in listed.one("tbody").all("tr")]
    links = [row[0].one("a").attributes["href"] for row in rows]
    assert [f"/users/{account.pk}/" for account in changed[:5]] == links[:5]
    assert rows[0][1].text == changed[0].username
    assert_denied(
        client.get(f"{path(done)}changed.csv"), "users.export_user", actor=support, action="export"
    )
    client.force_login(make_user("Manager"))
    content = b"".join(client.get(f"{path(done)}changed.csv")).decode("utf-8-sig")
    event = AuditEvent.objects.get(action="job.list_downloaded")
    assert (event.job_id, event.after["list"]) == (done.pk, "changed")
    assert "Download CSV" in read(client.get(f"{path(done)}?outcome=changed")).text
    table = list(csv.reader(content.splitlines()))
    assert table[1] == [str(changed[0].pk), changed[0].username, "changed", ""]
    assert len(table) == 30
    assert not page.all("a", href=f"/audit/?job={done.pk}")  # Support may not see the trail
    client.force_login(make_user("Manager"))
    page = read(client.get(path(done)))
    [link] = page.all("a", href=f"/audit/?job={done.pk}")
    assert read(client.get(link.attributes["href"])).all("a", href=path(done))


def test_a_page_of_those_changed_is_a_range_of_an_index(support):
    job = start(support)
    items = [
        JobItem(job=job, account_id=pk, outcome="changed" if pk > 2990 else "skipped")
        for pk in range(1, 3001)
    ]
    JobItem.objects.bulk_create(items, batch_size=1000)
    [plan, *_] = plans(lambda: queries.list_items(job, "changed"))
    assert "job_items_by_outcome" in plan
    assert_no_sort(plan)


def test_a_masked_viewer_sees_masked_accounts(client, support, done, accounts):
    User.objects.filter(pk=accounts[0].pk).update(username="ada@example.org")
    viewer = make_user("Viewer")
    Job.objects.filter(pk=done.pk).update(by=viewer)
    client.force_login(viewer)
    assert "ada@example.org" not in read(client.get(f"{path(done)}?outcome=changed")).text
    viewer.user_permissions.add(Permission.objects.get(codename="export_user"))
    assert b"ada@example.org" not in b"".join(client.get(f"{path(done)}changed.csv"))


def test_without_scripts_a_running_job_has_a_link_to_refresh(client, support, done):
    assert not read(client.get(path(done))).all("a", class_="quiet unscripted")
    Job.objects.filter(pk=done.pk).update(state="running")
    link = read(client.get(path(done))).one("a", class_="quiet unscripted")
    assert (link.text, link.attributes["href"]) == ("Refresh", path(done))


def test_a_kind_has_links_to_what_else_can_be_done(client, done, monkeypatch):
    monkeypatch.setattr(
        Stamp,
        "links",
        lambda self, job, viewer: [JobLink(f"/jobs/{job.pk}/undo/", "Undo", "undo")],
    )
    assert read(client.get(path(done))).one("a", href=f"/jobs/{done.pk}/undo/").text == "Undo"


def test_a_job_of_a_kind_that_is_gone_is_shown_all_the_same(client, done):
    Job.objects.filter(pk=done.pk).update(kind="gone")
    assert read(client.get(path(done))).one("h1").text == f"gone · Job {done.pk}"


def test_the_starter_sees_their_job_without_the_permission_and_others_do_not(client, done, support):
    support.groups.set(make_user("Viewer").groups.all())
    assert client.get(path(done)).status_code == 200
    other = make_user("Viewer")
    client.force_login(other)
    for address in (path(done), f"{path(done)}not-changed.csv", f"{path(done)}changed.csv"):
        assert_denied(client.get(address), "users.view_job", actor=other, action="view_jobs")


@pytest.mark.parametrize(
    "query", ["outcome=unchanged", "after=x", "page=2", "outcome=failed&outcome=failed"]
)
def test_an_address_that_means_nothing_is_refused(client, done, query):
    assert client.get(f"{path(done)}?{query}").status_code == 400


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, "/jobs/1/", background=True)
    assert_sent_to_sign_in(client, "/jobs/1/changed.csv")


def test_an_unknown_id_is_not_found(client, support):
    assert_not_found(client, "/jobs/{}/", methods=("get",))
    assert_not_found(client, "/jobs/{}/not-changed.csv", methods=("get",))
    assert_not_found(client, "/jobs/{}/changed.csv", methods=("get",))


def test_whoever_may_not_see_jobs_is_told_the_same_of_those_that_there_are(client, done):
    client.force_login(make_user("Viewer"))
    there, missing = (client.get(f"/jobs/{pk}/") for pk in (done.pk, 999_999))
    assert there.status_code == missing.status_code == 403
    texts = [read(response).one("main").text for response in (there, missing)]
    assert texts[0] == texts[1]


def test_other_methods_are_refused(client, done):
    assert_wrong_method(client, path(done), allowed="GET, HEAD")
    assert_wrong_method(client, f"{path(done)}not-changed.csv", allowed="GET")
    assert_wrong_method(client, f"{path(done)}changed.csv", allowed="GET")


@pytest.mark.parametrize("cause", ["removed", "too old"])
def test_it_says_that_the_results_are_no_longer_kept(client, root, done, settings, cause):
    client.force_login(root)
    if cause == "removed":
        JobItem.objects.filter(job=done).delete()
    else:
        settings.JOB_ITEM_DAYS = 90
        Job.objects.filter(pk=done.pk).update(ended_at=timezone.now() - timedelta(days=91))
    page = read(client.get(path(done)))
    assert "have been deleted" in page.one(id="accounts").text
    assert counts(page)["Changed"] == "29"
    assert not page.all("a", href=f"{path(done)}changed.csv")
    assert not page.all("form", action=f"{path(done)}retry/")
    assert page.one(id="accounts").all("a", href=f"/audit/?job={done.pk}")
    for name in ("changed.csv", "not-changed.csv"):
        response = client.get(path(done) + name)
        assert response.status_code == 410
        assert "have been deleted" in response.text
    assert client.post(f"{path(done)}retry/").status_code == 409
