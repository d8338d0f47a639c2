"""GET /.well-known/security.txt"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.answers import assert_wrong_method

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of text, and not of the database

PATH = "/.well-known/security.txt"


def test_anyone_learns_whom_to_write_to(client, settings):
    expires = timezone.now() + timedelta(days=30)
    settings.SECURITY_CONTACT = "mailto:security@example.com"
    settings.SECURITY_EXPIRES = expires
    response = client.get(PATH)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode().splitlines() == [
        "Contact: mailto:security@example.com",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: http://localhost:8000{PATH}",
    ]
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
    settings.SECURITY_EXPIRES = timezone.now() - timedelta(days=1)
    assert client.get(PATH).status_code == 404


def test_without_a_contact_there_is_no_such_page(client):
    assert client.get(PATH).status_code == 404
