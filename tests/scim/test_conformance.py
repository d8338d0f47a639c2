"""The checks of scim2-tester, in the process of the tests."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.scim.builders import make_scim
from users.scim import views
from users.scim.service import ProvisioningService
from users.scim.storage import ProvisionedStorage
from users.tokens.models import ApiToken

pytestmark = pytest.mark.django_db


class StorageWithNewRoles(ProvisionedStorage):
    """Creates and deletes roles too, as the checks do."""

    def create(self, resource_type: Any, resource: Any) -> Any:
        if resource_type.name == "User":
            return super().create(resource_type, resource)
        role = Group.objects.create(name=resource.display_name)
        token = ApiToken.objects.get()
        token.provisioning["roles"].append(role.pk)
        token.save()
        self.source = views.source_access(token, self.source.viewer)
        return self.update(resource_type, resource.model_copy(update={"id": str(role.pk)}))

    def delete(self, resource_type: Any, resource_id: str, **more: Any) -> None:
        if resource_type.name == "User":
            super().delete(resource_type, resource_id, **more)
        else:
            self.get(resource_type, resource_id)
            Group.objects.filter(pk=resource_id).delete()


@pytest.fixture
def kept_connection():
    """The handler closes connections around each request, and with them the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def failed_checks(resource_type: str) -> tuple[list[str], int]:
    """Returns the checks that failed, and the number of those that passed."""
    text = make_scim().headers["Authorization"]
    base_url = f"{settings.SITE_URL}/scim/v2"
    headers = {"Authorization": text, "Host": "testserver"}
    client = WSGISCIMClient(WSGIHandler(), base_url=base_url, headers=headers)
    results = check_server(client, resource_types=[resource_type])
    failed = [
        f"{each.title} {each.reason}"
        for each in results
        if each.status not in (Status.SUCCESS, Status.SKIPPED)
    ]
    return failed, sum(each.status == Status.SUCCESS for each in results)


@pytest.mark.usefixtures("kept_connection")
def test_the_service_passes_the_checks_for_users():
    failed, passed = failed_checks("User")
    assert failed == []
    assert passed > 60


@pytest.mark.usefixtures("kept_connection")
def test_the_service_passes_the_checks_for_groups(monkeypatch):
    """A token neither creates nor deletes roles, so the storage of this test does."""
    monkeypatch.setattr(views, "ProvisionedStorage", StorageWithNewRoles)
    monkeypatch.setattr(ProvisioningService, "authorize", lambda *arguments: None)
    failed, passed = failed_checks("Group")
    assert failed == []
    assert passed > 20
