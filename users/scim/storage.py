"""The storage of scim2-server: accounts and roles as one source sees them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scim2_models import (
    NotImplementedException,
    PreconditionFailedException,
)
from scim2_server.storage import ScimStorage, SearchPage

from users.models import User
from users.scim import accounts, groups
from users.scim.errors import scim_transaction
from users.scim.group_search import search_roles
from users.scim.resources import account_version, user_resource
from users.scim.scope import SourceAccess
from users.scim.search import search_accounts

MIXED_SEARCH = "Search /Users or /Groups: users and groups have no common order."


class ProvisionedStorage(ScimStorage):
    """Accounts and roles of a source. `authorize` of the service refuses to delete roles."""

    supports_cursors = True

    def __init__(self, source: SourceAccess) -> None:
        self.source = source
        # What this operation has read to change it: the account, and the values of its roles.
        self.read_account: tuple[User, Any] | None = None

    @contextmanager
    def operation(self) -> Iterator[None]:
        self.read_account = None
        with scim_transaction(self.source.viewer):
            yield

    def get(self, resource_type: Any, resource_id: str, *, response_parameters: Any = None) -> Any:
        if resource_type.name == "Group":
            role = groups.find_role(self.source, resource_id)
            with_members = groups.wants_members(response_parameters)
            return groups.describe_group(self.source, role, with_members=with_members)
        account = accounts.find_source_account(self.source, resource_id)
        roles = accounts.roles_by_account(self.source, [account.pk])[account.pk]
        self.read_account = (account, roles)
        return user_resource(account, roles)

    def search(
        self, resource_types: list[Any], search_request: Any, *, position: Any = None
    ) -> SearchPage:
        if len(resource_types) != 1:
            raise NotImplementedException(detail=MIXED_SEARCH)
        if resource_types[0].name == "Group":
            return search_roles(self.source, search_request, position)
        return search_accounts(self.source, search_request, position)

    def create(self, resource_type: Any, resource: Any) -> Any:
        if resource_type.name == "Group":
            return groups.link_role(self.source, resource)
        accounts.require_user_name(resource)
        return self.describe(accounts.create_source_account(self.source, resource))

    def update(
        self, resource_type: Any, resource: Any, *, expected_version: str | None = None
    ) -> Any:
        if resource_type.name == "Group":
            role = groups.find_role(self.source, resource.id)
            return groups.update_role(self.source, role, resource, expected_version)
        accounts.require_user_name(resource)
        account, roles = self.take_account(resource.id)
        require_version(account, expected_version)
        version = account.version
        updated = accounts.update_account(self.source, account, resource, version)
        return self.describe(updated) if roles is None else user_resource(updated, roles)

    def take_account(self, resource_id: str) -> tuple[User, Any]:
        """Returns an account, and its roles if the operation has read it, which a change of the
        account leaves as they are. Its version is compared once it is locked. Raises
        NotFoundException.
        """
        found, self.read_account = self.read_account, None
        if found is not None and str(found[0].pk) == resource_id:
            return found
        return accounts.find_source_account(self.source, resource_id), None

    def delete(
        self, resource_type: Any, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        account, _ = self.take_account(resource_id)
        require_version(account, expected_version)
        accounts.remove_account(self.source, account, account.version)

    def describe(self, account: Any) -> Any:
        (resource,) = accounts.describe_accounts(self.source, [account])
        return resource


def require_version(account: Any, expected: str | None) -> None:
    """Raises PreconditionFailedException unless the account still has the version."""
    if expected is not None and account_version(account) != expected:
        raise PreconditionFailedException
