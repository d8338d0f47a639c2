"""GET /inactive/"""

import pytest

from tests.answers import assert_wrong_method
from tests.builders import make_user
from tests.pages import read

pytestmark = pytest.mark.django_db


def test_who_is_not_active_reads_whom_to_ask(client):
    response = client.get("/inactive/")
    assert response.status_code == 200
    assert read(response).one("h1").text == "This account is not active"


def test_the_page_tells_nothing_about_anybody(client):
    client.force_login(make_user("Viewer", first_name="Adelheid"))
    assert "Adelheid" not in client.get("/inactive/").content.decode()


def test_other_methods_are_refused(client):
    assert_wrong_method(client, "/inactive/", allowed="GET, HEAD")
