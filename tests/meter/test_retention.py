"""The hours of the meter are deleted after METER_DAYS, and with their person."""

from datetime import timedelta

import pytest

from tests.builders import make_superuser, make_user
from users.database.clock import current_hour
from users.health.cleanup import delete_hourly_uses
from users.meter.hour_totals import add_use
from users.meter.models import HourlyUse
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db


def test_old_hours_are_deleted_and_others_stay(settings):
    settings.METER = settings.METER._replace(days=3)
    ada = make_user("Support")
    for days in (5, 4, 2, 0):
        add_use(ada.pk, "openings")
        hour = current_hour() - timedelta(days=days)
        HourlyUse.objects.filter(hour=current_hour()).update(hour=hour)
    assert delete_hourly_uses() == 2
    assert HourlyUse.objects.count() == 2
    assert delete_hourly_uses() == 0


def test_an_erased_person_leaves_no_hours():
    former, other = make_user(), make_user()
    for account in (former, other):
        add_use(account.pk, "openings")
    erase_account(former, by=make_superuser(), reason="Request 17")
    assert list(HourlyUse.objects.values_list("account_id", flat=True)) == [other.pk]
