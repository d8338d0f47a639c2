"""How much of an upload is read within its request."""

import gzip
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.builders import make_superuser
from tests.pages import read
from tests.transfer.imports.jobs import check, counts, upload
from users.formats import start_limit
from users.transfer.models import ImportFile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ANN = {"username": "ann", "email": "ann@example.com"}
# It unpacks to 3 MB, of many short values.
LONG = {"username": "bob", "tags": ["x" * 20] * 120_000}


@pytest.fixture
def root():
    return make_superuser()


@pytest.fixture
def short_start(monkeypatch) -> None:
    monkeypatch.setattr(start_limit, "START_MAX", 1 << 20)


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_a_first_record_without_end_is_refused_within_the_request(client, root, short_start, pack):
    client.force_login(root)
    content = pack(json.dumps([LONG, ANN]).encode())
    response = client.post(
        "/imports/", {"file": SimpleUploadedFile("people.json", content)}, follow=True
    )
    assert response.status_code == 200
    assert "No account was found in the first 1 MB." in read(response).one("main").text
    assert ImportFile.objects.get().columns == []


def test_the_check_reads_what_the_request_did_not(root, short_start):
    file = upload(json.dumps([ANN, LONG, ANN | {"username": "eve", "email": ""}]), root)
    assert (len(file.sample), file.columns) == (1, ["username", "email", "other_attributes"])
    check(file, root, key="username")
    assert counts(file) == (3, 2, 0, 0, 1)


def test_a_request_stops_reading_after_some_seconds(client, root, monkeypatch):
    monkeypatch.setattr(start_limit, "SECONDS_MAX", -1.0)
    client.force_login(root)
    response = client.post(
        "/imports/", {"file": SimpleUploadedFile("people.csv", b"username\nann\n")}, follow=True
    )
    assert "can’t be read in" in read(response).one("main").text
