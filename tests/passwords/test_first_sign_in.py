"""The first sign-in with a password of another system, through the page."""

import pytest
from django.test import Client

import settings as production
from tests.builders import make_user
from tests.passwords.hash_cases import PASSWORD, firebase_hashes, other_hashes, vector_hashes
from users.audit.models import AuditEvent
from users.models import User
from users.passwords.hashers.django_hashes import Argon2Hasher
from users.sessions.models import SignInEvent

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def production_hashers(settings):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS


def sign_in(account: User, password: str) -> int:
    response = Client().post("/login/", {"login": account.username, "password": password})
    account.refresh_from_db()
    return response.status_code


def account_with(encoded: str) -> User:
    account = make_user()
    User.objects.filter(pk=account.pk).update(password=encoded)
    return account


def test_each_kind_signs_in_once_and_is_argon2_from_then_on(samples, monkeypatch):
    monkeypatch.setattr(Argon2Hasher, "memory_cost", 1024)  # saves a second for each ten
    cases = vector_hashes(samples)
    cases |= {name: (PASSWORD, encoded) for name, encoded in other_hashes().items()}
    cases["firebase csv"] = firebase_hashes(samples)[0]
    for name, (password, encoded) in cases.items():
        account = account_with(encoded)
        assert sign_in(account, password) == 302, name
        assert account.password.startswith("argon2$argon2id$v=19$m=1024,t=2,p=8$"), name
        renewed = AuditEvent.objects.filter(target_id=account.pk)
        assert [event.action for event in renewed] == ["account.password_rehashed"], name


def test_the_second_sign_in_checks_argon2_and_changes_nothing(samples):
    password, encoded = vector_hashes(samples)["keycloak tenant-a alice"]
    account = account_with(encoded)
    sign_in(account, password)
    renewed = account.password
    assert renewed.startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")
    assert sign_in(account, password) == 302
    assert account.password == renewed
    assert sign_in(account, "bob") == 422


def test_a_hash_that_costs_too_much_is_a_cause_of_its_own():
    account = account_with("bcrypt$$2b$31$" + "." * 53)
    assert sign_in(account, PASSWORD) == 422
    assert SignInEvent.objects.get().outcome == "bad-hash"
