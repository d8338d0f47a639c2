"""Deletes the counts of an erased person. The usual use in a role names nobody and is kept."""

from users.forgetting import Erasure, forgets
from users.meter.models import HourlyUse


@forgets(order=55)
def erase_hourly_uses(erasure: Erasure) -> None:
    HourlyUse.objects.filter(account_id=erasure.account.pk).delete()
