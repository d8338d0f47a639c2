"""The pages under /imports/, from the upload to the import and its rejected rows."""

import csv
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_user
from tests.bulk.running import run
from tests.formats.reading import is_password
from tests.formats.test_firebase import PARAMETERS
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.bulk.undo import undo_job
from users.jobs import worker
from users.jobs.models import Job
from users.models import User
from users.transfer.exports.file_content import stream_file
from users.transfer.exports.formatting import EXPORT_COLUMNS
from users.transfer.imports import mapping_views, preview
from users.transfer.models import ImportFile, SavedMapping

# Of pages, and not of the database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
PEOPLE = """\
E-Mail,Given name,Password,Last name
ada@example.org,Ada,secret-of-ada,Lovelace
bo@example.org,Bo,,Berg
no address,Cy,,Cole
"""
SIGNER_KEY = "NkZlKPkYEFfnbh1nYTfLsbqQ"
GIVEN_NAME, PASSWORD = "column-1", "column-2"


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def upload(client: Client, content: str | bytes, name: str = "people.csv"):
    content = content.encode() if isinstance(content, str) else content
    return client.post("/imports/", {"file": SimpleUploadedFile(name, content)})


def work() -> None:
    while worker.work_time_slice() is not None:
        pass


def mapping_of(file: ImportFile) -> str:
    return f"/imports/{file.pk}/mapping/"


def send_mapping(client: Client, file: ImportFile, **changes: Any):
    path = mapping_of(file)
    return client.post(path, form(client.get(path), path) | changes)


def check_file(client: Client, content: str = PEOPLE, **changes: Any) -> ImportFile:
    """Returns a file that was uploaded and checked."""
    assert upload(client, content).status_code == 302
    file = ImportFile.objects.latest("pk")
    assert send_mapping(client, file, **changes).status_code == 302
    work()
    file.refresh_from_db()
    return file


def start_import(client: Client, file: ImportFile, reason: str = "Move"):
    path = f"/imports/{file.pk}/start/"
    return client.post(path, form(client.get(f"/imports/{file.pk}/"), path) | {"reason": reason})


def counts_of(page) -> dict[str, str]:
    counts = page.one("dl", class_="import-counts")
    return {each.one("dt").text: each.one("dd").text for each in counts.all("div")}


def result_rows(page) -> list[list[str]]:
    rows = page.one("table", class_="preview-rows").one("tbody").all("tr")
    return [[cell.text for cell in row.all("td")[:3]] for row in rows]


def test_a_name_that_a_later_row_may_free_is_no_ambiguity_in_the_preview(
    client, manager, monkeypatch
):
    monkeypatch.setattr(preview, "PREVIEW_ROWS", 1)
    for name in ("ann", "bob"):
        make_user(username=name, email=f"{name}@example.com", source="crm", source_id=f"id-{name}")
    upload(client, "source_id,username\nid-ann,bob\nid-bob,ann\n")
    file = ImportFile.objects.get()
    choices = {"mode": "update", "source": "crm", "key": "source_id"}
    path = mapping_of(file)
    sent = form(client.get(path), path) | choices
    page = read(client.post(path.replace("mapping", "preview"), sent))
    [[_, label, _]] = result_rows(page)
    assert label == "Decided later"
    assert "so the check decides" in page.one(class_="row-reason").text


