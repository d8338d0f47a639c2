"""Requests that are generated from the OpenAPI description, sent as every role: none fails, answers
have the form that the description says, and nobody sees what the role may not see.

API_EXAMPLES is the number for each operation, of valid and of invalid ones.
"""

import json
import os
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator

from tests.api.calls import Program, program
from tests.builders import PASSWORD, make_user
from users.access_setup import ALL_ROLES
from users.api.description import openapi_description
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User
from users.sessions.models import Session
from users.tokens.scopes import held_scopes

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of inputs, and not of the database

EXAMPLES = int(os.environ.get("API_EXAMPLES", "4"))
# A masked address keeps its domain.
PERSONAL = ("zelda.hidden", "7700900123")
JOB_REASON = "Merger with Initech"
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
WITHOUT_PERSONAL = "Manager whose token masks"


class Sender:
    """A program that sends generated requests, and knows what it may never see."""

    def __init__(self, role: str, zelda: User):
        self.program = program(role.partition(" ")[0])
        scopes = set(held_scopes(self.program.holder))
        if role == WITHOUT_PERSONAL:
            scopes.discard("view_personal")
            self.program = Program(self.program.holder, *sorted(scopes))
        self.account = zelda
        stored = Session.objects.get(account_id=zelda.pk)
        self.hidden = [zelda.password, stored.session_key, self.program.text]
        self.hidden += [] if "view_job" in scopes else [JOB_REASON]
        self.masked = [] if "view_personal" in scopes else [*PERSONAL]

    def send(self, case: Any) -> Any:
        """Returns the answer to a generated request, with the ID of an account that there is."""
        names = dict(case.path_parameters or {})
        if isinstance(names.get("account_id"), int):
            names["account_id"] = self.account.pk
        path = case.path
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", str(value).replace("/", "%2F") or "%20")
        headers = {name: str(value) for name, value in (case.headers or {}).items()}
        headers.pop("Authorization", None)
        options = {"query_params": dict(case.query or {}), "headers": headers}
        if isinstance(case.body, schemathesis.core.NotSet):
            return self.program.client.generic(case.method, path, **options)
        is_text = isinstance(case.body, str | bytes)
        body = case.body if is_text else json.dumps(case.body, default=str)
        client = self.program.client
        return client.generic(case.method, path, body, "application/json", **options)

    def check(self, response: Any, operation: dict[str, Any]) -> None:
        assert response.status_code < 500, response.content
        reveals = operation["operationId"] == "revealAccount"
        secrets = self.hidden if reveals else [*self.hidden, *self.masked]
        text = response.content.decode()
        assert not [secret for secret in secrets if secret in text]
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"
        if response.content:
            described = operation["responses"]
            found = described.get(str(response.status_code), described["default"])
            (content,) = found["content"].values()
            answer_validator(content["schema"]).validate(response.json())


def answer_validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Returns the validator of an answer, whose schema refers to the components."""
    return Draft202012Validator(schema | {"components": described_api()["components"]})


@cache
def described_api() -> dict[str, Any]:
    return openapi_description()


@pytest.mark.parametrize("role", [*ALL_ROLES, WITHOUT_PERSONAL])
def test_no_request_fails_or_shows_what_the_role_may_not_see(role):
    zelda = make_user(
        username="zelda.hidden@hidden.example",
        email="zelda.hidden@hidden.example",
        phone="+447700900123",
        status_reason="Call zelda.hidden@hidden.example",
        password=PASSWORD,
    )
    Client().force_login(zelda)
    Message.objects.create(kind=Message.Kind.LETTER, account=zelda, to=zelda.email)
    Job.objects.create(kind="suspend", by=make_user("Manager"), reason=JOB_REASON)
    sender = Sender(role, zelda)
    for case, operation in generated_cases():
        sender.check(sender.send(case), operation)


@cache
def generated_cases() -> list[tuple[Any, dict[str, Any]]]:
    """Returns generated requests, each with the description of its operation. All roles send the
    same ones, because generating them takes longer than sending them.
    """
    described = described_api()
    cases: list[tuple[Any, dict[str, Any]]] = []
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = found.ok()
        details = described["paths"][operation.path][operation.method.lower()]
        for mode in MODES:
            cases += [(case, details) for case in generate_examples(operation, mode)]
    assert len(cases) > len(described["paths"])
    return cases


def generate_examples(operation: Any, mode: Any) -> list[Any]:
    cases: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case):
        cases.append(case)

    collect()
    return cases
