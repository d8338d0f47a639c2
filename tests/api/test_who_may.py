"""Each page and its operation, by every role: the same answer, and the same masks."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.account_rows import row
from tests.api.calls import Program, problem, program
from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.roles import ROLES
from tests.tokens.builders import make_service
from tests.verbs.verb_cases import CASES
from users.access_setup import ALL_ROLES
from users.api.verb_calls import API_VERBS
from users.database.clock import current_time
from users.exceptions import JobRefused
from users.jobs.engine import resume_job
from users.jobs.models import Job, JobItem
from users.jobs.worker import NextStep, TimeSlice, claim_job
from users.models import User
from users.tokens.changes import revoke_token
from users.tokens.models import ApiToken, ProvisioningScope

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of roles, and not of the database

# The page, and the operation that shows the same.
PAIRS = {
    "/users/": "/accounts",
    "/users/count/": "/accounts/count",
    "/users/{id}/": "/accounts/{id}",
    "/users/{id}/history/": "/accounts/{id}/events",
    "/users/{id}/sign-ins/": "/accounts/{id}/sign-ins",
    "/users/{id}/sign-ins/?": "/accounts/{id}/sessions",
    "/users/{id}/mail/": "/accounts/{id}/emails",
    "/jobs/": "/jobs",
    "/jobs/{job}/": "/jobs/{job}",
    "/api/openapi.json": "/openapi.json",
}


@pytest.fixture
def zelda():
    return make_user(
        username="zelda",
        email="zelda.hidden@hidden.example",
        phone="+447700900123",
    )


def page_client(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


@pytest.mark.parametrize("role", ALL_ROLES)
def test_a_page_and_its_operation_answer_alike(role, zelda):
    job = Job.objects.create(kind="suspend", by=make_user("Manager"), by_text="Mia")
    client = page_client(role)
    sender = program(role)
    for page, operation in PAIRS.items():
        names = {"id": zelda.pk, "job": job.pk}
        shown = client.get(page.format(**names))
        answered = sender.get(operation.format(**names))
        assert answered.status_code == shown.status_code, (page, role)
        secret = b"zelda.hidden@hidden.example"
        if page in ("/users/", "/users/{id}/"):
            assert (secret in answered.content) == (secret in visible_text(shown)), (page, role)


def visible_text(response: Any) -> bytes:
    """Returns the page without the tags in which addresses may break."""
    return response.content.replace(b"<wbr>", b"")


@pytest.mark.parametrize("role", ALL_ROLES)
def test_every_field_is_masked_by_the_permission_alone(role, zelda):
    found = program(role).get(f"/accounts/{zelda.pk}").json()
    listed = program(role).get("/accounts?q=zelda&fields=email,phone").json()["accounts"][0]
    sees = "view_personal" in ROLES[role]
    assert (found["email"] == zelda.email, found["phone"] == zelda.phone) == (sees, sees)
    assert (listed["email"], listed["phone"]) == (found["email"], found["phone"])


@pytest.mark.parametrize("role", ALL_ROLES)
@pytest.mark.parametrize("target", ["ordinary", "staff", "superuser"])
def test_a_verb_is_allowed_alike_by_form_and_operation(role, target):
    sender = program(role)
    client = page_client(role)
    for path in API_VERBS:
        account = verb_target(target)
        page = client.post(f"/users/{account.pk}/{path}/", {"version": "x"})
        answer = sender.post(f"/accounts/{account.pk}/{path}", {"version": "x"})
        # Neither has valid values, so nobody changes anything; a refusal comes first. No token may
        # change staff.
        refused = page.status_code == 403 or target == "staff"
        assert (answer.status_code == 403) == refused, (path, role, target)
        assert User.objects.get(pk=account.pk).version == account.version


# The page of each change that has a form of its own, its operation, and what is sent.
OWN_FORMS = {
    "/users/{id}/edit/": ("patch", "/accounts/{id}", {"first_name": "X"}),
    "/users/{id}/invitation/": ("post", "/accounts/{id}/invitation", {}),
    "/users/{id}/sessions/end/": ("post", "/accounts/{id}/sessions/end", {}),
    "/users/{id}/lockout/end/": ("post", "/accounts/{id}/lockout/end", {}),
    "/users/{id}/reveal/": ("post", "/accounts/{id}/reveal", {}),
    "/users/new/": ("post", "/accounts", {"username": "x y"}),
}


@pytest.mark.parametrize("role", ALL_ROLES)
@pytest.mark.parametrize("target", ["ordinary", "staff", "superuser"])
def test_a_change_with_its_own_form_is_allowed_alike(role, target):
    sender = program(role)
    client = page_client(role)
    for page, (method, operation, sent) in OWN_FORMS.items():
        account = verb_target(target)
        shown = client.post(page.format(id=account.pk), {"version": "x"})
        answer = getattr(sender, method)(operation.format(id=account.pk), sent)
        changes_staff = target == "staff" and "{id}" in page and "reveal" not in page
        refused = shown.status_code == 403 or changes_staff
        assert (answer.status_code == 403) == refused, (page, role, target)
        assert answer.status_code != 200
        assert User.objects.get(pk=account.pk).version == account.version


def verb_target(kind: str) -> User:
    if kind == "superuser":
        return make_superuser()
    return make_user("Support" if kind == "staff" else "")


ATTACKS = [
    "suspend",
    "reinstate",
    "delete",
    "restore",
    "set_end_date",
    "send_password_reset",
    "edit",
    "invite_again",
    "end_sessions",
    "end_lockout",
]


@pytest.mark.parametrize("above", ["superuser", "Administrator"])
@pytest.mark.parametrize("name", ATTACKS)
def test_a_verb_does_not_reach_above(name, above):
    case = CASES[name]
    sender = program("Manager")
    is_root = above == "superuser"
    target = make_superuser(**case.fields) if is_root else make_user(above, **case.fields)
    case.make(target, sender.holder)
    before = row(target)
    sent = json.loads(json.dumps({"version": 1} | case.sent, default=str))
    path = f"/accounts/{target.pk}/{case.path}".removesuffix("/edit/").removesuffix("/")
    send = sender.patch if name == "edit" else sender.post
    assert send(path, sent).status_code == 403
    assert row(target) == before


@pytest.mark.parametrize("above", ["superuser", "Administrator"])
def test_a_job_does_not_reach_above(above):
    is_root = above == "superuser"
    fields = {"source": "hr", "source_id": "1"}
    target = make_superuser(**fields) if is_root else make_user(above, **fields)
    before = row(target)
    sent = {
        "action": "suspension",
        "filter": "source=hr",
        "count": 1,
        "values": {"reason": "Mine"},
    }
    answer = program("Manager").post("/jobs", sent)
    assert (answer.status_code, answer.json()["current_count"]) == (409, 0)
    assert row(target) == before


def test_a_job_has_no_more_power_than_the_token_that_started_it():
    root = make_superuser()
    person = make_user(source="hr")
    agent = make_user("Support", source="hr")
    sender = Program(root, "view_user", "suspend_user")
    body = {"action": "suspension", "filter": "source=hr", "count": 1, "values": {"reason": "x"}}
    job = Job.objects.get(pk=sender.post("/jobs", body).json()["id"])
    assert (job.by, job.permissions) == (root, ["users.suspend_user", "users.view_user"])
    job = work(job)
    assert (job.changed, job.skipped) == (1, 1)
    assert User.objects.get(pk=person.pk).status == "suspended"
    assert User.objects.get(pk=agent.pk).status == "active"
    refused = JobItem.objects.get(job=job, outcome="skipped")
    assert (refused.account_id, "manage staff" in refused.reason) == (agent.pk, True)


def test_a_job_stops_once_the_token_that_started_it_is_revoked():
    root = make_superuser()
    people = [make_user(source="hr") for _ in range(2)]
    sender = Program(root, "view_user", "suspend_user")
    body = {"action": "suspension", "filter": "source=hr", "count": 2, "values": {"reason": "x"}}
    job = Job.objects.get(pk=sender.post("/jobs", body).json()["id"])
    Job.objects.filter(pk=job.pk).update(size=1)
    claimed = TimeSlice(claim_job())
    assert claimed.step() == NextStep.CONTINUE
    revoke_token(ApiToken.objects.get(), by=root)
    assert claimed.step() == NextStep.STOP
    job.refresh_from_db()
    assert (job.state, job.changed) == ("parked", 1)
    assert job.note.startswith("The API token that started this job was revoked.")
    assert User.objects.get(pk=people[1].pk).status == "active"
    with pytest.raises(JobRefused, match="was revoked"):
        resume_job(job, by=root)
    browser = Client()
    browser.force_login(root)
    page = browser.get(f"/jobs/{job.pk}/").content.decode()
    assert f"/jobs/{job.pk}/cancellation/" in page
    assert "/pause/end/" not in page


def test_a_job_goes_on_after_its_token_was_deleted():
    make_user(source="hr")
    sender = Program(make_superuser(), "view_user", "suspend_user")
    body = {"action": "suspension", "filter": "source=hr", "count": 1, "values": {"reason": "x"}}
    job = Job.objects.get(pk=sender.post("/jobs", body).json()["id"])
    ApiToken.objects.all().delete()
    assert work(job).changed == 1


def test_a_job_goes_on_after_its_token_has_expired():
    make_user(source="hr")
    sender = Program(make_superuser(), "view_user", "suspend_user")
    body = {"action": "suspension", "filter": "source=hr", "count": 1, "values": {"reason": "x"}}
    job = Job.objects.get(pk=sender.post("/jobs", body).json()["id"])
    ApiToken.objects.update(ends_at=current_time())
    assert work(job).changed == 1


def test_a_job_searches_no_more_than_the_token_that_started_it():
    root = make_superuser()
    make_user(username="ada", email="ada@hidden.example")
    sender = Program(root, "view_user", "suspend_user")
    body = {"action": "suspension", "filter": "q=hidden.example", "values": {"reason": "x"}}
    assert sender.post("/jobs", body | {"count": 1}).json()["current_count"] == 0
    whole = body | {"filter": "q=ada@hidden.example", "count": 1}
    job = Job.objects.get(pk=sender.post("/jobs", whole).json()["id"])
    Job.objects.filter(pk=job.pk).update(selection="all=1&q=hidden.example")
    assert work(job).selected == 0


def test_a_token_cannot_approve_or_open_pages():
    sender = Program(make_service("Administrator"))
    job = Job.objects.create(kind="suspend", state="waiting", by=make_user("Manager"))
    for path in (f"/jobs/{job.pk}/approval/", "/users/", "/api/"):
        assert sender.client.get(path).status_code in (302, 404)
    assert sender.post(f"/jobs/{job.pk}/approval").status_code == 404
    assert Job.objects.get(pk=job.pk).state == "waiting"


def test_a_token_of_an_identity_provider_reaches_no_accounts_of_others():
    other = make_user(first_name="Zelda")
    scope = ProvisioningScope(source="okta", domains=("example.org",))
    sender = Program(make_service("Manager"), provisioning=scope)
    for path in ("/accounts", f"/accounts/{other.pk}", "/jobs", "/openapi.json", "/x"):
        found = problem(sender.get(path), 403)
        assert "/scim/v2/" in found["detail"]
    problem(sender.patch(f"/accounts/{other.pk}", {"first_name": "New", "version": 1}), 403)
    other.refresh_from_db()
    assert other.first_name == "Zelda"