def test_the_whole_way_in(client, manager):
    bo = make_user(email="bo@example.org", first_name="Bo", last_name="Berg")
    response = upload(client, PEOPLE)
    file = ImportFile.objects.get()
    assert response["Location"] == mapping_of(file)
    page = read(client.get(mapping_of(file)))
    assert "secret-of-ada" not in page.one("main").text
    assert result_rows(page) == [
        ["Line 2", "New account", "–"],
        ["Line 3", "No change", "Bo Berg"],
        ["Line 4", "Rejected", "–"],
    ]
    [link] = page.one("table", class_="preview-rows").all("a")
    assert link.attributes["href"] == f"/users/{bo.pk}/"

    assert send_mapping(client, file).status_code == 302
    page = read(client.get(f"/imports/{file.pk}/"))
    assert "Queued" in page.one("main").text
    file.refresh_from_db()
    urls = {link.attributes["href"]: link.text for link in page.one("main").all("a")}
    assert urls[f"/jobs/{file.check_job.pk}/cancellation/"] == "Cancel check"
    work()
    assert not User.objects.filter(email="ada@example.org").exists()
    page = read(client.get(f"/imports/{file.pk}/"))
    assert counts_of(page) == {
        "To create": "1",
        "To update": "0",
        "Unchanged": "1",
        "Rejected": "1",
        "Read": "3",
    }
    assert "Line 4" in page.one(class_="rejected-rows").text

    assert start_import(client, file)["Location"] == f"/imports/{file.pk}/"
    work()
    page = read(client.get(f"/imports/{file.pk}/"))
    assert counts_of(page)["Created"] == "1"
    ada = User.objects.get(email="ada@example.org")
    assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    job = Job.objects.get(kind="import-accounts")
    assert job.reason == "Move"
    assert page.one("main").all("a", href=f"/jobs/{job.pk}/")
    rejected = client.get(f"/imports/{file.pk}/rejected.csv")
    assert "no address" in b"".join(rejected).decode("utf-8-sig")
    assert client.post(f"/imports/{file.pk}/end/")["Location"] == "/imports/"
    assert "removed" in read(client.get(f"/imports/{file.pk}/")).one("main").text
    actions = AuditEvent.objects.filter(action__startswith="import.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "import.uploaded",
        "import.list_downloaded",
        "import.removed",
    ]


BAD_MAPPINGS: list[tuple[dict[str, Any], str]] = [
    ({"column-0": ""}, "Choose the column that identifies an account"),
    ({GIVEN_NAME: "last_name"}, "is already mapped to this field"),
    ({PASSWORD: "attribute"}, "can’t be kept as attributes"),
    ({"key": "username"}, "No column is mapped to “Username”"),
    ({"key": "source_id", GIVEN_NAME: "source_id"}, "Enter the name of the system"),
    ({"templates": "username = {E-Mail|loud}"}, "There is no filter “loud”"),
    ({"templates": "is_superuser = 1"}, "Begin the line with a field"),
    ({"templates": "username = {Nickname}"}, "There is no column “Nickname”"),
    ({"mode": "overwrite"}, "valid choice"),
    ({"groups": ["999"]}, "valid choice"),
]


def test_a_bad_mapping_is_explained_and_kept(client, manager):
    upload(client, PEOPLE)
    path = mapping_of(ImportFile.objects.get())
    sent = form(client.get(path), path)
    for changes, error in BAD_MAPPINGS:
        response = client.post(path, sent | changes)
        assert response.status_code == 422
        assert any(error in text for text in errors_of(response)), errors_of(response)
        assert not any("--" in text for text in errors_of(response))
    preview = client.post(
        path.replace("mapping", "preview"),
        sent | changes,
        headers={"HX-Request": "true"},
    )
    assert preview.status_code == 200
    assert error in read(preview).one(class_="preview-problems").text
    assert not read(preview).all("form")
    assert not Job.objects.exists()


def test_a_file_that_cannot_be_read_leads_to_its_options(client, manager):
    response = upload(client, "Email,Name\nzoe@example.org,Zoë\n".encode("cp1252"))
    file = ImportFile.objects.get()
    reading = f"/imports/{file.pk}/reading/"
    if response["Location"] == mapping_of(file):
        # The byte may be past what the beginning of the file shows.
        return
    assert response["Location"] == reading
    page = client.get(reading)
    assert read(page).one(role="alert").text
    sent = form(page, reading)
    again = client.post(reading, sent | {"encoding": "utf-8"})
    assert again.status_code == 422
    for wrong, error in (
        ({"delimiter": "ab"}, "one character"),
        ({"skip_lines": "x"}, "whole number"),
        ({"encoding": "klingon"}, "valid choice"),
    ):
        response = client.post(reading, sent | wrong)
        assert response.status_code == 422
        assert any(error in text for text in errors_of(response)), errors_of(response)
    assert client.post(reading, sent | {"encoding": "cp1252"}).status_code == 302
    assert "Zoë" in read(client.get(mapping_of(file))).one("main").text


