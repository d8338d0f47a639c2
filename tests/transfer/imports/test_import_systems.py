"""Files of other systems through manage.py import_accounts, without any option."""

from pathlib import Path

import pytest

from tests.formats.reading import is_password
from tests.transfer.imports.importer import import_file
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
ADMIN = "line {}: username: “admin”: This username is reserved"
NO_DOMAIN = "line 4: username, column username: “MalikB@<<<enter your domain name>>>”: “<” can’t be"
# created and rejected rows of each file, and the beginning of the first reason.
SYSTEMS = {
    "auth0.json": (30, 0, ""),
    "clerk.csv": (69, 0, ""),
    "django_defectdojo_users.json": (6, 1, ADMIN.format(1)),
    "entra_SC300BulkUser.csv": (0, 10, NO_DOMAIN),
    "firebase.json": (50, 0, ""),
    "keycloak_quickstart_authz-client_realm.json": (2, 1, ADMIN.format(3)),
    "keycloak_tenant-a-realm_secretData.json": (1, 0, ""),
    "scim_rfc7643-8.1-user-minimal.json": (0, 1, "line 1: username: “bjensen@example.com”: A user"),
    "scim_rfc7643-8.2-user-full.json": (1, 0, ""),
    "wordpress_fusionauth_users.json": (1, 1, "line 1: username: “user”: This username is reserve"),
}
# Files that need choices, and files without accounts, with the tests that read them.
OTHERS = {
    "fakename_CreateDemoUsers_2500.csv": "transfer/imports/test_import_samples.py",
    "firebase_scrypt_key1.csv": "transfer/imports/test_import_passwords.py",
    "password_vectors.json": "transfer/imports/test_import_passwords.py",
    "csv_injection_payloads.txt": "transfer/imports/test_import_samples.py",
    "blns.json": "transfer/imports/test_import_samples.py",
    "isemail_tests.xml": "test_identifiers.py",
}
# A list of the categories of isemail_tests.xml, and a description of the files.
NO_INPUT = {"isemail_meta.xml", "README.md"}
TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "expected"), SYSTEMS.items())
def test_each_file_comes_in_without_an_option_and_changes_nothing_again(samples, name, expected):
    created, rejected, reason = expected
    first = import_file(samples / name)
    assert first.counts == (created, 0, 0, rejected), first.errors
    assert reason in first.errors.partition("\n")[0]
    assert (first.code == 0) == (created > 0)
    assert User.objects.count() == created
    assert import_file(samples / name).counts == (0, 0, created, rejected)


def test_every_sample_and_input_is_read_by_a_test(samples):
    spectrum = (TESTS / "formats/test_csv.py").read_text()
    inputs = (TESTS / "transfer/imports/test_import_inputs.py").read_text()
    for path in samples.iterdir():
        name = path.name
        if name.startswith("csvspectrum_"):
            assert f'"{path.stem.removeprefix("csvspectrum_")}"' in spectrum, name
        elif name in OTHERS:
            assert name in (TESTS / OTHERS[name]).read_text(), name
        else:
            assert name in SYSTEMS.keys() | NO_INPUT, name
    for path in (samples.parent / "inputs").iterdir():
        assert f'"{path.name}"' in inputs, path.name


def test_people_of_a_realm_keep_their_passwords_and_what_is_left_out_is_said(samples):
    result = import_file(samples / "keycloak_tenant-a-realm_secretData.json")
    assert (result.code, result.counts) == (0, (1, 0, 0, 0))
    alice = User.objects.get(source="keycloak", username="alice")
    assert is_password("alice", alice.password)
    result = import_file(samples / "keycloak_quickstart_authz-client_realm.json", "--dry-run")
    assert "Skipped: service accounts (1)" in result.output
