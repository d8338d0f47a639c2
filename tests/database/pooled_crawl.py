"""All pages of a superuser without a transaction around them: each statement may go to another
connection of the pool. tests/database/test_pgbouncer.py runs this file.
"""

import pytest

from tests.test_crawl import crawl, faults, viewers

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["viewers"]


def test_every_page_comes_through_the_pool(client, viewers):
    client.force_login(viewers["superuser"])
    pages = crawl(client, "/", "/me/")
    assert len(pages) > 100
    assert [address for address, page in pages.items() if faults(page)] == []
