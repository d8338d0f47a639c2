"""Every route of the site without a transaction around it: each statement may go to another
connection of the pool. tests/database/test_pgbouncer.py runs this file.
"""

import pytest

from tests.discovery import discover, route_of, routes, url_of_route
from tests.every_page import fill_site

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_route_answers_through_the_pool(client, person):
    site = fill_site(person)
    client.force_login(site.viewers["superuser"])
    found = discover(client, "/", "/me/", f"/users/{site.person.pk}/", most=1)
    statuses = dict(found.statuses)
    visited = {route_of(url) for url in statuses}
    # What no page leads to: addresses of programs, and those to which forms are sent.
    for route in set(routes()) - visited:
        url = url_of_route(route, found.urls)
        statuses[url] = client.get(url).status_code
    assert {url: status for url, status in statuses.items() if status >= 500} == {}
    pages = {route_of(url) for url, status in statuses.items() if status == 200}
    assert len(pages) > 120
