"""Limits a token to the accounts of its source and to roles without permissions."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from scim2_models import ForbiddenException

from users import access
from users.email_addresses import email_key
from users.models import State, User, UserQuerySet
from users.tokens.models import ApiToken, ProvisioningScope

READ_PERMISSIONS = ("view", "view_personal")
NO_SOURCE = "This token has no provisioning source."
NO_READING = "This token needs the permissions to view accounts and personal data."
OUTSIDE_DOMAINS = "The email is not in a domain of this token."


@dataclass(frozen=True)
class SourceAccess:
    """A source as the holder of its token sees it."""

    viewer: Any
    scope: ProvisioningScope

    @property
    def suspension_reason(self) -> str:
        """The reason of suspensions by the source, which alone it may end."""
        return f"Deactivated by {self.scope.source}."

    def accounts(self) -> UserQuerySet:
        """Returns the accounts that the source sees. Nobody with power is one of them."""
        return self.present_or_deleted().exclude(status__in=[State.DELETED, State.ERASED])

    def present_or_deleted(self) -> UserQuerySet:
        return User.objects.filter(
            self.in_domains(),
            source=self.scope.source,
            is_staff=False,
            is_superuser=False,
            owner_id__isnull=True,
        )

    def in_domains(self) -> Q:
        domains = self.scope.domains
        return Q(email_domain__in=domains) if domains else Q()

    def roles(self) -> QuerySet[Group]:
        """Returns the roles whose members the source may change."""
        return Group.objects.filter(pk__in=self.scope.role_ids, permissions=None)

    def require_domain(self, email: str) -> None:
        """Raises ForbiddenException for an address outside of the token's domains."""
        domains = self.scope.domains
        if domains and email_key(email).rpartition("@")[2] not in domains:
            raise ForbiddenException(detail=OUTSIDE_DOMAINS)


def source_access(token: ApiToken, viewer: Any) -> SourceAccess:
    """Returns what the token sees. Raises ForbiddenException for one without a source."""
    scope = token.provisioning_scope
    if scope is None:
        raise ForbiddenException(detail=NO_SOURCE)
    if not all(access.may(viewer, action) for action in READ_PERMISSIONS):
        raise ForbiddenException(detail=NO_READING)
    return SourceAccess(viewer=viewer, scope=scope)
