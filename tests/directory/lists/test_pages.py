"""The pages of pasted lists: /users/lists/, /users/lists/<id>/, its files and its deletion."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_user
from tests.bulk.running import start
from tests.directory.lists.pasting import PATH, paste_list
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.directory.lists import pasted_lists
from users.directory.lists.models import PastedList, PastedListLine
from users.web import file_upload

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database


@pytest.fixture
def support(client):
    support = make_user("Support", first_name="Sue", last_name="Agent")
    client.force_login(support)
    return support


def rows_of(response) -> list[list[str]]:
    text = b"".join(response).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_a_pasted_text_is_looked_up_and_each_outcome_has_a_file(client, support):
    ann = make_user(username="ann", first_name="Jo", last_name="Smith")
    twin = make_user(first_name="Smith", last_name="Jo")
    sent = form(client.get(PATH), PATH)
    lines = ["ANN", "", ann.email, "Jo Smith", "=cmd()", f"{twin.pk}"]
    response = client.post(PATH, sent | {"text": "\r\n".join(lines)})
    pasted = PastedList.objects.get()
    assert response["Location"] == f"{PATH}{pasted.pk}/"
    page = read(client.get(response["Location"]))
    counts = [item.text for item in page.one("dl", class_="counts").all("dd")]
    assert counts == ["3", "1", "1", "5"]
    assert page.one(id="found").text == "2 accounts"
    links = {link.attributes["href"] for link in page.all("a")}
    assert f"/users/?list={pasted.pk}" in links
    assert f"/users/bulk/suspension/?all=1&list={pasted.pk}" in links
    files = {name: rows_of(client.get(f"{PATH}{pasted.pk}/{name}/")) for name in pasted_lists.FILES}
    assert files == {
        "found": [
            ["line", "text", "account_id", "formula_mark"],
            ["1", "ANN", f"{ann.pk}", "'"],
            ["3", ann.email, f"{ann.pk}", "'"],
            ["6", f"{twin.pk}", f"{twin.pk}", "'"],
        ],
        "ambiguous": [
            ["line", "text", "account_ids", "formula_mark"],
            ["4", "Jo Smith", f"{ann.pk} {twin.pk}", "'"],
        ],
        "not-found": [["line", "text", "formula_mark"], ["5", "'=cmd()", "'"]],
    }
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id) == ("list.created", support.pk)
    assert event.after == {
        "list": pasted.pk,
        "found": 2,
        "repeated": 1,
        "ambiguous": 1,
        "missing": 1,
    }
    assert f"List {pasted.pk}" in read(client.get(PATH)).one("table").text


def test_a_file_is_uploaded_and_its_own_result_too(client, support):
    ann = make_user(username="ann")
    content = "No;Login\n1;ann\n2;nobody\n".encode("utf-16")
    client.post(PATH, {"file": SimpleUploadedFile("leavers.csv", content), "kind": "any"})
    pasted = PastedList.objects.get()
    assert (pasted.name, pasted.column, pasted.kind) == ("leavers.csv", "Login", "username")
    result = b"".join(client.get(f"{PATH}{pasted.pk}/found/"))
    client.post(PATH, {"file": SimpleUploadedFile("again.csv", result)})
    again = PastedListLine.objects.filter(pasted_list__name="again.csv")
    assert list(again.values_list("account_id", "outcome")) == [(ann.pk, "found")]


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"text": " \n"}, "Paste some lines or choose a file."),
        ({"text": "a\tb\n1\t2"}, "Enter the heading or the number of the column"),
        ({"text": "a", "kind": "x"}, "Select a valid choice."),
        ({"file": SimpleUploadedFile("x.txt", b"a\nb\xff\n")}, "Line 2 is not UTF-8."),
        ({"file": SimpleUploadedFile("x.txt", b"")}, "The submitted file is empty."),
    ],
)
def test_what_can_not_be_read_is_named_and_stays(client, support, sent, error):
    response = client.post(PATH, sent)
    assert response.status_code == 422
    assert any(error in each for each in errors_of(response)), errors_of(response)
    assert read(response).one("textarea").raw_text.strip() == sent.get("text", "").strip()
    assert not PastedList.objects.exists()


def test_a_file_that_is_too_large_is_named(client, support, monkeypatch):
    monkeypatch.setattr(file_upload, "UPLOAD_BYTES", 10)
    response = client.post(PATH, {"file": SimpleUploadedFile("x.txt", b"a line\n" * 5)})
    assert response.status_code == 422
    assert any("The file is too large." in each for each in errors_of(response))


def test_a_person_has_a_limited_number_of_lists(client, support, monkeypatch):
    monkeypatch.setattr(pasted_lists, "LISTS_PER_OWNER", 1)
    assert client.post(PATH, {"text": "a"}).status_code == 302
    response = client.post(PATH, {"text": "a"})
    assert response.status_code == 422
    assert "You already have 1 lists." in errors_of(response)[0]


def test_a_list_is_deleted_unless_a_job_needs_it(client, support):
    pasted = paste_list(support, "nobody")
    job = start("sessions-end", None, by=support, selection=f"list={pasted.pk}&all=1")
    refused = client.post(f"{PATH}{pasted.pk}/deletion/")
    assert refused.status_code == 409
    assert f"Job {job.pk} uses this list" in read(refused).one("main").text
    job.state = "cancelled"
    job.save()
    assert client.post(f"{PATH}{pasted.pk}/deletion/")["Location"] == PATH
    assert not PastedListLine.objects.exists()


def test_nobody_else_learns_of_a_list(client, support, client_factory):
    pasted = paste_list(support, "nobody")
    paths = [f"{PATH}{pasted.pk}/", f"{PATH}{pasted.pk}/found/"]
    colleague = client_factory(make_user("Administrator"))
    for path in paths:
        assert colleague.get(path).status_code == 404
    assert colleague.post(f"{PATH}{pasted.pk}/deletion/").status_code == 404
    assert "List" not in read(colleague.get(PATH)).one("main").text.replace("a list", "")
    assert PastedList.objects.exists()
    assert client.get(f"{PATH}{pasted.pk}/other/").status_code == 404


def test_the_ladder(client):
    pasted = PastedList.objects.create(owner=make_user(), size=1, expires_at=timezone.now())
    for path in (PATH, f"{PATH}{pasted.pk}/"):
        assert_sent_to_sign_in(client, path, methods=("get",))
    assert_sent_to_sign_in(client, f"{PATH}{pasted.pk}/deletion/", methods=("post",))
    outsider = make_user(is_staff=True)
    client.force_login(outsider)
    for path in (PATH, f"{PATH}{pasted.pk}/"):
        assert_denied(client.get(path), "users.view_user", actor=outsider, action="view")
    client.force_login(make_user("Viewer"))
    assert_not_found(client, PATH + "{}/", methods=("get",))
    assert_not_found(client, PATH + "{}/deletion/", methods=("post",))
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
    assert_wrong_method(client, f"{PATH}{pasted.pk}/", allowed="GET, HEAD")
