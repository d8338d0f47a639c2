"""POST /jobs/<id>/pause/, pause/end/, cancellation/, retry/"""

import pytest

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_user
from tests.jobs.kinds import start
from tests.pages import form, read
from users.jobs import worker
from users.jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]
NAMES = ["pause/", "pause/end/", "cancellation/", "retry/"]


@pytest.fixture
def support(client, agent):
    client.force_login(agent)
    return agent


@pytest.fixture
def job(support) -> Job:
    return start(support)


def state(job: Job) -> str:
    return Job.objects.get(pk=job.pk).state


def test_a_job_is_paused_and_resumed(client, job):
    path = f"/jobs/{job.pk}/"
    assert form(client.get(path), f"{path}pause/") == {}
    page = read(client.post(f"{path}pause/", follow=True))
    assert page.one("p", class_="note success").text == "The job pauses after the current batch."
    assert state(job) == "paused"
    assert form(client.get(path), f"{path}pause/end/") == {}
    assert client.post(f"{path}pause/end/").status_code == 302
    assert state(job) == "queued"


def test_a_job_is_cancelled_after_a_question(client, job):
    path = f"/jobs/{job.pk}/cancellation/"
    question = client.get(path)
    assert form(question, path) == {}
    assert "It has not started; nothing was changed." in read(question).one("main").text
    assert state(job) == "queued"
    assert client.post(path)["Location"] == f"/jobs/{job.pk}/"
    assert state(job) == "cancelled"
    page = read(client.get(f"/jobs/{job.pk}/"))
    assert not page.one("main").all("form")


def test_a_job_that_waits_for_approval_is_withdrawn(client, job):
    Job.objects.filter(pk=job.pk).update(state="waiting")
    path = f"/jobs/{job.pk}/cancellation/"
    assert read(client.get(f"/jobs/{job.pk}/")).one("a", href=path).text == "Withdraw"
    page = read(client.get(path)).one("main")
    assert "It has not started; nothing was changed." in page.text
    assert page.one("button").text == "Withdraw request"
    assert "batch" not in page.text
    done = read(client.post(path, follow=True)).one("p", class_="note success")
    assert done.text == "Request withdrawn. Nothing was changed."


def test_those_that_failed_are_tried_again_once_however_often_it_is_clicked(
    client, support, accounts
):
    job = start(support, parameters={"raises": accounts[7].pk})
    worker.work_time_slice()
    path = f"/jobs/{job.pk}/retry/"
    assert form(client.get(f"/jobs/{job.pk}/"), path) == {}
    first = client.post(path)
    second = client.post(path)
    again = Job.objects.latest("pk")
    assert first["Location"] == second["Location"] == f"/jobs/{again.pk}/"
    assert (again.parent, Job.objects.count()) == (job, 2)
    assert read(client.get(f"/jobs/{job.pk}/")).one("a", href=f"/jobs/{again.pk}/")


@pytest.mark.parametrize("name", NAMES)
def test_what_the_state_does_not_allow_is_a_conflict(client, job, support, name):
    Job.objects.filter(pk=job.pk).update(state="cancelled")
    response = client.post(f"/jobs/{job.pk}/{name}")
    assert response.status_code == 409
    assert read(response).one("a", class_="button", href=f"/jobs/{job.pk}/")
    assert state(job) == "cancelled"


@pytest.mark.parametrize("name", ["pause/", "cancellation/"])
def test_the_jobs_of_others_take_a_permission(client, job, name):
    colleague = make_user("Support")
    client.force_login(colleague)
    assert not read(client.get(f"/jobs/{job.pk}/")).one("main").all("form")
    assert_denied(
        client.post(f"/jobs/{job.pk}/{name}"),
        "users.control_job",
        actor=colleague,
        action="control_jobs",
    )
    assert state(job) == "queued"
    client.force_login(make_user("Manager"))
    assert client.post(f"/jobs/{job.pk}/{name}").status_code == 302


def test_retrying_takes_the_right_to_the_work_itself(client, support, accounts):
    job = start(support, parameters={"raises": accounts[7].pk})
    worker.work_time_slice()
    auditor = make_user("Auditor")
    client.force_login(auditor)
    assert_denied(
        client.post(f"/jobs/{job.pk}/retry/"), "users.edit_user", actor=auditor, action="edit"
    )
    assert Job.objects.count() == 1


@pytest.mark.parametrize("name", NAMES)
def test_who_may_not_see_it_may_not_control_it(client, job, name):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    assert_denied(
        client.post(f"/jobs/{job.pk}/{name}"), "users.view_job", actor=viewer, action="view_jobs"
    )
    assert state(job) == "queued"


@pytest.mark.parametrize("name", NAMES)
def test_each_address_climbs_the_ladder(client, job, name):
    assert_not_found(client, f"/jobs/{{}}/{name}", methods=("post",))
    assert_wrong_method(
        client, f"/jobs/{job.pk}/{name}", allowed="GET, HEAD, POST" if "cancel" in name else "POST"
    )


@pytest.mark.parametrize("name", NAMES)
def test_strangers_are_sent_to_sign_in(client, name):
    assert_sent_to_sign_in(client, f"/jobs/1/{name}", methods=("post",))
