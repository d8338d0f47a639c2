"""GET /api/ and /api/openapi.json"""

import pytest

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_user
from users.api.description import openapi_description

pytestmark = pytest.mark.django_db


def test_staff_read_the_description_as_a_page(client):
    client.force_login(make_user("Viewer"))
    html = client.get("/api/").content.decode()
    for operations in openapi_description()["paths"].values():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in html
    assert "/api/v1/accounts/{account_id}/suspension" in html


def test_staff_download_the_description(client):
    client.force_login(make_user("Viewer"))
    assert client.get("/api/openapi.json").json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["/api/", "/api/openapi.json"])
def test_only_staff_read_it(client, path):
    assert_sent_to_sign_in(client, path)
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.get(path), "", actor=ada, action="enter")
    client.force_login(make_user("Viewer"))
    assert_wrong_method(client, path, allowed="GET, HEAD")


def test_each_operation_has_a_summary_and_an_answer():
    for operations in openapi_description()["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["responses"].keys() & {"200", "201"}
