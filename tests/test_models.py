"""What the account's table allows, what its state follows from, and what Django and allauth may ask
it.
"""

from datetime import UTC, datetime, timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from allauth.account.internal.userkit import filter_users_by_email, filter_users_by_username
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import PASSWORD, make_superuser, make_user
from users.identifiers import VISIBLE_CHARACTER, normalise_search_text
from users.models import State, User, in_state

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def test_the_migrations_have_all_that_the_models_say():
    said = StringIO()
    call_command(
        "makemigrations", check=True, dry_run=True, stdout=said
    )  # ends with an exit code where they have not
    assert said.getvalue() == "No changes detected\n"


# --- constraints ----------------------------------------------------------------------------------

BROKEN = {
    "user_username_present": {"username": ""},
    "user_status_known": {"status": "ended"},
    "user_suspended_until_only_if_suspended": {"suspended_until": NOON},
    "user_suspension_has_reason": {"status": "suspended"},
    "user_deleted_has_date": {"status": "deleted"},
    "user_superuser_is_staff": {"is_superuser": True},
    "user_source_id_has_source": {"source_id": "17"},
    "user_version_positive": {"version": 0},
}


def test_each_check_constraint_is_broken_by_a_test_here():
    assert set(BROKEN) == {
        rule.name
        for rule in User._meta.constraints
        if rule.name.startswith("user_") and "unique" not in rule.name
    }


@pytest.mark.parametrize(("constraint", "fields"), BROKEN.items(), ids=BROKEN)
def test_the_database_refuses_an_account_that_cannot_be(constraint, fields):
    account = make_user()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.filter(pk=account.pk).update(**fields)


@pytest.mark.parametrize("fields", [{"deleted_at": NOON}, {"status": "erased"}])
def test_an_account_has_a_date_of_deletion_if_and_only_if_it_is_deleted(fields):
    account = make_user()
    with pytest.raises(IntegrityError, match="user_deleted_has_date"), transaction.atomic():
        User.objects.filter(pk=account.pk).update(**fields)
    User.objects.filter(pk=account.pk).update(status="erased", deleted_at=NOON)


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("user_username_unique", {"username": "ALICE"}),
        ("user_email_unique", {"email": "Alice@Example.COM"}),
        (
            "user_source_unique|users_user.source_id, users_user.source",
            {"source": "hr", "source_id": "17"},
        ),
    ],
)
def test_two_accounts_never_share_a_name_an_address_or_an_id_of_a_source(constraint, fields):
    make_user(username="alice", source="hr", source_id="17")
    other = make_user(username="bob")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.filter(pk=other.pk).update(**fields)


def test_several_accounts_may_have_no_address_and_no_id_of_a_source():
    for _ in range(2):
        make_user(email="", source="hr")
    assert User.objects.filter(email="").count() == 2


def test_the_same_id_may_come_from_two_sources():
    make_user(source="hr", source_id="17")
    assert make_user(source="crm", source_id="17").pk


def test_the_manager_stores_identifiers_in_normal_form():
    account = User.objects.create_user("  ＡＬＩＣＥ ", "Alice@Example.COM", PASSWORD)
    account.refresh_from_db()
    assert (account.username, account.email) == ("alice", "Alice@example.com")
    assert account.check_password(PASSWORD)


def test_a_superuser_from_the_manager_is_staff():
    account = User.objects.create_superuser("root")
    assert account.is_staff
    assert account.is_superuser
    assert not account.has_usable_password()


# --- state ----------------------------------------------------------------------------------------


def at(now: datetime):
    return patch("django.utils.timezone.now", return_value=now)


@pytest.mark.parametrize(
    ("fields", "before", "afterwards"),
    [
        ({"status": State.SUSPENDED, "suspended_until": NOON}, State.SUSPENDED, State.ACTIVE),
        ({"valid_until": NOON}, State.ACTIVE, State.ENDED),
        ({"status": State.INVITED, "valid_until": NOON}, State.INVITED, State.INVITED),
        ({"status": State.SUSPENDED, "valid_until": NOON}, State.SUSPENDED, State.SUSPENDED),
        (
            {"status": State.SUSPENDED, "suspended_until": NOON, "valid_until": NOON},
            State.SUSPENDED,
            State.ENDED,
        ),
    ],
)
def test_a_date_counts_at_the_moment_that_it_names_without_any_sweep(fields, before, afterwards):
    account = make_user(**fields)
    for now, state in [(NOON - TICK, before), (NOON, afterwards), (NOON + TICK, afterwards)]:
        with at(now):
            assert account.state == state
            assert account.is_active == (state == State.ACTIVE)
            assert User.objects.filter(is_active=True, pk=account.pk).exists() == (
                state == State.ACTIVE
            )
            assert User.objects.in_state(state).filter(pk=account.pk).exists()


