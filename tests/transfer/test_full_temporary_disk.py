"""The disk for temporary files is full: uploads and downloads say so and leave nothing half, and a
job stops until there is room.
"""

import gc
import io
import tempfile
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from xlsxwriter import Workbook

from tests.builders import make_superuser
from tests.bulk.running import run, work
from tests.database.small_disk import SmallDisk, small_disk
from tests.pages import read
from tests.transfer.imports.jobs import upload
from users.audit.models import AuditEvent
from users.jobs import engine
from users.models import User
from users.transfer.exports import file_content
from users.transfer.imports.check_job import start_check
from users.transfer.imports.rules import ImportRules
from users.transfer.models import ExportPart, ImportFile, ImportPiece

# Of files, and not of the database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
FULL = "The server’s disk is full"
# Larger than what stays in memory.
LARGE = b"username,email\n" + b"ann,ann@example.com\n" * 100_000


@pytest.fixture
def disk(tmp_path, monkeypatch) -> Iterator[SmallDisk]:
    """Yields a full disk, on which all temporary files are."""
    with small_disk(tmp_path / "temporary", 8) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
        disk.fill()
        yield disk


@pytest.fixture
def root(client) -> User:
    root = make_superuser()
    client.force_login(root)
    client.raise_request_exception = False
    return root


def send_file(client: Client) -> object:
    return client.post("/imports/", {"file": SimpleUploadedFile("people.csv", LARGE)})


@pytest.mark.usefixtures("root")
def test_an_upload_is_refused_and_nothing_of_it_is_stored(client, disk):
    response = send_file(client)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert read(response).one("h1").text == FULL
    assert not ImportFile.objects.exists()
    assert not ImportPiece.objects.exists()
    assert client.get("/imports/").status_code == 200
    disk.free()
    assert send_file(client).status_code == 302
    assert ImportFile.objects.get().size == len(LARGE)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_workbook_that_failed_leaves_nothing_open(disk, root):
    job = run("export", None, by=root, parameters={"columns": ["id"], "format": "xlsx"})
    with pytest.raises(OSError, match="No space left"):
        file_content.finish_export(job.export)
    gc.collect()  # an archive that is still open complains when it is collected


def test_a_workbook_is_made_once_there_is_room(client, disk, root):
    parameters = {"columns": ["id", "email"], "format": "xlsx"}
    job = run("export", None, by=root, parameters=parameters)
    assert job.state == "done"
    path = f"/exports/{job.export.pk}/file/"
    with pytest.raises(OSError, match="No space left"):
        file_content.finish_waiting_exports()
    assert not ExportPart.objects.exists()
    response = client.get(path)
    assert (response.status_code, read(response).one("h1").text) == (503, FULL)
    downloads = AuditEvent.objects.filter(action="export.downloaded")
    assert not downloads.exists()
    assert list(disk.folder.iterdir()) == [disk.filler]
    disk.free()
    assert file_content.finish_waiting_exports() == 1
    content = b"".join(client.get(path))
    assert ZipFile(io.BytesIO(content)).testzip() is None
    assert downloads.count() == 1


def people_workbook() -> bytes:
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, name in enumerate(["username", "ann", "bob", "eve"]):
            sheet.write_row(number, 0, [name, "email" if number == 0 else f"{name}@example.com"])
    return file.getvalue()


def test_the_check_of_a_workbook_stops_and_goes_on_later(disk, root):
    disk.free()
    file = upload(people_workbook(), root, "people.xlsx")
    disk.fill()
    job = work(start_check(file, ImportRules.from_json(file.suggested), by=root))
    assert job.state == "parked"
    assert job.note == "The server’s disk is full. Free some space, then resume the job."
    disk.free()
    engine.resume_job(job, by=root)
    assert work(job).state == "done"
    file.refresh_from_db()
    assert (file.totals["read"], file.totals["rejected"]) == (3, 0)
