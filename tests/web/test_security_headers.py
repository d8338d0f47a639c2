"""The security headers of responses, and methods that no page takes."""

import pytest

from users.web.security_headers import CONTENT_SECURITY_POLICY

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of headers, and not of the database

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize("path", ["/login/", "/users/", "/no-such-page/"])
def test_every_answer_has_the_headers(client, path):
    response = client.get(path)
    assert {name: response.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/login/", "/users/", "/healthz", "/static/x", "/logout/"])
@pytest.mark.parametrize("method", ["TRACE", "TRACK"])
def test_no_request_is_sent_back(client, admin_client, path, method):
    for visitor in (client, admin_client):
        response = visitor.generic(method, path, headers={"X-Probe": "echo-of-the-request"})
        assert response.status_code >= 300
        assert b"echo-of-the-request" not in response.content