MOMENTS = st.none() | st.sampled_from([NOON - TICK, NOON, NOON + TICK])


@given(
    status=st.sampled_from(
        [State.INVITED, State.ACTIVE, State.SUSPENDED, State.DELETED, State.ERASED]
    ),
    until=MOMENTS,
    valid=MOMENTS,
)
@settings(max_examples=200)
def test_the_database_and_the_model_agree_about_the_state(status, until, valid):
    with transaction.atomic():
        account = make_user(
            status=status,
            suspended_until=until if status == State.SUSPENDED else None,
            valid_until=valid,
            deleted_at=NOON if status in (State.DELETED, State.ERASED) else None,
        )
        with at(NOON):
            states = [
                state
                for state in State
                if User.objects.filter(in_state(state), pk=account.pk).exists()
            ]
            assert states == [account.state]
        transaction.set_rollback(True)


def test_is_active_can_be_filtered_excluded_counted_and_updated_by():
    active = make_user()
    ended = make_user(valid_until=NOON)
    suspended = make_user(status=State.SUSPENDED)
    assert set(User.objects.filter(is_active=True)) == {active}
    assert set(User.objects.exclude(is_active=True)) == {ended, suspended}
    assert set(User.objects.filter(is_active=False)) == {ended, suspended}
    assert User.objects.filter(is_active=True).count() == 1
    assert set(User.objects.filter(~Q(is_active=True) & Q(username=ended.username))) == {ended}
    assert set(User.objects.exclude(Q(is_active=False) | Q(pk=0))) == {active}
    assert set(User.objects.filter(is_active=False).filter(is_active=F("is_active"))) == {
        ended,
        suspended,
    }
    assert User.objects.count() == 3
    assert User.objects.filter(is_active=False).update(locale="pt") == 2
    assert User.objects.filter(is_active=True).values_list("locale", flat=True).get() == ""
    assert set(Group.objects.filter(user__in=User.objects.filter(is_active=True))) == set()
    assert User.objects.filter(is_active=False, pk=ended.pk).delete()[0] == 1


def test_a_query_that_does_not_ask_for_is_active_does_not_compute_it():
    assert "CASE" not in str(User.objects.filter(username="x").query)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        User.objects.count()
    assert "CASE" not in queries[0]["sql"]


# --- what Django and allauth ask ------------------------------------------------------------------


def test_with_perm_finds_active_accounts_by_own_permission_and_by_role():
    by_role = make_user("Support")
    own = make_user()
    other = make_user("Auditor")
    own.user_permissions.add(Permission.objects.get(codename="suspend_user"))
    suspended = make_user("Support", status=State.SUSPENDED)
    root = make_superuser()
    assert set(User.objects.with_perm("users.suspend_user")) == {by_role, own, root}
    assert set(User.objects.with_perm("users.suspend_user", include_superusers=False)) == {
        by_role,
        own,
    }
    assert set(User.objects.with_perm("users.suspend_user", is_active=False)) == {suspended}
    assert set(User.objects.with_perm("users.suspend_user", is_active=None)) == {
        by_role,
        own,
        root,
        suspended,
    }
    assert other not in User.objects.with_perm("users.suspend_user")


@pytest.mark.parametrize("login", [{"username": "alice"}, {"email": "alice@example.com"}])
def test_an_account_signs_in_by_username_or_address_while_it_is_active(login, rf):
    account = make_user(
        username="alice", email="alice@example.com", password=PASSWORD, valid_until=NOON
    )
    with at(NOON - TICK):
        assert authenticate(rf.post("/login/"), password=PASSWORD, **login) == account
        assert authenticate(rf.post("/login/"), password="wrong", **login) is None
    with at(NOON):
        assert authenticate(rf.post("/login/"), password=PASSWORD, **login) in (None, account)
        assert not account.is_active


