"""Finds the account of an identity, and records its use. Email addresses play no part."""

from typing import Any

from django.conf import settings

from users.database.clock import current_time
from users.models import User
from users.oidc.exchanges import is_enabled
from users.oidc.models import OidcLink


def find_link(subject: str) -> OidcLink | None:
    """Returns the link of an identity at the current provider."""
    return OidcLink.objects.filter(issuer=settings.OIDC.issuer, subject=subject).first()


def link_of(account: Any) -> OidcLink | None:
    """Returns the link of an account to the current provider; None also without a provider."""
    if not is_enabled() or not account.is_staff:
        return None
    found = OidcLink.objects.filter(account_id=account.pk, issuer=settings.OIDC.issuer)
    return found.first()


def linked_account(link: OidcLink) -> User | None:
    """Returns the account of a link, which belongs to a person on the staff. Nobody else can sign
    in with the provider, and claims give roles to nobody else.
    """
    people = User.objects.filter(is_staff=True, owner_id=None)
    return people.filter(pk=link.account_id).first()


def record_link_use(link: OidcLink, *, has_factor: bool = False) -> None:
    """Stores when the link was used. `has_factor`: the provider has claimed a second factor."""
    now = current_time()
    times = {"last_used_at": now}
    if has_factor:
        times["factor_at"] = now
    OidcLink.objects.filter(pk=link.pk).update(**times)
