"""Saved mappings, and the mapping that corrected rows have from their file."""

import pytest
from django.test import Client

from tests.answers import errors_of
from tests.builders import make_user
from tests.pages import form, read
from tests.transfer.imports.test_import_pages import (
    GIVEN_NAME,
    PEOPLE,
    check_file,
    counts_of,
    mapping_of,
    send_mapping,
    upload,
    work,
)
from users.models import User
from users.transfer.models import ImportFile, SavedMapping

# Of pages, and not of the database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def test_a_mapping_is_saved_and_used_for_the_next_file(client, manager):
    rules = {GIVEN_NAME: "first_name", "note": "Moved in", "mode": "both"}
    file = check_file(client, **rules)
    path = f"/imports/{file.pk}/mapping/save/"
    for name, status in (("", 422), ("People", 302), ("People", 422)):
        assert client.post(path, {"name": name}).status_code == status
    saved = SavedMapping.objects.get()
    assert upload(client, PEOPLE).status_code == 302
    again = ImportFile.objects.latest("pk")
    page = client.get(mapping_of(again))
    assert "same content was uploaded before" in read(page).one("main").text
    assert read(page).one("select", id="id_saved").one("option").text == "People"
    filled = form(client.get(f"{mapping_of(again)}?saved={saved.pk}"), mapping_of(again))
    assert filled.items() >= rules.items()
    assert client.get(f"{mapping_of(again)}?saved=x").status_code == 400
    assert client.post(f"/imports/mappings/{saved.pk}/end/").status_code == 302
    assert not SavedMapping.objects.exists()


def test_a_saved_mapping_is_renamed_and_shared_by_its_owner_alone(client, manager):
    for name in ("People", "Staff"):
        SavedMapping.objects.create(by=manager, name=name)
    saved = SavedMapping.objects.get(name="People")
    path = f"/imports/mappings/{saved.pk}/"
    assert form(client.get(path), path) == {"name": "People"}
    for name, message in (("", "required"), ("Staff", "Choose another"), ("a\x00", "character")):
        response = client.post(path, {"name": name})
        assert response.status_code == 422, name
        assert message in " ".join(errors_of(response)), errors_of(response)
    assert client.post(path, {"name": " Colleagues ", "shared": "on"}).status_code == 302
    saved.refresh_from_db()
    assert (saved.name, saved.shared) == ("Colleagues", True)
    page = read(client.get("/imports/mappings/"))
    assert "Colleagues Shared" in page.one("main").text
    other = Client()
    other.force_login(make_user("Manager"))
    assert "Colleagues" in read(other.get("/imports/mappings/")).one("main").text
    for shared in (path, f"{path}end/"):
        assert other.post(shared, {"name": "Mine"}).status_code == 404


def test_corrected_rows_are_mapped_like_their_file(client, manager):
    first = check_file(client, **{GIVEN_NAME: "last_name", "column-3": "", "note": "Moved in"})
    rejected = b"".join(client.get(f"/imports/{first.pk}/rejected.csv").streaming_content)
    corrected = rejected.decode().replace("no address", "cy@example.org")
    assert upload(client, corrected).status_code == 302
    file = ImportFile.objects.latest("pk")
    response = client.get(mapping_of(file))
    note = "Uses the mapping of people.csv, where these rows were rejected."
    assert note in read(response).one("main").text
    filled = form(response, mapping_of(file))
    assert (filled[GIVEN_NAME], filled["note"]) == ("last_name", "Moved in")
    assert send_mapping(client, file).status_code == 302
    work()
    assert counts_of(read(client.get(f"/imports/{file.pk}/")))["To create"] == "1"
    other = Client()
    other.force_login(make_user("Manager"))
    assert upload(other, corrected).status_code == 302
    path = mapping_of(ImportFile.objects.latest("pk"))
    assert form(other.get(path), path)[GIVEN_NAME] == "first_name"
