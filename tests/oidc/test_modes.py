"""OIDC_MODE=only, the break-glass account, and the roles of OIDC_ROLES."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.test import Client

from tests.answers import errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.oidc.round_trip import outcomes, start
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.mail.message_content import render_message
from users.mail.models import Message
from users.models import User
from users.role_models import RoleGrant
from users.signin import passkey_views
from users.signin.break_glass import break_glass_problem
from users.sudo.recent import SUDO_KEY
from users.verbs.profile.verb import edit_profile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def only(settings, provider) -> None:
    settings.OIDC = settings.OIDC._replace(mode="only", break_glass="sealed")


def by_password(client: Client, login: str, password: str = PASSWORD):
    return client.post("/login/", {"login": login, "password": password})


def test_staff_can_not_use_their_password_and_nobody_learns_whether_it_is_right(client, ada, only):
    answers = [by_password(client, "ada"), by_password(client, "ada", "wrong")]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert errors_of(answers[0]) == errors_of(answers[1]) == ["Wrong username or password."]
    assert by_password(client, "ada@example.com").status_code == 422
    assert {outcome for outcome, _ in outcomes()} == {"provider-only"}
    assert "Only people who are not staff" in read(client.get("/login/")).text
    make_user(username="customer", password=PASSWORD)
    assert by_password(client, "customer")["Location"] == "/me/"


def test_staff_can_not_use_a_passkey_either(client, ada, only, monkeypatch):
    class Passkey:
        user = ada

    monkeypatch.setattr(passkey_views, "match_passkey", lambda *given: Passkey)
    monkeypatch.setattr(passkey_views, "record_factor_use", lambda passkey: True)
    response = client.post("/login/passkey/", {"credential": '{"id": "x"}'})
    assert response.status_code == 422
    assert "Staff sign in with Contoso." in read(response).text
    assert outcomes() == [("provider-only", "passkey")]


def test_staff_get_no_password_reset_and_their_links_end(client, ada, only, settings):
    boss = make_user("Administrator", username="boss")
    client.force_login(boss)
    url = f"/users/{ada.pk}/password-reset/"
    assert "Staff sign in with OpenID Connect" in read(client.get(url)).text
    settings.OIDC = settings.OIDC._replace(mode="both")
    assert client.post(url, form(client.get(url), url)).status_code == 302
    link = link_of_message(Message.objects.get(kind="staff-reset"))
    assert Client().get(link, follow=True).status_code == 200
    settings.OIDC = settings.OIDC._replace(mode="only")
    assert Client().get(link).status_code == 410
    make_user(username="customer")
    for login in ("ada", "customer"):
        Client().post("/password/reset/", {"email": f"{login}@example.com"}, follow=True)
    asked = Message.objects.filter(kind="password-reset")
    assert [message.account.username for message in asked] == ["customer"]


def link_of_message(message: Message) -> str:
    text = render_message(message).text
    return "/password/choose/" + text.partition("/password/choose/")[2].split()[0]


def test_invited_staff_accept_their_invitation(client, provider, only):
    grace = make_user("Support", username="grace", status="invited")
    message = Message.objects.create(account=grace, kind="invitation", to=grace.email)
    response = client.get(link_of_message(message), follow=True)
    assert response.status_code == 200
    assert "Confirm password" in response.content.decode()


def test_a_password_confirms_and_changes_nothing_for_staff(client, ada, only):
    User.objects.filter(pk=ada.pk).update(must_change_password=True)
    client.get(start(client))
    assert client.get("/users/").status_code == 200
    assert "/me/password/" not in client.get("/me/").content.decode()
    assert client.get("/me/password/").status_code == 409
    page = client.get("/me/second-factor/app/")
    assert "password" not in form(page, "/me/second-factor/app/")
    session = client.session
    del session[SUDO_KEY]
    session.save()
    assert client.get("/me/second-factor/app/")["Location"].startswith("/sudo/")
    assert not read(client.get("/sudo/")).all("form", action="/sudo/")
    assert client.post("/sudo/", {"password": PASSWORD}).status_code == 422
    assert SUDO_KEY not in client.session


def test_the_doctor_knows_who_is_not_linked(client, ada, only):
    client.force_login(make_superuser())
    grace = make_user("Support", username="grace", must_change_password=True)
    text = read(client.get(f"/users/{grace.pk}/doctor/")).text
    assert "This person can’t sign in: not linked to Contoso." in text
    assert "No password change required" in text
    assert "Linked to Contoso" in read(client.get(f"/users/{ada.pk}/doctor/")).text


def test_the_last_way_to_sign_in_is_not_removed_by_oneself(client, ada, only):
    client.get(start(client))
    assert not read(client.get("/me/single-sign-on/")).all("a", href="/me/single-sign-on/end/")
    assert client.post("/me/single-sign-on/end/").status_code == 409


def test_using_the_break_glass_account_alarms_every_administrator(client, ada, only):
    sealed = make_superuser(username="sealed", password=PASSWORD)
    boss = make_user("Administrator", username="boss")
    make_user("Administrator", username="gone", status="suspended")
    assert by_password(client, "sealed")["Location"] == "/users/"
    event = AuditEvent.objects.get(action="account.break_glass_used")
    assert (event.actor_id, event.target_id) == (sealed.pk, sealed.pk)
    alarms = Message.objects.filter(kind="break-glass").order_by("account_id")
    assert [alarm.account_id for alarm in alarms] == [sealed.pk, boss.pk]
    mail = render_message(alarms[1])
    assert mail.subject == "The break-glass account of Rollcall was used"
    assert "sealed" in mail.text
    assert f"/users/{sealed.pk}/" in mail.text
    assert client.get("/me/password/").status_code == 200
    client.get("/users/")
    assert Message.objects.filter(kind="break-glass").count() == 2
    by_password(Client(), "sealed")
    assert Message.objects.filter(kind="break-glass").count() == 4


def test_the_break_glass_account_gets_no_reset_by_email(client, only):
    sealed = make_superuser(username="sealed", password=PASSWORD)
    client.post("/password/reset/", {"email": sealed.email}, follow=True)
    assert not Message.objects.exists()


def test_an_alarm_says_that_nobody_could_use_the_break_glass_account(only):
    problem = "nobody can sign in with the break-glass account"
    assert break_glass_problem() == problem
    sealed = make_superuser(username="sealed", password=PASSWORD)
    assert break_glass_problem() == ""
    for field in ({"is_superuser": False}, {"valid_until": EARLIER}, {"password": "!"}):
        before = {name: getattr(sealed, name) for name in field}
        User.objects.filter(pk=sealed.pk).update(**field)
        assert break_glass_problem() == problem, field
        User.objects.filter(pk=sealed.pk).update(**before)


@pytest.mark.parametrize("username", ["sealed", "sealed@example.com"])
def test_nobody_takes_the_username_of_the_break_glass_account(only, settings, username):
    settings.OIDC = settings.OIDC._replace(break_glass=username)
    account = make_user(email="sealed@example.com")
    with pytest.raises(ValidationError, match="This username is reserved"):
        edit_profile(account, by=make_superuser(), version=account.version, username=username)


# --- roles ----------------------------------------------------------------------------------------


@pytest.fixture
def mapped(settings, provider) -> None:
    roles = {
        "support": "Support",
        "audit": "Auditor",
        "admins": "Administrator",
        "gone": "No such role",
    }
    settings.OIDC = settings.OIDC._replace(roles=roles)


def role_names(account: User) -> list[str]:
    return sorted(Group.objects.filter(user=account).values_list("name", flat=True))


def sign_in_with(provider, groups) -> None:
    provider.claims = {"groups": groups}
    client = Client()
    assert client.get(start(client)).status_code == 302


def test_roles_are_given_and_taken_at_each_sign_in(provider, ada, mapped):
    ada.groups.add(Group.objects.get(name="Manager"))
    sign_in_with(provider, ["audit", "unknown", 7, None])
    assert role_names(ada) == ["Auditor", "Manager"]
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", "actor_text"))
    actor = f"OpenID Connect ({provider.issuer})"
    assert actions == [("account.groups_added", actor), ("account.groups_removed", actor)]
    assert RoleGrant.objects.get(account_id=ada.pk).by_text == actor
    sign_in_with(provider, "support")
    assert role_names(ada) == ["Manager", "Support"]
    count = AuditEvent.objects.count()
    sign_in_with(provider, ["support"])
    assert AuditEvent.objects.count() == count
    sign_in_with(provider, None)
    assert role_names(ada) == ["Manager"]


def test_claims_never_give_power(provider, ada, mapped, caplog):
    sign_in_with(provider, ["admins", "support"])
    assert role_names(ada) == ["Support"]
    assert "'Administrator'" in caplog.text
    assert "'No such role'" in caplog.text
    ada.groups.add(Group.objects.get(name="Administrator"))
    sign_in_with(provider, ["support"])
    assert role_names(ada) == ["Administrator", "Support"]


@pytest.mark.parametrize(
    ("codename", "is_given"),
    [
        ("approve_bulk", False),
        ("manage_services", False),
        ("manage_tokens", False),
        ("reset_second_factor", False),
        ("export_hashes", False),
        ("create_token", True),
    ],
)
def test_a_mapped_role_with_a_power_is_not_given(provider, ada, mapped, codename, is_given):
    auditor = Group.objects.get(name="Auditor")
    auditor.permissions.add(Permission.objects.get(codename=codename))
    sign_in_with(provider, ["audit", "support"])
    assert ("Auditor" in role_names(ada)) is is_given


def test_a_claim_that_is_too_long_for_the_token_changes_nothing(provider, ada, mapped):
    provider.claims = {"_claim_names": {"groups": "src1"}}
    client = Client()
    client.get(start(client))
    assert role_names(ada) == ["Support"]


def test_without_a_mapping_claims_give_nothing(provider, ada):
    sign_in_with(provider, ["audit", "Auditor", "Administrator"])
    assert role_names(ada) == ["Support"]
    assert not AuditEvent.objects.exists()
