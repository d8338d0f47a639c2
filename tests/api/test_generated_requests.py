"""Requests that are generated from the OpenAPI description, sent as several roles.

API_EXAMPLES is the number for each operation and role, of valid and of invalid ones.
"""

import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.api.calls import Program, program
from tests.builders import make_user
from users.api.description import openapi_description

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of inputs, and not of the database

EXAMPLES = int(os.environ.get("API_EXAMPLES", "4"))
# A masked address keeps its domain.
SECRETS = ("zelda.hidden", "7700900123")
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


def send_case(sender: Program, case: Any, account_id: int) -> Any:
    """Sends a generated request, with the ID of an account that there is."""
    names = dict(case.path_parameters or {})
    if isinstance(names.get("account_id"), int):
        names["account_id"] = account_id
    path = case.path
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", str(value).replace("/", "%2F") or "%20")
    headers = {name: str(value) for name, value in (case.headers or {}).items()}
    headers.pop("Authorization", None)
    options = {"query_params": dict(case.query or {}), "headers": headers}
    if isinstance(case.body, schemathesis.core.NotSet):
        return sender.client.generic(case.method, path, **options)
    is_text = isinstance(case.body, str | bytes)
    body = case.body if is_text else json.dumps(case.body, default=str)
    return sender.client.generic(case.method, path, body, "application/json", **options)


def check_answer(response: Any, *, is_masked: bool) -> None:
    assert response.status_code < 500, response.content
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json"
    if is_masked:
        text = response.content.decode()
        assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("role", ["Viewer", "Auditor", "Administrator"])
def test_no_request_fails_or_shows_what_is_masked(role):
    sender = program(role)
    zelda = make_user(
        username="zelda.hidden@hidden.example",
        email="zelda.hidden@hidden.example",
        phone="+447700900123",
        status_reason="Call zelda.hidden@hidden.example",
    )
    described = openapi_description()
    sent = 0
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        for mode in MODES:
            sent += send_examples(sender, found.ok(), mode, zelda.pk, is_masked=role == "Viewer")
    assert sent > 20


def send_examples(
    sender: Program, operation: Any, mode: Any, account_id: int, *, is_masked: bool
) -> int:
    sent = 0

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        nonlocal sent
        sent += 1
        check_answer(send_case(sender, case, account_id), is_masked=is_masked)

    send()
    return sent
