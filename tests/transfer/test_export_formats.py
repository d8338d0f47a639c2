"""Accounts with awkward names come back from every format as they were."""

from pathlib import Path

import pytest

from tests.builders import make_superuser
from tests.bulk.running import start, work
from tests.transfer.awkward import ARCHIVE_FIELDS, FIELDS, make_accounts
from tests.transfer.imports.importer import import_file
from users.jobs import approval
from users.models import User
from users.transfer.exports import file_content, formatting

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of texts, and not of the database
ACCOUNTS = 40
COLUMNS = list(formatting.EXPORT_COLUMNS)


def values_of(names: list[str]) -> list[tuple]:
    found = User.objects.filter(username__contains="awkward")
    return list(found.order_by("username").values_list(*names))


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
    accounts = User.objects.bulk_create(make_accounts(ACCOUNTS))
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
    names = FIELDS + (ARCHIVE_FIELDS if file_format == "rollcall" else [])
    before = values_of(names)
    again = import_file(path, "--update")
    assert again.counts == (0, 0, ACCOUNTS, 0), again.errors
    assert values_of(names) == before
    User.objects.filter(pk__in=[account.pk for account in accounts]).delete()
    result = import_file(path)
    assert result.counts == (ACCOUNTS, 0, 0, 0), result.errors
    assert values_of(names) == before
