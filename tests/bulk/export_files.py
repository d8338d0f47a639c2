"""Exports as the tests ask for them and read their files."""

import csv
import io

from django.contrib.auth.models import Permission

from tests.builders import make_user
from tests.bulk.running import run, start
from users.jobs.models import Job
from users.models import User
from users.transfer.exports import file_content
from users.transfer.models import Export


def with_permissions(*names: str) -> User:
    account = make_user(is_staff=True)
    account.user_permissions.set(
        Permission.objects.filter(codename__in=names, content_type__app_label="users")
    )
    return User.objects.get(pk=account.pk)


def exported(
    accounts: list[User] | None, by: User, columns: list[str], form: str = "csv", **fields
) -> str:
    job = run("export", accounts, by=by, parameters={"columns": columns, "format": form}, **fields)
    assert job.state == "done", job.note
    return text_of(job.export)


def text_of(export: Export) -> str:
    return b"".join(file_content.stream_file(export)).decode("utf-8-sig")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def people(number: int = 3, **fields) -> list[User]:
    return [make_user(first_name=f"P{n}", **fields) for n in range(number)]


def ask(by: User, number: int) -> Job:
    return start(
        "export",
        people(number),
        by=by,
        parameters={"columns": ["id"], "format": "csv"},
        expected=number,
    )
