"""The limits of the use of personal data by staff (users/meter/)."""

from typing import NamedTuple

import environ
from connections import parse_number
from django.core.exceptions import ImproperlyConfigured

# Uses per person and clock hour, by kind, for roles without a budget of their own.
DEFAULT_BUDGETS = {
    "reveals": 10,
    "openings": 120,
    "searches": 240,
    "exports": 10_000,
}
# Programs read more: a nightly run passes over all accounts.
SERVICE_BUDGETS = {
    "reveals": 10,
    "openings": 6_000,
    "searches": 6_000,
    "exports": 500_000,
}
BUDGET_EXAMPLE = "openings=120,Support:openings=200"


class MeterSettings(NamedTuple):
    # By kind, and by "role:kind".
    budgets: dict[str, int]
    # The same for service accounts, which have no usual use.
    service_budgets: dict[str, int]
    # The number of deviations above the median that is still usual.
    deviations: float
    # Working hours of each person that count for what is usual.
    usual_hours: int
    # Days for which the counts are stored.
    days: int


def meter_settings(env: environ.Env) -> MeterSettings:
    """Returns the settings that begin with METER. Raises ImproperlyConfigured."""
    own = read_budgets("METER_BUDGETS", env.str("METER_BUDGETS", ""))
    of_services = read_budgets("METER_SERVICE_BUDGETS", env.str("METER_SERVICE_BUDGETS", ""))
    return MeterSettings(
        budgets=DEFAULT_BUDGETS | own,
        service_budgets=SERVICE_BUDGETS | of_services,
        deviations=read_meter_number("METER_DEVIATIONS", env.str("METER_DEVIATIONS", "6"), 1),
        usual_hours=int(read_meter_number("METER_HOURS", env.str("METER_HOURS", "160"), 10)),
        days=int(read_meter_number("METER_DAYS", env.str("METER_DAYS", "90"), 2)),
    )


def read_budgets(setting: str, text: str) -> dict[str, int]:
    """Returns the budgets in a text such as BUDGET_EXAMPLE."""
    budgets = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, number = part.rpartition("=")
        role, _, kind = name.strip().rpartition(":")
        if kind not in DEFAULT_BUDGETS or not number.strip().isdecimal() or int(number) < 1:
            kinds = ", ".join(DEFAULT_BUDGETS)
            raise ImproperlyConfigured(
                f"{setting} is wrong: “{part}” is not like {BUDGET_EXAMPLE}. Kinds: {kinds}."
            )
        key = f"{role.strip()}:{kind}" if role else kind
        budgets[key] = int(number)
    return budgets


def read_meter_number(name: str, text: str, low: int) -> float:
    number = parse_number(text)
    if number is None or not low <= number <= 10_000:
        raise ImproperlyConfigured(f"{name} is wrong: it is a number from {low} to 10,000.")
    return number