def test_allauth_finds_accounts_by_index_and_not_by_upper():
    """`iexact` compiles to UPPER(), which no index serves: a sequential scan of ten million rows at
    each sign-in.
    """
    account = make_user(username="alice")
    ended = make_user(username="bob", valid_until=NOON)
    with CaptureQueriesContext(connection) as queries:
        assert list(filter_users_by_username("Alice")) == [account]
        assert filter_users_by_email("Alice@example.com") == [account]
        assert filter_users_by_email("bob@example.com", is_active=True) == []
        assert filter_users_by_email("bob@example.com") == [ended]
    assert not [query["sql"] for query in queries if "UPPER(" in query["sql"].upper()]


def test_a_natural_key_is_the_username():
    account = make_user(username="alice")
    assert User.objects.get_by_natural_key("alice") == account


# --- derived columns ------------------------------------------------------------------------------


def test_the_derived_columns_hold_what_is_searched_and_sorted():
    account = make_user(
        username="zoë", email="zoe@Example.com", first_name="Zoë", last_name="Łukasz", phone="+123"
    )
    account.refresh_from_db()
    assert account.search_key == "zoe\nzoe@example.com\nzoe lukasz\nlukasz zoe\n+123"
    assert account.name_key == "lukasz zoe"
    assert account.email_domain == "example.com"
    assert account.lookalike == ""
    assert make_user(username="раypal", email="").lookalike == "paypal"


@pytest.mark.parametrize(
    ("field", "value", "derived", "becomes"),
    [
        ("username", "раypal", "lookalike", "paypal"),
        ("email", "ann@other.example", "email_domain", "other.example"),
        ("first_name", "Zoë", "name_key", "zoe"),
        ("last_name", "Zoë", "name_key", "zoe"),
        ("phone", "+987", "search_key", "ann\nann@example.com\n+987"),
    ],
)
def test_the_derived_columns_follow_when_one_field_is_saved(field, value, derived, becomes):
    account = make_user(username="ann")
    setattr(account, field, value)
    account.save(update_fields=[field])
    stored = User.objects.get(pk=account.pk)
    assert getattr(stored, derived) == becomes
    fresh = User(
        **{
            name: getattr(stored, name)
            for name in ("username", "email", "first_name", "last_name", "phone")
        }
    )
    fresh.derive()
    names = ("search_key", "name_key", "email_domain", "lookalike")
    assert [getattr(stored, name) for name in names] == [getattr(fresh, name) for name in names]


def test_saving_another_field_writes_no_other_column():
    account = make_user(username="ann")
    account.first_name = "Unsaved"
    account.locale = "pt"
    account.save(update_fields=["locale"])
    stored = User.objects.get(pk=account.pk)
    assert (stored.first_name, stored.locale, stored.name_key) == ("", "pt", "")


def test_the_longest_names_fit_their_columns_and_indexes():
    """Each in the letter that takes the most bytes, four in UTF-8; PostgreSQL's index entries end
    at 2,704 bytes.
    """
    wide = "\U00020000"
    account = make_user(username=wide * 150, email="", first_name=wide * 150, last_name=wide * 150)
    assert len(User.objects.get(pk=account.pk).name_key) == 301
    ligature = "\ufdfa"  # 18 letters in its search form
    account = make_user(first_name=ligature * 150, last_name=ligature * 150)
    assert len(User.objects.get(pk=account.pk).name_key) == 620


# --- sessions -------------------------------------------------------------------------------------


def test_a_session_ends_with_the_password_and_with_the_epoch(settings):
    account = make_user(password=PASSWORD)
    first = account.get_session_auth_hash()
    account.session_epoch += 1
    second = account.get_session_auth_hash()
    account.set_password(PASSWORD)
    third = account.get_session_auth_hash()
    assert len({first, second, third}) == 3
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-another-secret-key-another-secret"
    assert list(account.get_session_auth_fallback_hash()) == [third]
    assert account.get_session_auth_hash() != third


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("Ada", "Byron", "Ada Byron"),
        ("", "", "ada"),
        ("\u200b", "\u3164", "ada"),
        ("\u202e", "", "ada"),
        ("李", "", "李"),
        ("🙂", "", "🙂"),
    ],
)
def test_a_name_that_nobody_can_see_gives_way_to_the_username(first, last, shown):
    assert User(username="ada", first_name=first, last_name=last).display_name == shown


def test_each_character_that_is_taken_as_visible_has_a_search_form():
    visible = [*filter(VISIBLE_CHARACTER.fullmatch, map(chr, range(0x10000)))]
    assert {"a", "é", "Ж", "李"} <= {*visible}
    assert all(map(normalise_search_text, visible))
