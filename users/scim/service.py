"""Describes the SCIM service: its resource types, its limits and its tolerances."""

import json
from functools import cache
from typing import Annotated, Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from pydantic import Field
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    Email,
    EnterpriseUser,
    ETag,
    Filter,
    ForbiddenException,
    Group,
    Manager,
    Mutability,
    MutabilityException,
    Pagination,
    Patch,
    Reference,
    Required,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)
from scim2_server.routing import Operation
from scim2_server.service import ScimService

MAX_OPERATIONS = 1_000
MAX_BYTES = 4 * 1024 * 1024
PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000
CURSOR_SECONDS = 24 * 60 * 60
ALWAYS_ACTIVE_OR_NOT = "“active” can’t be removed: send true or false."
KEPT_GROUPS = (
    "Roles can only be deleted in Rollcall. To unlink this one, send a PATCH that removes its "
    "members and externalId."
)


class AccountEmail(Email):
    """An address that an account can have. The standard model refuses some of them, such as those
    below .local, and an account with one would fail each list that has it.
    """

    value: str | None = None
    """Email addresses for the user."""


class AccountManager(Manager):
    """A manager as providers send it: with the ID, and without the URI that the standard model
    requires. What a PATCH has stored must be accepted in a PUT.
    """

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the SCIM resource representing the User's manager."""

    ref: Reference[User] | None = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the SCIM resource representing the User's manager."""


class ProvisionedEnterpriseUser(EnterpriseUser):
    """The enterprise extension with a manager whose ID suffices."""

    manager: AccountManager | None = None
    """The User's manager."""


class ProvisionedUser(User):
    """A user whose emails can be any addresses that accounts have."""

    emails: list[AccountEmail] | None = None  # type: ignore[assignment]
    """Email addresses for the user."""


# The name of the class appears in /Schemas and in references.
ProvisionedUser.__name__ = User.__name__
ProvisionedEnterpriseUser.__name__ = EnterpriseUser.__name__
ScimUser: Any = ProvisionedUser[ProvisionedEnterpriseUser]  # type: ignore[misc]
# Entra sends the members to remove as a value, and sets emails[type eq "work"] before there is one.
TOLERANT_POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class EmptyPatch:
    """A PATCH that changes nothing."""

    def patch(self, resource: Any) -> bool:
        return False


class ProvisioningService(ScimService):
    """The SCIM protocol, without deleting roles."""

    def authorize(self, request: Any, target: Any, resource_type: ResourceType) -> None:
        if resource_type.name == "Group" and target.operation == Operation.delete:
            raise ForbiddenException(detail=KEPT_GROUPS)

    def apply_patch(self, current: Any, patch_op: Any, conditions: Any) -> Any:
        """Returns the changed resource. Raises MutabilityException without “active”, which /Schemas
        announces as required: RFC 7644, 3.5.2.2.
        """
        patched = super().apply_patch(current, patch_op, conditions)
        if isinstance(patched, User) and patched.active is None:
            raise MutabilityException(detail=ALWAYS_ACTIVE_OR_NOT)
        return patched

    def read_patch(self, resource_type: ResourceType, body: bytes, content_type: Any) -> Any:
        """Returns the PATCH. Okta sends some without operations, which change nothing."""
        payload = json.loads(body or b"{}")
        if isinstance(payload, dict) and payload.get("Operations") == []:
            return EmptyPatch()
        return super().read_patch(resource_type, body, content_type)


@cache
def provisioning_service() -> ProvisioningService:
    provider = ScimProvider(
        models=[ProvisionedUser, ProvisionedEnterpriseUser, Group],
        resource_types=[
            ResourceType.from_resource(ScimUser),
            ResourceType.from_resource(Group),
        ],
        config=service_config(),
        policy=TOLERANT_POLICY,
    )
    announce_limits(provider)
    secret = salted_hmac("users.scim.cursors", "", algorithm="sha256").digest()
    return ProvisioningService(provider, secret=secret)


def announce_limits(provider: ScimProvider) -> None:
    """Changes what /Schemas says where it differs from RFC 7643. An account always is active or
    not, although a request may leave that out; SCIM can't change the names of roles, and members
    have none.
    """
    attributes = {
        f"{schema.name}.{attribute.name}": attribute
        for schema in provider.schemas
        for attribute in schema.attributes or []
    }
    attributes["User.active"].required = Required.true
    attributes["Group.displayName"].mutability = Mutability.immutable
    members = attributes["Group.members"].sub_attributes or []
    names = [each for each in members if each.name == "display"]
    for name in names:
        name.mutability = Mutability.read_only


def service_config() -> ServiceProviderConfig:
    """Returns the capabilities that /ServiceProviderConfig announces."""
    scheme = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="API token",
        description="An API token with a provisioning source, as a bearer token.",
        primary=True,
    )
    pagination = Pagination(
        cursor=True,
        index=True,
        default_pagination_method=Pagination.DefaultPaginationMethod.index,
        default_page_size=PAGE_SIZE,
        max_page_size=MAX_PAGE_SIZE,
        cursor_timeout=CURSOR_SECONDS,
    )
    bulk = Bulk(supported=True, max_operations=MAX_OPERATIONS, max_payload_size=MAX_BYTES)
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=bulk,
        filter=Filter(supported=True, max_results=MAX_PAGE_SIZE),
        change_password=ChangePassword(supported=settings.SCIM.sets_passwords),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=pagination,
        authentication_schemes=[scheme],
    )
