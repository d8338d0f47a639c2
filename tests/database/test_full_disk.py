"""The disk of the database and that of VAR_DIR are full: pages come, changes say why they are not
made, and afterwards all goes on.
"""

import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from tests.builders import make_superuser, make_user
from tests.bulk import running
from tests.database.outage import collect_static, signed_in, token, web_process
from tests.database.small_disk import SmallDisk, small_database, small_disk
from tests.jobs.killing import hasty
from tests.jobs.kinds import assert_each_exactly_once, start
from tests.jobs.test_killed import ended, make_accounts
from tests.processes import Running, until
from tests.transfer.imports.jobs import check, numbered_people, upload
from tests.visitor import Visitor
from users.audit.anchors import append_anchor_line
from users.jobs import engine
from users.jobs.models import Job
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.notes.models import Note
from users.transfer.imports.import_job import start_import
from users.transfer.imports.storage import store_upload
from users.transfer.models import ExportPiece, ImportFile, ImportPiece

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
]
FULL = "The database is full"
TABLES = [
    "users_user",
    "users_auditevent",
    "users_jobitem",
    "users_exportpiece",
    "users_importpiece",
]
# A note that needs a page of its own.
TEXT = "Called back. " * 300


def write_notes(visitor: Visitor, account: User, disk: SmallDisk) -> int:
    """Writes notes until one is refused. Returns how many were stored."""
    path = f"/users/{account.pk}/notes/"
    form = {"csrfmiddlewaretoken": token(visitor.ask(path)[1])}
    for number in range(200):
        response, page = visitor.ask(path, form | {"text": f"{number} {TEXT}"})
        if response.status != 302:
            assert (response.status, FULL in page) == (503, True)
            return number
        disk.fill()  # if the server has given back some room
    raise AssertionError("the disk is not full")


def test_with_a_full_database_pages_come_and_no_change_is_lost(tmp_path, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 1000}
    root = make_superuser()
    account = make_user(username="ada")
    make_accounts(300)
    people = upload(numbered_people(200), root)
    assert check(people, root).state == "done"
    parameters = {"columns": ["id", "email"], "format": "csv"}
    export = running.start("export", None, by=root, parameters=parameters)
    file = f"/exports/{export.export.pk}/file/"
    imported = start_import(people, by=root, reason="A test")
    job = start(root)
    with connection.cursor() as cursor:  # rows of earlier tests have left room
        cursor.execute(f"VACUUM FULL {', '.join(TABLES)}")
    collect_static(tmp_path)
    changes = {"DEBUG": "0", "VAR_DIR": str(tmp_path), "STATEMENT_TIMEOUT_MS": "60000"}
    with small_database(64) as disk, web_process(tmp_path, threads=2, **changes) as (_, port):
        visitor = signed_in(port, root)
        disk.fill()
        stored = write_notes(visitor, account, disk)
        for path in ("/users/", f"/users/{account.pk}/", f"/users/{account.pk}/notes/", "/audit/"):
            assert visitor.ask(path)[0].status == 200, path
        assert visitor.ask("/readyz")[0].status == 200
        assert Note.objects.count() == stored
        with pytest.raises(OperationalError, match="No space left"):
            store_upload([os.urandom(3 << 20)], "large.csv", root)
        assert list(ImportFile.objects.all()) == [people]
        assert not ImportPiece.objects.exclude(file=people).exists()
        disk.fill()  # if the server has given back some room
        with hasty(tmp_path) as worker:
            until(lambda: is_stopped(export, worker))
            until(lambda: is_stopped(imported, worker))
            assert not User.objects.filter(username__startswith="imported").exists()
            assert not ended(job)
            assert not ended(export)
            assert not ExportPiece.objects.exists()
            assert visitor.ask(file)[0].status == 409
            disk.free()
            path = f"/users/{account.pk}/notes/"
            form = {"csrfmiddlewaretoken": token(visitor.ask(path)[1]), "text": "Again"}
            assert visitor.ask(path, form)[0].status == 302
            until(lambda: goes_on(job, root))
            until(lambda: goes_on(export, root))
            until(lambda: goes_on(imported, root))
        assert User.objects.filter(username__startswith="imported").count() == 200
        assert (export.state, export.unchanged) == ("done", 302)
        response, content = visitor.ask(file)
        assert (response.status, len(content.splitlines())) == (200, 1 + 302)
        assert_each_exactly_once(job, changed=302)
        assert Note.objects.count() == stored + 1


def is_stopped(job: Job, worker: Running) -> bool:
    """Returns whether the job is parked. Where there is no room even for that, it is retried."""
    job.refresh_from_db()
    assert (job.changed, job.unchanged) == (0, 0)
    is_parked = job.state == "parked" and "disk is full" in job.note
    return is_parked or f"Job {job.pk}: the database refused a chunk" in worker.said()


def goes_on(job: Job, by: User) -> bool:
    """Returns whether the job has ended. One that was parked is resumed."""
    job.refresh_from_db()
    if job.state == "parked":
        engine.resume_job(job, by=by)
    return ended(job)


def test_with_a_full_var_directory_no_half_file_is_left(tmp_path, settings):
    with small_disk(tmp_path / "var", 1) as disk:
        settings.MAIL_DIR = disk.folder / "mail"
        settings.AUDIT_ANCHOR_FILE = str(disk.folder / "anchors.log")
        anchors = Path(settings.AUDIT_ANCHOR_FILE)
        # The next line would not fit into the last page of the file.
        anchors.write_text("#" * 4075 + "\n")
        message = outbox.post_message(Message.Kind.PASSWORD_RESET, make_user())
        here = {"VAR_DIR": str(disk.folder)}
        disk.fill()
        append_anchor_line("audit-anchor " + "x" * 100)
        assert anchors.stat().st_size == 4076
        report = disk.folder / "report.csv"
        assert "so there is no report" in imported_with(report, tmp_path)
        assert not report.exists()
        with hasty(tmp_path, **here):
            until(lambda: Message.objects.get().error)
            message.refresh_from_db()
            assert (message.state, "No space left" in message.error) == ("waiting", True)
            assert list(settings.MAIL_DIR.glob("*")) == []
            disk.free()
            Message.objects.update(due_at=message.created_at)
            until(lambda: Message.objects.get().state == "sent")
        names = sorted(path.suffix for path in settings.MAIL_DIR.glob("*"))
        assert names == [".eml", ".html"]
        append_anchor_line("audit-anchor " + "x" * 100)
        assert anchors.read_text().splitlines()[1:] == ["audit-anchor " + "x" * 100]


def imported_with(report: Path, folder: Path) -> str:
    """Imports accounts, all of which must be stored. Returns what the command says about errors."""
    rows = [f"imported{number},imported{number}@example.com" for number in range(1200)]
    source = folder / "accounts.csv"
    source.write_text("username,email\n" + "\n".join(rows))
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("import_accounts", source, report=str(report), stderr=said, stdout=StringIO())
    assert User.objects.filter(username__startswith="imported").count() == len(rows)
    return said.getvalue()
