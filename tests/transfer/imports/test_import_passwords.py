"""Passwords that come in by the page of imports, and sign in with the page of signing in."""

import csv
import json
from io import StringIO

import pytest
from django.test import Client

import settings as production
from tests.builders import make_user
from tests.formats.test_firebase import PARAMETERS
from tests.pages import form
from tests.transfer.imports.test_import_pages import (
    mapping_of,
    send_mapping,
    start_import,
    upload,
    work,
)
from users.models import User
from users.passwords.hashers.django_hashes import Argon2Hasher
from users.transfer.models import ImportFile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database


@pytest.fixture(autouse=True)
def production_hashers(settings, monkeypatch):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS
    monkeypatch.setattr(Argon2Hasher, "memory_cost", 1024)  # saves a second for each ten


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def import_by_page(
    client: Client,
    content: str,
    name: str,
    mapping: dict[str, str] | None = None,
    **options: str,
) -> None:
    """Uploads, checks and imports a file by the pages. `mapping`: further choices; `options`: how
    it is read.
    """
    assert upload(client, content, name).status_code == 302
    file = ImportFile.objects.latest("pk")
    if options:
        path = f"/imports/{file.pk}/reading/"
        assert client.post(path, form(client.get(path), path) | options).status_code == 302
    assert client.get(mapping_of(file)).status_code == 200
    assert send_mapping(client, file, **(mapping or {})).status_code == 302
    work()
    assert start_import(client, file).status_code == 302
    work()


def require_sign_in(username: str, password: str) -> None:
    response = Client().post("/login/", {"login": username, "password": password})
    assert response.status_code == 302, username


def test_hashes_in_a_column_sign_in(client, manager, samples):
    vectors = json.loads((samples / "password_vectors.json").read_text())
    texts = [each for each in vectors if isinstance(each["raw"], str)]
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow(["username", "email", "password_hash"])
    for number, each in enumerate(texts):
        writer.writerow([f"person.{number}", f"person{number}@example.org", each["raw"]])
    # A column gives passwords only if it is chosen for them.
    import_by_page(client, lines.getvalue(), "people.csv", {"column-2": "password_hash"})
    for number, each in enumerate(texts):
        require_sign_in(f"person.{number}", each["plaintext"])


def test_the_users_of_a_firebase_project_sign_in(client, manager, samples):
    with (samples / "firebase_scrypt_key1.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    users = []
    for number, (_, value, salt) in enumerate(rows):
        email = f"person{number}@example.org"
        users.append({"localId": f"u{number}", "email": email, "passwordHash": value, "salt": salt})
    text = json.dumps({"users": users})
    import_by_page(client, text, "users.json", hash_parameters=PARAMETERS)
    assert User.objects.filter(source="firebase").count() == len(rows)
    for number, (password, *_) in enumerate(rows):
        require_sign_in(f"person{number}@example.org", password)


def test_the_users_of_a_keycloak_realm_sign_in(client, manager, samples):
    text = (samples / "keycloak_tenant-a-realm_secretData.json").read_text()
    import_by_page(client, text, "realm.json")
    require_sign_in("alice", "alice")
