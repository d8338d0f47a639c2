"""OIDC_… and BREAK_GLASS_USERNAME: what is missing or wrong stops the start and is named."""

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from oidc_settings import OidcSettings, oidc_settings

pytestmark = pytest.mark.sqlite  # of settings, and not of the database

COMPLETE = {
    "OIDC_ISSUER": "https://login.example.com/realms/staff",
    "OIDC_CLIENT_ID": "rollcall",
    "OIDC_CLIENT_SECRET": "secret",
    "OIDC_MODE": "only",
    "OIDC_ROLES": '{"rollcall-support": "Support"}',
    "OIDC_FACTOR_VALUES": "mfa,phr",
    "BREAK_GLASS_USERNAME": "Sealed",
}


def read(monkeypatch, given: dict[str, str], *, secure: bool = True) -> OidcSettings:
    for name in COMPLETE:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return oidc_settings(environ.Env(), secure=secure)


def test_a_complete_set_is_read(monkeypatch):
    found = read(monkeypatch, COMPLETE)
    assert (found.mode, found.break_glass, found.name) == ("only", "sealed", "single sign-on")
    assert (found.roles, found.roles_claim) == ({"rollcall-support": "Support"}, "groups")
    assert found.factor_values == {"mfa", "phr"}
    assert not found.allows_loopback


def test_without_settings_everything_stays_local(monkeypatch):
    assert read(monkeypatch, {}).mode == "local"
    assert read(monkeypatch, COMPLETE | {"OIDC_MODE": ""}).mode == "both"
    assert read(monkeypatch, {"OIDC_MODE": "local", "OIDC_ISSUER": "x"}).mode == "local"


@pytest.mark.parametrize(
    "name", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "BREAK_GLASS_USERNAME"]
)
def test_what_is_missing_is_named(monkeypatch, name):
    with pytest.raises(ImproperlyConfigured, match=f"{name} is not set, and OIDC_MODE=only needs"):
        read(monkeypatch, COMPLETE | {name: " "})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_MODE", "sometimes"),
        ("OIDC_ISSUER", "http://login.example.com"),
        ("OIDC_ISSUER", "http://localhost:8080"),
        ("OIDC_ISSUER", "https://a@login.example.com"),
        ("OIDC_ISSUER", "https://login.example.com/?a=b"),
        ("OIDC_ISSUER", "https://[login"),
        ("OIDC_ISSUER", "login.example.com"),
        ("OIDC_NAME", "x" * 41),
        ("OIDC_NAME", "a\nb"),
        ("OIDC_ROLES", "[1]"),
        ("OIDC_ROLES", '{"a": 1}'),
        ("OIDC_ROLES", "a=Support"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"{name} must be"):
        read(monkeypatch, COMPLETE | {name: value})


def test_a_site_on_this_machine_may_have_its_provider_there(monkeypatch):
    local = COMPLETE | {"OIDC_ISSUER": "http://localhost:8080/realms/staff"}
    assert read(monkeypatch, local, secure=False).allows_loopback
