"""The examples of the description, as a developer would copy and send them."""

from typing import Any

import pytest

from tests.api.calls import Program, program
from tests.builders import PASSWORD, make_user
from tests.verbs.verb_cases import CASES, Case
from users.api.description import openapi_description
from users.models import User
from users.sessions.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of texts, and not of the database

VERSION = 3
PREFIX = "/api/v1"
# Paths of operations by those of pages, where they differ.
PATHS = {
    "edit/": ("patch", ""),
    "sessions/{public_id}/end/": ("post", "/sessions/{session_id}/end"),
}


def body_example(method: str, path: str) -> Any:
    """Returns the example of an operation's body; {} for an operation without a body."""
    operation = openapi_description()["paths"][f"{PREFIX}{path}"][method]
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example", {})


def operation_of(case: Case) -> tuple[str, str]:
    method, path = PATHS.get(case.path, ("post", f"/{case.path.rstrip('/')}"))
    return method, f"/accounts/{{account_id}}{path}"


def known_cases() -> list[str]:
    described = openapi_description()["paths"]
    return [name for name, case in CASES.items() if f"{PREFIX}{operation_of(case)[1]}" in described]


@pytest.fixture
def sender() -> Program:
    return program("Manager")


@pytest.mark.parametrize("name", known_cases())
def test_the_example_of_a_change_changes_an_account(name, sender):
    case = CASES[name]
    fields = {"password": PASSWORD, "version": VERSION} | case.fields
    account = make_user(**fields)
    made = case.make(account, sender.holder)
    method, path = operation_of(case)
    session_id = made.public_id if isinstance(made, Session) else ""
    sent = body_example(method, path)
    url = path.format(account_id=account.pk, session_id=session_id)
    answer = getattr(sender, method)(url, sent)
    assert answer.status_code == 200, answer.content


def test_the_example_of_an_invitation_creates_an_account(sender):
    sent = body_example("post", "/accounts")
    assert sender.post("/accounts", sent).status_code == 201
    assert User.objects.filter(email=sent["email"]).exists()


def test_the_example_of_a_reveal_reveals():
    account = make_user()
    sent = body_example("post", "/accounts/{account_id}/reveal")
    answer = program("Viewer").post(f"/accounts/{account.pk}/reveal", sent)
    assert answer.json()["email"] == account.email


def test_the_example_of_a_job_starts_one(sender):
    make_user(email="ada@example.com")
    sent = body_example("post", "/jobs")
    found = sender.post("/jobs", sent).json()
    assert found["expected_count"] == sent["count"]
    again = sender.post("/jobs", sent | {"count": found["current_count"]})
    assert (again.status_code, again.json()["state"]) == (201, "queued")
