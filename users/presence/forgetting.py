"""Deletes who viewed an erased account, and which accounts its owner viewed."""

from django.db.models import Q

from users.forgetting import Erasure, forgets
from users.presence.models import Presence


@forgets(order=60)
def erase_presence(erasure: Erasure) -> None:
    """Deletes all presence rows of the account."""
    forget_presence(erasure.account.pk)


def forget_presence(account_id: int) -> None:
    """Deletes the rows in which the account is viewed, or is the viewer."""
    Presence.objects.filter(Q(account_id=account_id) | Q(viewer_id=account_id)).delete()
