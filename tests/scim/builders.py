"""Builders of provisioning tokens and SCIM requests for tests."""

import json
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client

from tests.builders import make_superuser
from tests.tokens.builders import make_service, make_token
from users.models import User
from users.tokens.models import ProvisioningScope

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SCOPES = (
    "view_user",
    "view_personal",
    "invite_user",
    "edit_user",
    "suspend_user",
    "reinstate_user",
    "delete_user",
    "restore_user",
    "change_groups",
)
numbers = count(1)


class ScimClient:
    """Sends requests with a token."""

    def __init__(self, text: str) -> None:
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {text}"}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(
            method,
            f"/scim/v2/{path}",
            data if body is not None else b"",
            content_type="application/scim+json",
            headers=self.headers | headers,
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PUT", path, body, **headers)

    def patch(self, path: str, *operations: Any, **headers: str) -> Any:
        body = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, **headers)


def make_scim(
    source: str = "okta",
    domains: tuple[str, ...] = (),
    roles: tuple[Group, ...] = (),
    scopes: tuple[str, ...] = SCOPES,
    **options: Any,
) -> ScimClient:
    """Returns a client whose token provisions a source."""
    scope = ProvisioningScope(
        source=source, domains=domains, role_ids=tuple(role.pk for role in roles)
    )
    service = make_service("Manager")
    token_options: dict[str, Any] = {
        "rate": 100_000,
        "provisioning": scope,
        "by": make_superuser(),
    } | options
    return ScimClient(make_token(service, *scopes, **token_options).text)


def user_body(**values: Any) -> dict[str, Any]:
    """Returns the JSON of a new user, with a name and an address of its own."""
    name = f"synced{next(numbers)}"
    address = f"{values.get('userName', name)}@example.com".replace("@example.com@", "@")
    body = {
        "schemas": [USER_SCHEMA],
        "userName": name,
        "externalId": f"id-{name}",
        "name": {"givenName": "Ada", "familyName": "Byron"},
        "emails": [{"value": address, "type": "work", "primary": True}],
        "active": True,
    }
    return body | values


def create_synced(client: ScimClient, **values: Any) -> User:
    """Returns the account that a request creates."""
    response = client.post("Users", user_body(**values))
    assert response.status_code == 201, response.content
    return User.objects.get(pk=response.json()["id"])
