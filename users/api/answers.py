"""Answers with JSON: an ETag of the content, 304 for whoever has it, and lists from the page cache.

The ETag of an account begins with its version, so that it can be sent back as If-Match.
HEAD and 304 do not count as a use of personal data, so an ETag must reveal nothing about the
content: its digest has a key, and belongs to one account or one query.
"""

import json
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.crypto import salted_hmac
from django.utils.http import parse_etags

from users.caching import pages
from users.caching.pages import BuiltPage
from users.models import User

JSON_CONTENT = "application/json; charset=utf-8"


def compact_json(value: Any) -> str:
    """Returns compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def content_digest(content: bytes) -> str:
    """Returns a keyed digest, which nobody else can compute for guessed content."""
    return blake2b(content, key=etag_key(), digest_size=12).hexdigest()


def scoped_digest(digest: str, scope: str) -> str:
    """Returns a digest that belongs to one account or query (`scope`), as two may be equal."""
    return content_digest(f"{digest} {scope}".encode(errors="replace"))


@cache
def etag_key() -> bytes:
    return salted_hmac("users.api.answers", "", algorithm="sha256").digest()


def json_response(value: Any, *, status: int = 200) -> HttpResponse:
    """Returns an answer with a weak ETag, which holds for each compression of it."""
    content = compact_json(value).encode()
    response = HttpResponse(content, status=status, content_type=JSON_CONTENT)
    response["ETag"] = f'W/"{content_digest(content)}"'
    return response


def account_response(value: dict[str, Any], account: User, *, status: int = 200) -> HttpResponse:
    """Returns one account, with an ETag that begins with its version."""
    response = json_response(value, status=status)
    digest = scoped_digest(content_digest(response.content), str(account.pk))
    response["ETag"] = f'"{account.version}.{digest}"'
    return response


def cached_answer(
    request: Any,
    build: Callable[[Any], BuiltPage],
    *,
    generations: tuple[str, ...],
    audience: object = None,
) -> HttpResponse:
    """Returns the answer of `build` from the cache of the pages if possible. Its key has the
    generations, which were read with the viewer, and the audience, so it is never outdated and
    never another viewer's.
    """
    encoding = pages.accepted_encoding(request)
    prefix = pages.page_digest(
        "api-lists",
        pages.request_generations(request).of(*generations),
        pages.audience_digest(request.user, audience),
        encoding,
        timezone.localdate(),
    )
    with pages.batch_cache_writes():
        response = pages.get_or_build(request, build, prefix, encoding)
    for header in pages.PROXY_HEADERS:
        del response[header]
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


def bind_etag(response: HttpResponse, query: str) -> None:
    """Binds the ETag of a list to its query."""
    response["ETag"] = f'W/"{scoped_digest(response["ETag"], query)}"'


def conditional_answer(request: Any, response: HttpResponse) -> HttpResponse:
    """Returns 304 without content if the program has the answer already."""
    etag = response.get("ETag", "")
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or not etag:
        return response
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in known and etag.removeprefix("W/") not in map(strong_text, known):
        return response
    unchanged = HttpResponse(status=304, headers={"ETag": etag})
    patch_vary_headers(unchanged, ("Accept-Encoding",))
    del unchanged["Content-Type"]
    return unchanged


def strong_text(etag: str) -> str:
    """Returns an ETag without the mark of a weak one, as If-None-Match compares them."""
    return etag.removeprefix("W/")