def test_bad_uploads_are_refused_and_leave_nothing(client, manager, settings):
    settings.IMPORT_MAX_MB = 1
    for response, error in (
        (client.post("/imports/", {}), "Choose a file"),
        (upload(client, ""), "empty"),
        (upload(client, b"x" * ((1 << 20) + 1)), "larger than 1 MB"),
    ):
        assert response.status_code == 422
        assert any(error in text for text in errors_of(response)), errors_of(response)
    assert not ImportFile.objects.exists()
    response = upload(client, b"%PDF-1.7 people")
    file = ImportFile.objects.get()
    assert response["Location"] == f"/imports/{file.pk}/reading/"
    assert "This is a PDF" in read(client.get(response["Location"])).one("main").text


def test_a_file_is_its_owners_and_no_one_elses(client, manager):
    file = check_file(client)
    SavedMapping.objects.create(by=manager, name="People", rules=file.rules)
    paths = {
        "/imports/": "GET, HEAD, POST",
        "/imports/mappings/": "GET, HEAD",
        f"/imports/{file.pk}/": "GET, HEAD",
        f"/imports/{file.pk}/reading/": "GET, HEAD, POST",
        f"/imports/{file.pk}/mapping/": "GET, HEAD, POST",
        f"/imports/{file.pk}/mapping/save/": "GET, HEAD, POST",
        f"/imports/{file.pk}/preview/": "POST",
        f"/imports/{file.pk}/start/": "POST",
        f"/imports/{file.pk}/end/": "POST",
        f"/imports/{file.pk}/rejected.csv": "GET",
        f"/imports/mappings/{SavedMapping.objects.get().pk}/": "GET, HEAD, POST",
        f"/imports/mappings/{SavedMapping.objects.get().pk}/end/": "POST",
    }
    support = make_user("Support")
    for path, allowed in paths.items():
        method = allowed.split(", ")[0].lower()
        assert_wrong_method(client, path, allowed=allowed)
        other = Client()
        other.force_login(support)
        answer = getattr(other, method)(path)
        assert_denied(answer, "users.import_user", actor=support, action="import")
        other.force_login(make_user("Administrator"))
        found = getattr(other, method)(path).status_code
        assert found == (404 if any(map(str.isdigit, path)) else 200)
    for path in ("/imports/{}/", "/imports/{}/mapping/", "/imports/mappings/{}/"):
        assert_not_found(client, path, methods=("get",))
    assert ImportFile.objects.get().removed_at is None


def test_strangers_are_sent_to_sign_in(client):
    for path in ("/imports/", "/imports/1/mapping/"):
        assert_sent_to_sign_in(client, path)


def test_the_page_of_an_undone_import_says_so(client, manager):
    file = check_file(client)
    start_import(client, file)
    work()
    file.refresh_from_db()
    undo = undo_job(file.job, by=manager, reason="Wrong file")
    work()
    page = read(client.get(f"/imports/{file.pk}/"))
    assert f"Undone by Job {undo.pk}" in page.one("main").text


