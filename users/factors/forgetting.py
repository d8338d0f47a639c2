"""Deletes the second factors of an erased person."""

from users.factors.authenticators import delete_all_factors
from users.factors.models import GracePeriod
from users.forgetting import Erasure, forgets


@forgets(order=75)
def delete_factors(erasure: Erasure) -> None:
    """Deletes authenticator app, passkeys, recovery codes and grace period."""
    delete_all_factors(erasure.account.pk)
    GracePeriod.objects.filter(account_id=erasure.account.pk).delete()
