"""Archives with password hashes: /users/bulk/archive/, its job, and the file."""

import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from tests.answers import assert_denied
from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from tests.pages import form
from tests.tokens.builders import make_service
from tests.transfer.imports.jobs import run_import
from users.audit.models import AuditEvent
from users.database.clock import current_time
from users.formats import UnreadableFile
from users.formats.file_start import FileStart
from users.formats.options import ReadOptions
from users.formats.rollcall_archive import ARCHIVE_COLUMNS, RollcallArchive
from users.jobs import approval
from users.jobs.models import Job
from users.models import User
from users.transfer.exports import file_content
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db


def archive_of(by: User, *accounts: User) -> Job:
    job = start("archive", list(accounts), by=by)
    assert job.state == "waiting"
    approval.approve_job(job, by=make_superuser())
    return work(job)


def content_of(job: Job) -> bytes:
    return b"".join(file_content.stream_file(job.export))


def read_archive(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    source = RollcallArchive().read(io.BytesIO(content), "a.jsonl", ReadOptions())
    return source.columns, [record.values for record in source.records]


def test_an_archive_has_everything_that_an_import_needs():
    ada = make_user(
        "Auditor",
        first_name="=Ada",
        last_name="'=Love\u2028lace",
        status="suspended",
        attributes={"City": "Zürich\nWest", "email": "other@example.com"},
        source="hr",
        source_id="'7",
    )
    ada.set_password("a-long-enough-passphrase")
    ada.save()
    eve = make_user(email="", accepts_announcements=True)
    job = archive_of(make_superuser(), ada, eve)
    content = content_of(job)
    assert RollcallArchive().matches(FileStart("a.jsonl", content))
    columns, [first, second] = read_archive(content)
    assert columns == [*ARCHIVE_COLUMNS, "City", "attributes.email"]
    for name in ("username", "email", "first_name", "last_name", "source", "source_id", "status"):
        assert first[name] == getattr(ada, name)
    assert first["password_hash"] == ada.password
    assert (first["groups"], second["groups"]) == ("Auditor", "")
    assert (first["City"], first["attributes.email"]) == ("Zürich\nWest", "other@example.com")
    assert (second["accepts_announcements"], second["suspended_until"]) == ("yes", "")
    made = AuditEvent.objects.get(action="export.archive_made")
    assert made.after == {"rows": 2}


def test_a_service_account_is_left_out():
    job = archive_of(make_superuser(), make_service())
    assert (job.unchanged, job.skipped) == (0, 1)


def test_a_hash_of_someone_who_outranks_the_person_is_left_out():
    admin = make_user("Administrator")
    plain = make_user()
    job = archive_of(User.objects.get(pk=admin.pk), plain, make_superuser())
    assert (job.unchanged, job.skipped) == (1, 1)
    assert [each["username"] for each in read_archive(content_of(job))[1]] == [plain.username]


def test_only_who_may_gets_one_and_never_alone(client):
    manager = make_user("Manager")
    ada = make_user()
    path = f"/users/bulk/archive/?ids={ada.pk}"
    client.force_login(manager)
    assert_denied(client.get(path), "users.export_hashes", actor=manager, action="export_hashes")
    admin = make_user("Administrator")
    client.force_login(admin)
    sent = form(client.get(path), path) | {"count": "1", "reason": "Move"}
    assert client.post(path, sent).status_code == 302
    job = Job.objects.get()
    assert job.state == "waiting"
    approval.approve_job(job, by=make_superuser())
    work(job)
    response = client.get(f"/exports/{job.export.pk}/file/")
    assert response["Content-Disposition"].endswith(f'"rollcall-{job.pk}.jsonl"')
    admin.groups.first().permissions.remove(Permission.objects.get(codename="export_hashes"))
    assert client.get(f"/exports/{job.export.pk}/file/").status_code == 403


def test_the_approval_is_offered_to_those_who_may_give_it(client):
    manager = make_user("Manager")  # approves jobs, and may not export archives
    job = start("archive", [make_user()], by=make_superuser())
    client.force_login(manager)
    path = f"/jobs/{job.pk}/approval/"
    assert f'href="{path}"' in client.get(f"/jobs/{job.pk}/").content.decode()
    assert client.post(path).status_code == 302
    job.refresh_from_db()
    assert job.state == "queued"


def test_an_erasure_takes_the_account_out_of_the_archive():
    root = make_superuser()
    ada, eve = make_user(), make_user()
    job = archive_of(root, ada, eve)
    erase_account(ada, by=root, reason="Request 17")
    assert [each["username"] for each in read_archive(content_of(job))[1]] == [eve.username]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"rollcall_archive": 1, "accounts": 2}\n{"username": "a"}\n', "it should have 2"),
        (b'{"rollcall_archive": 2}\n', "a newer release"),
        (b'{"rollcall_archive": 1', "not a complete JSON object"),
    ],
)
def test_an_archive_that_cannot_be_read_is_named(content, says):
    with pytest.raises(UnreadableFile, match=says):
        read_archive(content)


@pytest.mark.sqlite
def test_a_line_that_is_no_account_is_named_and_the_others_are_read():
    head = json.dumps({"rollcall_archive": 1, "accounts": 2}).encode()
    source = RollcallArchive().read(
        io.BytesIO(head + b'\n[1]\n{"username": 7, "groups": "x"}\n'), "a.jsonl", ReadOptions()
    )
    bad, good = source.records
    assert (bad.line, bad.misfit) == (2, "This line is not a complete JSON object.")
    assert (good.values["username"], good.values["groups"]) == ("7", "x")


def test_an_end_date_and_a_verified_address_move_with_their_account():
    root = make_superuser()
    end = current_time() + timedelta(days=9)
    make_user(username="ada", email="ada@x.de", valid_until=end, email_verified_at=current_time())
    content = content_of(archive_of(root, User.objects.get(username="ada")))
    run_import(content.replace(b'"ada', b'"eve'), root)
    eve = User.objects.get(username="eve")
    assert eve.valid_until == end
    assert eve.email_verified_at
