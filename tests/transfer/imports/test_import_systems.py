"""Files of other systems through manage.py import_accounts, without any option."""

import pytest

from tests.formats.reading import is_password
from tests.transfer.imports.importer import import_file
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_people_of_a_realm_keep_their_passwords_and_what_is_left_out_is_said(samples):
    result = import_file(samples / "keycloak_tenant-a-realm_secretData.json")
    assert (result.code, result.counts) == (0, (1, 0, 0, 0))
    alice = User.objects.get(source="keycloak", username="alice")
    assert is_password("alice", alice.password)
    result = import_file(samples / "keycloak_quickstart_authz-client_realm.json", "--dry-run")
    assert "Skipped: service accounts (1)" in result.output
    result = import_file(samples / "clerk.csv")
    assert (result.code, result.counts) == (0, (69, 0, 0, 0))
    assert import_file(samples / "clerk.csv").counts == (0, 0, 69, 0)
