"""Requests to the API."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.builders import make_superuser
from tests.tokens.builders import make_service, make_token
from users.models import User
from users.tokens.scopes import held_scopes


class Program:
    """A program with a token of the holder, by default with all scopes."""

    def __init__(self, holder: User, *scopes: str, **options: Any):
        self.holder = holder
        names = scopes or held_scopes(holder)
        # Few roles may create tokens.
        by = make_superuser() if holder.is_service else holder
        self.text = make_token(holder, *names, by=by, **options).text
        self.client = Client(headers={"Authorization": f"Bearer {self.text}"})

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(f"/api/v1{path}", **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("post", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("patch", path, body, **options)

    def send(self, method: str, path: str, body: Any, **options: Any) -> Any:
        sent = body if isinstance(body, str | bytes) else json.dumps(body or {})
        given = {"content_type": "application/json"} | options
        return getattr(self.client, method)(f"/api/v1{path}", sent, **given)


def program(role: str, *scopes: str) -> Program:
    """Returns a program with a new service account of this role."""
    return Program(make_service(role), *scopes)


def problem(response: HttpResponse, status: int) -> dict[str, Any]:
    """Returns the problem of an answer, after a check of its form."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(response.content)
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return found
