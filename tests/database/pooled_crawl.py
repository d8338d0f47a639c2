"""A page of each view without a transaction around it: each statement may go to another connection
of the pool. tests/database/test_pgbouncer.py runs this file.
"""

from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve

from tests import test_crawl
from tests.test_crawl import crawl, faults, viewers

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["viewers"]


def view_of(address: str) -> str:
    """Returns the name of the view, whatever its arguments and parameters."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return address


def test_a_page_of_each_view_comes_through_the_pool(client, viewers, monkeypatch):
    monkeypatch.setattr(test_crawl, "kind", view_of)
    client.force_login(viewers["superuser"])
    pages = crawl(client, "/", "/me/")
    assert len(pages) > 30
    assert [address for address, page in pages.items() if faults(page)] == []
