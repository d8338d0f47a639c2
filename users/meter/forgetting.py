"""Removes the hours of an erased person. What is usual in a role names nobody, and stays."""

from users.forgetting import Erasure, forgets
from users.meter.models import HourlyUse


@forgets(order=55)
def erase_hourly_uses(erasure: Erasure) -> None:
    HourlyUse.objects.filter(account_id=erasure.account.pk).delete()
