"""Deletes the links of an erased person to identities at a provider."""

from users.forgetting import Erasure, forgets
from users.oidc.models import OidcLink


@forgets(order=76)
def delete_oidc_links(erasure: Erasure) -> None:
    """Deletes the links to all providers."""
    OidcLink.objects.filter(account_id=erasure.account.pk).delete()
