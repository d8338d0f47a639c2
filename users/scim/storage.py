"""The storage of scim2-server: accounts and roles as one source sees them."""

from contextlib import AbstractContextManager
from typing import Any

from scim2_models import (
    NotImplementedException,
    PreconditionFailedException,
)
from scim2_server.storage import ScimStorage, SearchPage

from users.scim import accounts, groups
from users.scim.errors import scim_transaction
from users.scim.group_search import search_roles
from users.scim.resources import account_version
from users.scim.scope import SourceAccess
from users.scim.search import search_accounts

MIXED_SEARCH = "Search /Users or /Groups: users and groups have no common order."


class ProvisionedStorage(ScimStorage):
    """Accounts and roles of a source. `authorize` of the service refuses to delete roles."""

    supports_cursors = True

    def __init__(self, source: SourceAccess) -> None:
        self.source = source

    def operation(self) -> AbstractContextManager[None]:
        return scim_transaction(self.source.viewer)

    def get(self, resource_type: Any, resource_id: str, *, response_parameters: Any = None) -> Any:
        if resource_type.name == "Group":
            role = groups.find_role(self.source, resource_id)
            with_members = groups.wants_members(response_parameters)
            return groups.describe_group(self.source, role, with_members=with_members)
        account = accounts.find_source_account(self.source, resource_id)
        return self.describe(account)

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
        account = accounts.find_source_account(self.source, resource.id)
        require_version(account, expected_version)
        version = account.version
        return self.describe(accounts.update_account(self.source, account, resource, version))

    def delete(
        self, resource_type: Any, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        account = accounts.find_source_account(self.source, resource_id)
        require_version(account, expected_version)
        accounts.remove_account(self.source, account, account.version)

    def describe(self, account: Any) -> Any:
        (resource,) = accounts.describe_accounts(self.source, [account])
        return resource


def require_version(account: Any, expected: str | None) -> None:
    """Raises PreconditionFailedException unless the account still has the version."""
    if expected is not None and account_version(account) != expected:
        raise PreconditionFailedException
