"""The URL of a list has no empty parameter, though forms send them where scripts are off."""

import pytest

from tests.builders import make_superuser

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("/users/?q=&status=suspended&domain=&role=", "/users/?status=suspended"),
        ("/users/?q=a%26b&joined_from=", "/users/?q=a%26b"),
        ("/users/?q=&status=", "/users/"),
        ("/audit/?action=&actor=&target=7&job=", "/audit/?target=7"),
        ("/jobs/?state=", "/jobs/"),
    ],
)
def test_empty_parameters_leave_the_url(client, sent, kept):
    client.force_login(make_superuser())
    response = client.get(sent)
    assert (response.status_code, response["Location"]) == (302, kept)
    assert client.get(kept).status_code == 200
    assert client.get(sent, headers={"HX-Request": "true"}).status_code == 200
