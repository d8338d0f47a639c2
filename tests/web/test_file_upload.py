"""Uploaded files: their limit, and the temporary file without a name."""

import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from users.web import file_upload
from users.web.file_upload import MEMORY_BYTES, declare_upload_limit, is_upload_too_large

pytestmark = pytest.mark.sqlite  # of requests, and not of the database


def post(path: str, *contents: bytes):
    files = [SimpleUploadedFile("people.csv", content) for content in contents]
    return RequestFactory().post(path, {"note": "before", "file": files})


@pytest.fixture(autouse=True)
def limits(monkeypatch) -> None:
    monkeypatch.setattr(file_upload, "UPLOAD_LIMITS", {})
    monkeypatch.setattr(file_upload, "UPLOAD_BYTES", 100)
    declare_upload_limit("/imports/", lambda request: 3 * MEMORY_BYTES)


@pytest.mark.parametrize("size", [1, 2 * MEMORY_BYTES])
def test_a_file_arrives_and_has_no_name_on_the_disk(size):
    content = os.urandom(size)
    request = post("/imports/", content)
    upload = request.FILES["file"]
    assert (upload.size, upload.name) == (size, "people.csv")
    assert b"".join(upload.chunks()) == content
    assert not is_upload_too_large(request)
    if size > MEMORY_BYTES:
        assert os.fstat(upload.file.fileno()).st_nlink == 0
    request.close()
    assert upload.closed


def test_each_page_has_its_limit_for_all_files_together():
    for path, sizes in (("/other/", [101]), ("/other/", [60, 60]), ("/imports/", [3 << 20, 1])):
        request = post(path, *map(bytes, sizes))
        assert request.POST["note"] == "before"
        assert len(request.FILES.getlist("file")) == len(sizes) - 1
        assert is_upload_too_large(request)
    assert post("/other/", bytes(100)).FILES["file"].size == 100
