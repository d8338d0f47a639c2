"""The size of what a page may be sent: of most forms, and of those that take lists."""

import pytest

from tests.builders import make_user
from tests.pages import read
from users.directory.lists.models import PastedList
from users.web.form_size import FORM_BYTES

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]  # of requests, and not of the database

MULTIPART = "multipart/form-data; boundary=x"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("content_type", [MULTIPART, URLENCODED])
def test_a_form_that_is_too_large_is_refused_unread(client, content_type):
    ann = make_user(username="ann")
    client.force_login(make_user("Manager"))
    for path in (f"/users/{ann.pk}/notes/", f"/users/{ann.pk}/edit/", "/mail/suppressions/import/"):
        size = 2 * FORM_BYTES
        response = client.post(path, b"x" * size, content_type=content_type)
        assert response.status_code == 413, path
        assert "This form is too large." in read(response).one("main").text
    client.logout()
    assert client.post("/login/", b"x" * size, content_type=content_type).status_code == 413


def test_a_list_of_100_000_lines_may_be_pasted(client):
    client.force_login(make_user("Manager"))
    lines = [f"{number:06d}.{'x' * 40}@example.com" for number in range(100_000)]
    text = "\r\n".join(lines)
    assert len(text) > 2 * FORM_BYTES
    assert client.post("/users/lists/", {"text": text}).status_code == 302
    assert PastedList.objects.count() == 1
