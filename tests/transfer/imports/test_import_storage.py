"""Uploads are stored in pieces, read from any position, and removed."""

from datetime import timedelta
from hashlib import sha256
from random import Random

import pytest

from tests.builders import make_superuser
from tests.transfer.imports.jobs import in_blocks
from users.database.clock import current_time
from users.formats import UnreadableFile
from users.jobs.models import Job
from users.transfer.imports import storage
from users.transfer.imports.import_lookup import import_stage
from users.transfer.models import ImportFile, ImportPiece

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
CONTENT = Random(1).randbytes(5000)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(storage, "PIECE_BYTES", 1000)


def test_an_upload_is_read_from_any_position():
    root = make_superuser()
    file = storage.store_upload(in_blocks(CONTENT + b"end", 333), r"C:\lists\people.csv", root)
    assert (file.name, file.size, file.by_text) == ("people.csv", 5003, str(root))
    assert file.sha256 == sha256(CONTENT + b"end").hexdigest()
    assert file.pieces.count() == 6
    with storage.open_upload(file) as upload:
        assert upload.read() == CONTENT + b"end"
        assert (upload.seek(-3, 2), upload.read(9)) == (5000, b"end")
        assert (upload.seek(995), upload.read(10), upload.tell()) == (995, CONTENT[995:1005], 1005)
    again = storage.store_upload(iter([CONTENT + b"end"]), "other.csv", root)
    assert storage.earlier_uploads(again) == [file]
    assert storage.earlier_uploads(file) == []


def test_only_the_newest_earlier_uploads_are_read(monkeypatch):
    monkeypatch.setattr(storage, "EARLIER_SHOWN", 2)
    root = make_superuser()
    files = [storage.store_upload(iter([b"same"]), "people.csv", root) for _ in range(4)]
    assert storage.earlier_uploads(files[3]) == [files[2], files[1]]


@pytest.mark.parametrize("content", [b"", b"x" * 1024 * 1024 + b"y"])
def test_an_empty_or_too_large_file_leaves_nothing(settings, content, monkeypatch):
    settings.IMPORT_MAX_MB = 1
    monkeypatch.setattr(storage, "PIECE_BYTES", 1024 * 1024)
    with pytest.raises(UnreadableFile, match=r"file is empty|larger than 1 MB"):
        storage.store_upload(iter([content]), "people.csv", make_superuser())
    assert not ImportFile.objects.exists()
    assert not ImportPiece.objects.exists()


def test_expired_content_is_removed_and_a_reader_says_so():
    file = storage.store_upload(iter([CONTENT]), "people.csv", make_superuser())
    kept = storage.store_upload(iter([CONTENT]), "people.csv", make_superuser())
    ImportFile.objects.filter(pk=file.pk).update(expires_at=current_time() - timedelta(1))
    assert storage.remove_expired_imports() == 1
    file.refresh_from_db()
    assert file.removed_at
    assert set(ImportPiece.objects.values_list("file", flat=True)) == {kept.pk}
    with pytest.raises(UnreadableFile, match="was removed"):
        storage.open_upload(file).read()


@pytest.mark.parametrize(("state", "stage"), [("waiting", "importing"), ("done", "removed")])
def test_a_file_whose_job_is_open_does_not_expire(state, stage):
    expired = current_time() - timedelta(1)
    file = ImportFile(expires_at=expired, job=Job(state=state), columns=["username"])
    assert import_stage(file) == stage
