"""The checks of scim2-tester, in the process of the tests."""

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.scim.builders import make_scim

pytestmark = pytest.mark.django_db
# An account always has a status, so “active” can be false but not missing.
ALWAYS_ACTIVE_OR_NOT = "check_remove_attribute Attribute 'active' was not removed"


@pytest.fixture
def kept_connection():
    """The handler closes connections around each request, and with them the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("kept_connection")
def test_the_service_passes_the_checks_for_users():
    """Roles are neither created nor deleted by SCIM, so groups have tests of their own."""
    text = make_scim().headers["Authorization"]
    base_url = f"{settings.SITE_URL}/scim/v2"
    headers = {"Authorization": text, "Host": "testserver"}
    client = WSGISCIMClient(WSGIHandler(), base_url=base_url, headers=headers)
    results = check_server(client, resource_types=["User"])
    failed = [
        f"{each.title} {each.reason}"
        for each in results
        if each.status not in (Status.SUCCESS, Status.SKIPPED)
    ]
    assert failed == [ALWAYS_ACTIVE_OR_NOT]
    assert len(results) > 20
