"""GET /exports/everyone/: who exported what."""

import pytest

from tests.answers import assert_denied, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.pages import read
from users.models import User

pytestmark = pytest.mark.django_db
PATH = "/exports/everyone/"


def test_it_lists_the_exports_of_everyone_with_purpose_and_downloads(
    client, django_assert_max_num_queries
):
    manager = make_user("Manager", first_name="Mia")
    parameters = {"columns": ["email"], "format": "csv"}
    export = run("export", [make_user()], by=manager, reason="Audit", parameters=parameters).export
    client.force_login(manager)
    assert_denied(client.get(PATH), "users.view_exports", actor=manager, action="view_exports")
    for _ in range(2):
        client.get(f"/exports/{export.pk}/file/")
    run("export", [make_user()], by=make_superuser(), parameters=parameters)
    client.force_login(User.objects.get(pk=make_user("Auditor").pk))
    client.get(PATH)
    with django_assert_max_num_queries(5):
        page = read(client.get(PATH))
    newest, oldest = page.one("tbody").all("tr")
    assert "Purpose: Audit" in oldest.text
    assert "Mia" in oldest.text
    assert oldest.all("td")[3].text.startswith("Downloads: 2")
    assert "None" in newest.text
    assert "/file/" not in str([a.attributes["href"] for a in page.all("a")])
    assert client.get(f"{PATH}?after=1").status_code == 400
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
