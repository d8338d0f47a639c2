"""The browser's part of a round trip to the provider."""

import http.client
from urllib.parse import parse_qsl, urlsplit

from django.test import Client

from tests.pages import read
from users.sessions.models import SignInEvent


def provider_url(response) -> str:
    """Returns the URL to which the page after the button leads, by itself and by its link."""
    assert response.status_code == 200, read(response).text
    page = read(response)
    url = page.one("a", class_="button primary").attributes["href"]
    assert page.one("meta", http_equiv="refresh").attributes["content"] == f"0; url={url}"
    return url


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def visit_provider(url: str) -> str:
    """Opens the page of the provider. Returns the path and query of Rollcall it redirects to."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}")
    target = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    return f"{target.path}?{target.query}"


def start(client: Client, **sent: str) -> str:
    """Presses the button of the sign-in page. Returns the path of the callback."""
    return visit_provider(provider_url(client.post("/login/oidc/", sent)))


def outcomes() -> list[tuple[str, str]]:
    return list(SignInEvent.objects.order_by("pk").values_list("outcome", "way"))
