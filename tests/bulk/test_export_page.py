"""The page that asks for an export: GET and POST /users/bulk/export/."""

import pytest

from tests.answers import errors_of
from tests.builders import make_superuser, make_user
from tests.bulk.export_files import ask, exported, people, table, with_permissions
from tests.bulk.running import work
from tests.pages import form, read
from users.directory import preferences
from users.jobs import worker
from users.jobs.models import Job
from users.models import User
from users.transfer.models import Export

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(worker.time, "sleep", lambda seconds: None)


@pytest.fixture
def root() -> User:
    return make_superuser()


def address(accounts: list[User]) -> str:
    return "/users/bulk/export/?" + "&".join(f"ids={account.pk}" for account in accounts)


def test_the_page_offers_the_columns_of_the_viewers_own_list(client):
    auditor = make_user("Auditor")
    accounts = people()
    preferences.choose_columns(auditor, ("phone", "id"))
    client.force_login(auditor)
    path = address(accounts)
    shown = client.get(path)
    assert read(shown).one("h1").text == "Export 3 accounts?"
    assert "This can’t be undone" not in read(shown).text
    sent = form(shown, path)
    assert sent["columns"] == ["id", "name", "phone"]
    response = client.post(path, sent | {"count": "3", "reason": "For the auditors"})
    job = work(Job.objects.get())
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert job.parameters == {"columns": ["id", "name", "phone"], "format": "csv"}
    links = [a.attributes["href"] for a in read(client.get(f"/jobs/{job.pk}/")).all("a")]
    assert f"/exports/{job.export.pk}/file/" in links
    client.force_login(make_superuser())
    assert "/exports/" + str(job.export.pk) not in client.get(f"/jobs/{job.pk}/").content.decode()


def test_who_sees_masks_is_told_that_the_file_has_them(client, root):
    clerk = with_permissions("view_user", "export_user")
    accounts = people(1)
    for viewer, told in ((clerk, True), (root, False)):
        client.force_login(viewer)
        assert ("are masked in the file" in client.get(address(accounts)).content.decode()) == told


def test_the_page_says_what_a_csv_is_good_for_and_what_it_adds_to_values(client, root):
    client.force_login(root)
    text = read(client.get(address(people(1)))).text
    assert "Every format can be imported again." in text
    assert "get an apostrophe in front, which an import removes." in text


def test_the_page_says_that_a_second_person_is_needed_after_others_today(client, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {"export": 5}
    manager = make_user("Manager")
    accounts = people(2)
    client.force_login(manager)
    says = "A second person must approve this job."
    assert says not in client.get(address(accounts)).content.decode()
    ask(manager, 4)
    assert says in client.get(address(accounts)).content.decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"columns": []}, "Choose at least one column."),
        ({"columns": ["password"]}, "There is no column “password”."),
        ({"format": "docx"}, "not one of the available choices"),
        ({"reason": ""}, "required"),
    ],
)
def test_bad_input_is_named(client, root, change, says):
    client.force_login(root)
    path = address(people(1))
    response = client.post(
        path, form(client.get(path), path) | {"count": "1", "reason": "x"} | change
    )
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert not Export.objects.exists()


def test_a_column_that_there_is_no_more_is_left_out(root):
    assert table(exported(people(1), root, ["id", "shoe_size"])) == [
        {"id": str(User.objects.latest("pk").pk)}
    ]
