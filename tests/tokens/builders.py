"""Builders of tokens and service accounts for tests."""

from datetime import timedelta
from typing import Any

from django.test import RequestFactory
from django.utils import timezone

from tests.builders import make_user
from users.audit.origin import current_origin, request_origin
from users.models import User
from users.tokens.changes import NewToken, TokenLimits, create_token
from users.tokens.check import TokenHolder, authenticate_request


def make_service(role: str = "Support", owner: User | None = None, **fields: Any) -> User:
    """Returns a saved service account, whose owner is an administrator by default."""
    owner = owner or make_user("Administrator")
    end = timezone.now() + timedelta(days=30)
    fields = {"email": "", "is_staff": True, "owner_id": owner.pk, "valid_until": end} | fields
    return make_user(role, **fields)


def make_token(holder: User, *scopes: str, by: User | None = None, **options: Any) -> NewToken:
    """Returns a token of the holder, by default for 30 days and from everywhere."""
    names = ("networks", "rate", "provisioning")
    limits = {name: options.pop(name) for name in names if name in options}
    limits = {"scopes": list(scopes) or ["view_user"], "networks": []} | limits
    options.setdefault("name", "Nightly sync")
    options.setdefault("days", 30)
    return create_token(holder, by=by or holder, limits=TokenLimits(**limits), **options)


def present(text: str, ip: str = "192.0.2.1") -> TokenHolder:
    """Returns the holder of a request that sends the text as its token."""
    header = {"Authorization": f"Bearer {text}"}
    request = RequestFactory().get("/", headers=header, REMOTE_ADDR=ip)
    reset = current_origin.set(request_origin(request))
    try:
        return authenticate_request(request)
    finally:
        current_origin.reset(reset)
