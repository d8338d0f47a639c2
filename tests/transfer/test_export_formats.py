"""Accounts with awkward names come back from every format as they were. ACCOUNTS makes it many."""

import os
from pathlib import Path

import pytest

from tests.builders import make_superuser
from tests.bulk.running import start, work
from tests.transfer.imports.importer import import_file
from users.identifiers import normalise_name
from users.jobs import approval
from users.models import User
from users.transfer.exports import file_content, formatting

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of texts, and not of the database
ACCOUNTS = int(os.environ.get("ACCOUNTS", "40"))
COLUMNS = list(formatting.EXPORT_COLUMNS)
FIELDS = ["username", "email", "first_name", "last_name", "phone", "source", "source_id"]
KEPT = {"rollcall": ["locale", "time_zone", "accepts_announcements", "password", "status"]}
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


def make_accounts() -> list[User]:
    """Accounts of which each field has each of the names."""
    accounts = []
    for number in range(ACCOUNTS):
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
            status="invited" if number % 6 == 1 else "active",
            password="argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$" + "A" * 43,
        )
        account.derive()
        accounts.append(account)
    return User.objects.bulk_create(accounts)


def values_of(names: list[str]) -> list[tuple]:
    found = User.objects.filter(username__contains="awkward")
    return sorted(found.values_list(*names))


@pytest.mark.parametrize(
    ("file_format", "parameters"),
    [
        ("csv", {}),
        ("csv", {"separator": "semicolon", "bom": "no"}),
        ("xlsx", {}),
        ("jsonl", {}),
        ("scim", {}),
        ("rollcall", {}),
    ],
)
def test_accounts_come_back_as_they_were(tmp_path, settings, file_format, parameters):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": ACCOUNTS}
    root = make_superuser(username="exporter")
    accounts = make_accounts()
    slug = "archive" if file_format == "rollcall" else "export"
    job = start(
        slug,
        None,
        by=root,
        selection="all=1&q=awkward",
        parameters={"columns": COLUMNS, "format": file_format} | parameters,
    )
    if job.state == "waiting":
        approval.approve_job(job, by=make_superuser())
    work(job)
    assert job.unchanged == ACCOUNTS
    path = Path(tmp_path, "export")
    path.write_bytes(b"".join(file_content.open_file(job.export).content))
    names = FIELDS + KEPT.get(file_format, [])
    before = values_of(names)
    again = import_file(path, "--update")
    assert again.counts == (0, 0, ACCOUNTS, 0), again.errors
    assert values_of(names) == before
    User.objects.filter(pk__in=[account.pk for account in accounts]).delete()
    result = import_file(path)
    assert result.counts == (ACCOUNTS, 0, 0, 0), result.errors
    assert values_of(names) == before
