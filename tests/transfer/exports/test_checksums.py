"""The checksums of files, and workbooks that are made once and stored."""

import hashlib
import zlib
from base64 import b64encode

import pytest

from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.pages import read
from users.jobs.queue import task_queue
from users.models import User
from users.transfer import tasks
from users.transfer.exports import file_content
from users.transfer.models import Export, ExportPart
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(client) -> User:
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def make_export(by: User, accounts: list[User], file_format: str) -> Export:
    parameters = {"columns": ["id", "email", "phone"], "format": file_format}
    return run("export", accounts, by=by, parameters=parameters).export


def download(client, export: Export) -> bytes:
    """The file, whose checksum and size are in its headers and on the page."""
    response = client.get(f"/exports/{export.pk}/file/")
    content = b"".join(response)
    digest = hashlib.sha256(content)
    assert response["Repr-Digest"] == f"sha-256=:{b64encode(digest.digest()).decode()}:"
    assert response["Content-Length"] == str(len(content))
    export.refresh_from_db()
    if export.sha256:
        assert (export.sha256, export.size) == (digest.hexdigest(), len(content))
        assert digest.hexdigest() in read(client.get("/exports/")).text
    return content


def test_the_checksum_is_that_of_the_file_also_after_an_erasure(client, auditor):
    gone, stays = make_user(), make_user(phone="+4915112345678")
    export = make_export(auditor, [gone, stays], "csv")
    assert tasks.finish_exports() == 1
    assert tasks.finish_exports() == 0
    first = download(client, export)
    assert export.sha256
    erase_account(gone, by=make_superuser(), reason="Request 17")
    export.refresh_from_db()
    assert (export.sha256, export.revision) == ("", 1)
    second = download(client, export)
    assert export.sha256
    assert len(second) < len(first)


def test_a_workbook_is_made_once_and_again_after_an_erasure(client, auditor, monkeypatch):
    monkeypatch.setattr(file_content, "PART_BYTES", 1000)
    gone, stays = make_user(), make_user()
    export = make_export(auditor, [gone, stays], "xlsx")
    assert task_queue.oldest_wait(task_queue.MAIN) is not None
    early = download(client, export)
    assert early.startswith(b"PK")
    assert not export.sha256
    assert tasks.finish_exports() == 1
    assert export.parts.count() > 1
    with monkeypatch.context() as patch:
        patch.setattr("users.transfer.exports.action.pack_workbook", lambda *_: 1 / 0)
        assert download(client, export) == early
    erase_account(gone, by=make_superuser(), reason="Request 17")
    assert not ExportPart.objects.exists()
    assert download(client, export) != early
    tasks.finish_exports()
    assert client.post(f"/exports/{export.pk}/end/").status_code == 302
    assert not ExportPart.objects.exists()


def test_a_file_that_fails_does_not_keep_back_the_others(auditor, monkeypatch):
    monkeypatch.setattr(file_content, "FINISHED_AT_ONCE", 1)
    damaged, intact = (make_export(auditor, [make_user()], "csv") for _ in range(2))
    damaged.pieces.update(content=b"no zlib stream")
    with pytest.raises(zlib.error):
        tasks.finish_exports()
    damaged.refresh_from_db()
    intact.refresh_from_db()
    assert (damaged.sha256, len(intact.sha256)) == ("", 64)


def test_a_checksum_of_rows_that_an_erasure_has_changed_is_not_stored(auditor):
    gone, stays = make_user(), make_user()
    export = make_export(auditor, [gone, stays], "xlsx")
    erase_account(gone, by=make_superuser(), reason="Request 17")
    assert not file_content.finish_export(export)
    assert not ExportPart.objects.exists()
    export.refresh_from_db()
    assert file_content.finish_export(export)
