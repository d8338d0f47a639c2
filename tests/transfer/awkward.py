"""Accounts with awkward names, for exports that are imported again. The benchmark
benchmarks/round_trip.py makes 100,000 of them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from users.identifiers import normalise_name
from users.models import User

FIELDS = ["username", "email", "first_name", "last_name", "phone", "source", "source_id"]
# What an archive has besides.
ARCHIVE_FIELDS = [
    "locale",
    "time_zone",
    "accepts_announcements",
    "password",
    "status",
    "status_reason",
    "suspended_until",
    "valid_until",
    "email_verified_at",
    "email_bounced_at",
    "must_change_password",
    "date_joined",
    "last_login",
    "last_seen_at",
    "attributes",
]
JOINED = datetime(2020, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
NAMES = [
    "=1+1",
    "'=1",
    "''@x",
    "'t Hooft",
    "+49 30",
    "-Dash",
    "@at",
    "＝full",
    'a;b,"c"|d',
    "<r>&amp;</r>",
    "_x0041_",
    "001",
    "1e5",
    "TRUE",
    "2026-03-01",
    "null",
    "#comment",
    "sep=;",
    "{slug}",
    "שלום",
    "Zoë e\u0301",
    "👩‍👩‍👧",
    "x" * 150,
    "",
]


def make_accounts(count: int) -> list[User]:
    """Returns unsaved accounts; each field has each of the names."""
    return [make_account(number) for number in range(count)]


def make_account(number: int) -> User:
    names = [normalise_name(NAMES[(number + each) % len(NAMES)]) for each in range(3)]
    account = User(
        username=f"{'+-._='[number % 4]}awkward{number}",
        email=f"{'=+-x'[number % 4]}{number}@example.com" if number % 3 else "",
        first_name=names[0],
        last_name=names[1],
        phone="+4915123456789" if number % 2 else "",
        source=["=hr", "'crm", ""][number % 3],
        source_id=f"{names[2]}{number}".replace("\u200d", "") if number % 3 < 2 else "",
        locale="pt-BR",
        accepts_announcements=bool(number % 2),
        password="argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$" + "A" * 43,
        attributes={f"key {number % 7}": names[1] or "x", "status": f"=value\n{number}"},
        **times_and_status(number),
    )
    account.derive()
    return account


def times_and_status(number: int) -> dict[str, Any]:
    """Returns the columns about the past and the status of an account."""
    joined = JOINED + timedelta(minutes=number % 500_000)
    day = timedelta(days=1)
    values: dict[str, Any] = {"date_joined": joined, "must_change_password": number % 5 == 0}
    if number % 6 == 1:
        values["status"] = "invited"
    if number % 6 == 2:
        values |= {"status": "suspended", "status_reason": f"'=Unpaid\n{number}"}
        values["suspended_until"] = JOINED + 20_000 * day if number % 4 else None
    if number % 4 == 3:
        values |= {"last_login": joined + day, "last_seen_at": joined + 2 * day}
        values["valid_until"] = joined + 30 * day
    if number % 3 == 1:
        values["email_verified_at"] = joined + day
        values["email_bounced_at"] = joined + 2 * day if number % 2 else None
    return values
