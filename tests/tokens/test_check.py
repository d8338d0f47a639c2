"""The check of a token: what it refuses, and what its holder may do."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import make_superuser, make_user
from tests.tokens.builders import make_service, make_token, present
from users import access, masking
from users.access_setup import ALL_ROLES, DECLARED_PERMISSIONS
from users.audit.models import AuditEvent
from users.models import State, User
from users.oidc.models import OidcLink
from users.tokens import throttle
from users.tokens.changes import revoke_token
from users.tokens.check import TokenRefused
from users.tokens.models import ApiToken
from users.tokens.scopes import NEVER_BY_TOKEN, granted_permissions, known_scopes
from users.tokens.throttle import TokenThrottled
from users.tokens.token_text import api_token_digest, is_token_text, new_token_text

pytestmark = pytest.mark.django_db


def refused(text: str, **options: str) -> bool:
    try:
        present(text, **options)
    except TokenRefused:
        return True
    return False


def test_the_viewer_has_the_scopes_that_the_holder_has():
    ada = make_user("Manager")
    text = make_token(ada, "view_user", "suspend_user").text
    viewer = present(text).viewer
    assert viewer.pk == ada.pk
    assert viewer.get_all_permissions() == {"users.view_user", "users.suspend_user"}
    assert access.may(viewer, "suspend", make_user())
    assert not access.may(viewer, "delete", make_user())
    ada.groups.set([Group.objects.get(name="Viewer")])
    assert present(text).viewer.get_all_permissions() == {"users.view_user"}


def test_a_token_of_a_superuser_has_its_scopes_only():
    root = make_superuser()
    viewer = present(make_token(root, "view_user").text).viewer
    assert (viewer.is_superuser, viewer.get_all_permissions()) == (False, {"users.view_user"})
    assert not access.may(viewer, "suspend", make_user())
    assert User.objects.get(pk=root.pk).is_superuser


def test_a_viewer_without_the_scope_sees_masked_data():
    ada = make_user("Manager")
    bob = make_user(email="bob@example.org")
    plain = present(make_token(ada, "view_user", "view_personal").text).viewer
    masked = present(make_token(ada, "view_user").text).viewer
    assert masking.mask_accounts([bob], plain)[0].email == "bob@example.org"
    assert masking.mask_accounts([bob], masked)[0].email != "bob@example.org"


@pytest.mark.sqlite  # of permissions, and not of the database
@given(
    role=st.sampled_from(ALL_ROLES),
    scopes=st.lists(st.sampled_from([*DECLARED_PERMISSIONS, "no_such_scope"]), unique=True),
)
def test_no_scope_raises_permissions_above_those_of_the_holder(role, scopes):
    names = Group.objects.get(name=role).permissions.values_list("codename", flat=True)
    held = {f"users.{name}" for name in names}
    holder = User(username="ada", is_staff=True)
    holder._perm_cache = set(held)
    granted = granted_permissions(holder, scopes)
    assert granted <= held
    assert granted <= {f"users.{scope}" for scope in scopes}
    assert not granted & {f"users.{name}" for name in NEVER_BY_TOKEN}
    assert holder.get_all_permissions() == held


@pytest.mark.parametrize("scope", ["import_passwords", "manage_webhooks"])
def test_what_outlasts_a_token_is_no_scope_not_even_of_a_superuser(scope):
    root = make_superuser()
    with pytest.raises(ValidationError):
        make_token(root, scope)
    former = make_token(root).token
    ApiToken.objects.filter(pk=former.pk).update(scopes=[scope, "view_user"])
    assert granted_permissions(root, ApiToken.objects.get(pk=former.pk).scopes) == {
        "users.view_user"
    }


def test_every_scope_is_a_permission_that_the_gate_asks_for():
    assert {f"users.{scope}" for scope in known_scopes()} <= {
        *access.PERMISSIONS.values(),
        access.REVEAL_WITHOUT_REASON,
    }
    assert set(DECLARED_PERMISSIONS) >= NEVER_BY_TOKEN


@pytest.mark.parametrize(
    "change",
    [
        {"status": State.SUSPENDED, "status_reason": "for a test"},
        {"status": State.DELETED, "deleted_at": timezone.now()},
        {"is_staff": False},
        {"valid_until": timezone.now()},
        {"must_change_password": True},
    ],
)
def test_a_holder_who_may_not_enter_is_refused_at_the_next_request(change):
    ada = make_user("Manager")
    text = make_token(ada).text
    assert not refused(text)
    User.objects.filter(pk=ada.pk).update(**change)
    assert refused(text)


@pytest.mark.parametrize(
    "change",
    [
        {"status": State.SUSPENDED, "status_reason": "for a test"},
        {"status": State.DELETED, "deleted_at": timezone.now()},
        {"is_staff": False},
        {"valid_until": timezone.now()},
    ],
)
def test_a_service_account_stops_with_its_owner(change):
    owner = make_user("Administrator")
    service = make_service(owner=owner)
    text = make_token(service, by=make_superuser()).text
    assert not refused(text)
    User.objects.filter(pk=owner.pk).update(**change)
    assert refused(text)
    # So do its jobs, whose actor is loaded without a token.
    assert not access.may(User.objects.get(pk=service.pk), "view")


def test_a_second_factor_that_is_due_stops_tokens_of_people_only(settings):
    root = make_superuser(has_second_factor=True)
    ada = make_user("Manager")
    settings.SECOND_FACTOR_REQUIRED = "none"
    own = make_token(ada).text
    of_service = make_token(make_service(owner=root), by=root).text
    settings.SECOND_FACTOR_REQUIRED = "staff"
    settings.SECOND_FACTOR_GRACE_DAYS = 0
    assert refused(own)
    assert not refused(of_service)


@pytest.mark.parametrize(
    ("days", "change", "is_refused"),
    [
        (30, {}, False),
        (32, {}, True),
        (30, {"factor_values": frozenset()}, True),
        (30, {"issuer": "https://new.example"}, True),
        (30, {"mode": "local"}, True),
    ],
)
def test_a_recent_factor_at_the_provider_counts_for_tokens(settings, days, change, is_refused):
    ada = make_user("Manager")
    text = make_token(ada).text
    issuer = "https://id.example"
    at = timezone.now() - timedelta(days=days)
    OidcLink.objects.create(issuer=issuer, subject="x", account_id=ada.pk, factor_at=at)
    values = {"mode": "both", "issuer": issuer, "factor_values": frozenset({"mfa"})} | change
    settings.OIDC = settings.OIDC._replace(**values)
    settings.SESSION_MAX_HOURS = 24
    settings.SECOND_FACTOR_REQUIRED = "staff"
    settings.SECOND_FACTOR_GRACE_DAYS = 0
    assert refused(text) is is_refused


def test_a_revoked_or_expired_token_is_refused_at_the_next_request():
    ada = make_user("Manager")
    revoked = make_token(ada)
    expired = make_token(ada)
    assert not refused(revoked.text)
    assert not refused(expired.text)
    revoke_token(revoked.token, by=ada)
    ApiToken.objects.filter(pk=expired.token.pk).update(ends_at=timezone.now())
    assert refused(revoked.text)
    assert refused(expired.text)


def test_a_token_works_from_its_networks_only():
    networks = ["192.0.2.0/24", "2001:db8::/32"]
    text = make_token(make_user("Manager"), networks=networks).text
    assert not refused(text, ip="192.0.2.77")
    assert not refused(text, ip="2001:db8::7")
    assert refused(text, ip="198.51.100.1")
    assert refused(text, ip="unknown")


def test_a_text_without_a_correct_checksum_is_refused_without_a_query(django_assert_num_queries):
    good = new_token_text()
    wrong = good[:-1] + ("a" if good[-1] != "a" else "b")
    bad = ["", "rc_", wrong, good + "0", good.replace("rc_", "RC_"), "rc_" + "é" * 38, "\x00"]
    with django_assert_num_queries(0):
        for text in bad:
            assert refused(text)
    with django_assert_num_queries(1):
        assert refused(good)


def test_tokens_differ_and_pass_their_checksum():
    texts = {new_token_text() for _ in range(200)}
    assert len(texts) == 200
    assert all(is_token_text(text) for text in texts)
    assert {len(text) for text in texts} == {41}


def test_a_check_takes_the_same_few_queries_each_time(django_assert_num_queries):
    text = make_token(make_service(), by=make_superuser()).text
    present(text)
    # The token, its holder, the owner and the count.
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 4):
        present(text)


def test_requests_from_a_refused_address_do_not_use_up_the_rate(monkeypatch):
    # So that no minute begins between two requests.
    now = timezone.now()
    monkeypatch.setattr(throttle, "current_time", lambda: now)
    text = make_token(make_user("Manager"), networks=["192.0.2.0/24"], rate=2).text
    for _ in range(5):
        assert refused(text, ip="198.51.100.1")
    assert present(text).token.used_requests == 1
    assert present(text).token.used_requests == 2
    with pytest.raises(TokenThrottled):
        present(text)


def test_the_first_use_is_recorded_once_with_the_token():
    ada = make_user("Manager", username="ada")
    made = make_token(ada)
    present(made.text)
    present(made.text)
    event = AuditEvent.objects.get(action="token.first_used")
    assert event.actor_text == f"ada (token {made.token.pk}: Nightly sync)"
    assert (event.actor_id, event.target_id) == (ada.pk, ada.pk)


def test_the_last_use_is_written_at_most_once_a_minute():
    made = make_token(make_user("Manager"))
    rows = ApiToken.objects.filter(pk=made.token.pk)
    present(made.text)
    first = rows.get()
    assert (first.last_used_ip, first.first_used_at is None) == ("192.0.2.1", False)
    present(made.text, ip="192.0.2.2")
    assert rows.get().last_used_at == first.last_used_at
    rows.update(last_used_at=first.last_used_at - timedelta(minutes=1))
    present(made.text, ip="192.0.2.2")
    assert rows.get().last_used_ip == "192.0.2.2"


def test_requests_above_the_rate_are_refused_until_the_minute_ends(settings, monkeypatch):
    at = timezone.now().replace(second=20, microsecond=0)
    monkeypatch.setattr("users.tokens.throttle.current_time", lambda: at)
    settings.TOKEN_REQUESTS_PER_MINUTE = 3
    ada = make_user("Manager")
    usual = make_token(ada).text
    slow = make_token(ada, rate=1).text
    for _ in range(3):
        present(usual)
    with pytest.raises(TokenThrottled) as throttled:
        present(usual)
    assert throttled.value.seconds == 40
    present(slow)
    with pytest.raises(TokenThrottled):
        present(slow)
    at += timedelta(seconds=40)
    present(usual)


def test_only_the_digest_is_stored():
    made = make_token(make_user("Manager"))
    row = ApiToken.objects.filter(pk=made.token.pk).values().get()
    assert bytes(row["digest"]) == api_token_digest(made.text)
    assert made.text not in str(row)
    assert row["hint"] == made.text[31:35]
    events = AuditEvent.objects.values()
    assert not any(made.text[3:20] in str(event) for event in events)


def test_who_uses_no_password_here_need_not_change_it_first(settings):
    ada = make_user("Manager")
    text = make_token(ada).text
    User.objects.filter(pk=ada.pk).update(must_change_password=True)
    assert refused(text)
    settings.OIDC = settings.OIDC._replace(mode="only")
    assert not refused(text)