def test_late_changes_are_refused(client, manager):
    file = check_file(client)
    path = f"/imports/{file.pk}/start/"
    sent = form(client.get(f"/imports/{file.pk}/"), path) | {"reason": ""}
    assert client.post(path, sent).status_code == 422
    sent["reason"] = "Move"
    assert client.post(path, sent).status_code == 302
    assert client.post(path, sent).status_code == 302
    assert client.post(path, sent | {"key": "another"}).status_code == 409
    assert Job.objects.filter(kind="import-accounts").count() == 1
    assert client.post(f"/imports/{file.pk}/end/").status_code == 409
    for step in ("reading", "mapping"):
        assert client.get(f"/imports/{file.pk}/{step}/").status_code == 409


def test_a_file_that_another_tab_has_read_again_is_not_checked(client, manager, monkeypatch):
    upload(client, PEOPLE)
    file = ImportFile.objects.get()
    path = mapping_of(file)
    sent = form(client.get(path), path)
    original = mapping_views.start_check

    def read_meanwhile(*args: Any, **kwargs: Any) -> Job:
        ImportFile.objects.update(columns=["Other"])
        return original(*args, **kwargs)

    monkeypatch.setattr(mapping_views, "start_check", read_meanwhile)
    response = client.post(path, sent)
    assert response.status_code == 409
    assert any("columns of the file have changed" in text for text in errors_of(response))
    assert not Job.objects.exists()


def test_the_secret_of_a_firebase_project_is_used_for_its_file_alone(client, manager, samples):
    password, value, salt = next(csv.reader((samples / "firebase_scrypt_key1.csv").open()))
    ada = {"localId": "u1", "email": "ada@example.org", "passwordHash": value, "salt": salt}
    upload(client, json.dumps({"users": [ada]}), "users.json")
    file = ImportFile.objects.get()
    reading = f"/imports/{file.pk}/reading/"
    sent = form(client.get(reading), reading)
    response = client.post(reading, sent | {"hash_parameters": "rounds: 8"})
    assert any("incomplete" in text for text in errors_of(response)), errors_of(response)
    assert client.post(reading, sent | {"hash_parameters": PARAMETERS}).status_code == 302
    assert send_mapping(client, file).status_code == 302
    work()
    assert "Firebase scrypt" in read(client.get(f"/imports/{file.pk}/")).one("main").text
    assert client.post(f"/imports/{file.pk}/mapping/save/", {"name": "Move"}).status_code == 302
    file.refresh_from_db()
    for stored in (file, SavedMapping.objects.get()):
        assert SIGNER_KEY not in str(vars(stored))
    assert start_import(client, file).status_code == 302
    work()
    assert is_password(password, User.objects.get(email="ada@example.org").password)


def test_records_that_are_no_accounts_are_counted(client, manager):
    # Without addresses and IDs, so that the username is suggested as the key.
    people = [{"username": "ada"}, {"username": "robot", "serviceAccountClientId": "robot"}]
    file = check_file(client, json.dumps({"realm": "example", "users": people}))
    for _checked_again in range(2):
        main = read(client.get(f"/imports/{file.pk}/")).one("main")
        assert main.one(class_="import-skipped").text == "Skipped: service accounts (1)"
        assert send_mapping(client, file).status_code == 302
        work()
    start_import(client, file)
    work()
    assert "service accounts (1)" in read(client.get(f"/imports/{file.pk}/")).one("main").text


def test_exports_come_back_unchanged_with_what_is_suggested(client, manager):
    # Most accounts have no ID in another system, and some files have none at all.
    kept = make_user(username="kept", email="kept@example.org", source="hr", source_id="7")
    accounts = [kept, make_user(username="bo", email="bo@example.org")]
    for some in (accounts, accounts[1:]):
        for name in ("csv", "scim"):
            parameters = {"columns": list(EXPORT_COLUMNS), "format": name}
            job = run("export", some, by=manager, parameters=parameters)
            content = b"".join(stream_file(job.export))
            assert upload(client, content, f"accounts.{name}").status_code == 302
            file = ImportFile.objects.latest("pk")
            path = mapping_of(file)
            rows = result_rows(read(client.get(path)))
            assert [kind for _line, kind, _account in rows] == ["No change"] * len(some), name
