"""Deletes the second factors of an erased person.

allauth's rows have a foreign key to the account, whose row stays, so no cascade deletes them.
"""

from users.factors.authenticators import delete_all_factors
from users.forgetting import Erasure, forgets
from users.sessions.models import GracePeriod


@forgets(order=75)
def delete_factors(erasure: Erasure) -> None:
    """Deletes authenticator app, passkeys, recovery codes and grace period."""
    delete_all_factors(erasure.account.pk)
    GracePeriod.objects.filter(account_id=erasure.account.pk).delete()
