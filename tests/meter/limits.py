"""Budgets for tests, and what the meter has counted."""

from django.test import Client

from users.meter.models import HourlyUse
from users.models import User
from users.sudo.recent import record_authentication


def set_budgets(settings, **budgets: int) -> None:
    settings.METER = settings.METER._replace(budgets=settings.METER.budgets | budgets)


def count_of(account: User, kind: str) -> int:
    """Returns how often the account has used data of this kind in all hours."""
    rows = HourlyUse.objects.filter(account_id=account.pk, kind=kind)
    return sum(rows.values_list("count", flat=True))


def confirm(client: Client) -> None:
    """Does what /sudo/ does after the right password."""
    session = client.session
    record_authentication(session, "password")
    session.save()


def is_sent_to_sudo(response) -> bool:
    place = response.headers.get("Location") or response.headers.get("HX-Redirect", "")
    return response.status_code in (302, 401) and place.startswith("/sudo/?")
