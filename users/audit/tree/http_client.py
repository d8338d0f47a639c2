"""Sends one request to a URL from the settings: without redirects, with a deadline for each
answer and a limit of its length.
"""

from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPRedirectHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from users.audit.tree.notes import NOTE_TYPE

ANSWER_SECONDS = 5
MAX_BODY_BYTES = 100_000


class Reply(NamedTuple):
    status: int
    content_type: str
    body: bytes


class NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs) -> None:
        return None


# Proxies of the environment are ignored: one could withhold checkpoints.
OPENER = build_opener(NoRedirects, ProxyHandler({}))


def post_body(url: str, body: bytes) -> Reply:
    """Returns the answer to a POST of text, whatever its status. Raises OSError or HTTPException
    without an answer.
    """
    headers = {"Content-Type": NOTE_TYPE, "User-Agent": "Rollcall"}
    request = Request(url, body, headers)  # noqa: S310  the settings allow http and https alone
    try:
        answer = OPENER.open(request, timeout=ANSWER_SECONDS)
    except HTTPError as error:
        answer = error
    except URLError as error:
        # Its own text is that of an exception in an exception.
        raise OSError(f"no connection: {error.reason}") from error
    with answer:
        content_type = answer.headers.get("Content-Type", "")
        return Reply(answer.status, content_type, answer.read(MAX_BODY_BYTES))
