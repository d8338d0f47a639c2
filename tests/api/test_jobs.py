"""GET and POST /api/v1/jobs"""

import pytest

from tests.api.calls import problem, program
from tests.builders import make_user
from users.api.description import openapi_description
from users.audit.models import AuditEvent
from users.bulk.registry import ACTIONS_BY_SLUG
from users.jobs.models import Job
from users.models import State, User

pytestmark = pytest.mark.django_db
BODY = {
    "action": "suspension",
    "filter": "source=hr",
    "count": 3,
    "values": {"reason": "Left"},
}


@pytest.fixture
def leavers():
    return [make_user(source="hr", source_id=f"e{number}") for number in range(3)]


@pytest.mark.usefixtures("leavers")
def test_a_job_is_started_once():
    ada = program("Manager")
    response = ada.post("/jobs", BODY | {"key": "leavers"})
    assert response.status_code == 201
    job = Job.objects.get()
    assert (job.by_id, job.reason, job.state) == (ada.holder.pk, "Left", "queued")
    assert response["Location"] == f"/api/v1/jobs/{job.pk}"
    again = ada.post("/jobs", BODY | {"key": "leavers"})
    assert (again.status_code, again.json()["id"]) == (200, job.pk)
    assert Job.objects.count() == 1
    assert ada.get("/jobs").json()["jobs"][0]["id"] == job.pk
    assert ada.get(f"/jobs/{job.pk}").json()["planned"] == 3


@pytest.mark.usefixtures("leavers")
def test_another_count_is_a_conflict():
    ada = program("Manager")
    found = problem(ada.post("/jobs", BODY | {"count": 2}), 409)
    assert (found["expected_count"], found["current_count"]) == (2, 3)
    assert not Job.objects.exists()


@pytest.mark.usefixtures("leavers")
def test_a_large_job_waits_for_a_person(settings):
    settings.BULK_APPROVAL_ABOVE = 2
    ada = program("Manager")
    assert ada.post("/jobs", BODY).json()["state"] == "waiting"
    assert not User.objects.filter(status=State.SUSPENDED).exists()


@pytest.mark.usefixtures("leavers")
def test_many_accounts_without_approval_need_a_person(settings):
    settings.SUDO_BULK_ABOVE = 2
    problem(program("Manager").post("/jobs", BODY), 403)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"action": "suspensions"}, "/action"),
        ({"action": ["suspension"]}, "/action"),
        ({"filter": "sorce=hr"}, "/filter"),
        ({"filter": "status=odd"}, "/filter"),
        ({"filter": "source=hr&source=crm"}, "/filter"),
        ({"filter": "source"}, "/filter"),
        ({"filter": None}, "/filter"),
        ({"count": "3"}, "/count"),
        ({"count": True}, "/count"),
        ({"values": {}}, "/values/reason"),
        ({"values": {"resaon": "x"}}, "/values/resaon"),
        ({"values": ["reason"]}, "/values"),
        ({"key": 7}, "/key"),
        ({"kye": "x"}, "/kye"),
    ],
)
@pytest.mark.usefixtures("leavers")
def test_bad_input_is_named(change, pointer):
    found = problem(program("Manager").post("/jobs", BODY | change), 422)
    assert found["errors"][0]["pointer"] == pointer
    assert not Job.objects.exists()


@pytest.mark.usefixtures("leavers")
def test_wrong_roles_are_refused():
    problem(program("Viewer").post("/jobs", BODY), 403)
    problem(program("Administrator").post("/jobs", BODY | {"action": "erasure"}), 403)
    assert not Job.objects.exists()


@pytest.mark.usefixtures("leavers")
def test_the_description_has_the_actions_that_a_token_can_start():
    operation = openapi_description()["paths"]["/api/v1/jobs"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    offered = set(schema["properties"]["action"]["enum"])
    assert {"suspension", "deletion"} <= offered
    ada = program("Administrator")
    sent = BODY | {"values": {}, "count": 0}
    for slug in ACTIONS_BY_SLUG:
        status = 422 if slug in offered else 403
        problem(ada.post("/jobs", sent | {"action": slug}), status)


@pytest.mark.parametrize("scopes", [(), ("view_user", "export_user")])
@pytest.mark.usefixtures("leavers")
def test_no_token_starts_an_export(scopes):
    sender = program("Manager", *scopes)
    sent = BODY | {"action": "export", "values": {"columns": ["name"], "reason": "Audit"}}
    problem(sender.post("/jobs", sent), 403)
    assert not Job.objects.exists()


def test_the_jobs_of_others_are_not_shown():
    job = Job.objects.create(kind="suspend", by=make_user("Manager"))
    ada = program("Viewer")
    problem(ada.get(f"/jobs/{job.pk}"), 403)
    problem(ada.get("/jobs/999999"), 403)
    assert ada.get("/jobs").json()["jobs"] == []
    problem(program("Manager").get("/jobs/999999"), 404)


def test_privileged_fields_in_the_values_are_recorded():
    sender = program("Manager")
    values = {"reason": "Left", "is_staff": True}
    sent = {"action": "suspension", "filter": "", "count": 1, "values": values}
    problem(sender.post("/jobs", sent), 422)
    event = AuditEvent.objects.get(action="denied")
    assert event.after["fields"] == ["is_staff"]
    assert not Job.objects.exists()
