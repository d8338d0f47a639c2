"""Nobody approves the job of somebody to whom they are tied, and the page says how they are."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import signing
from django.utils import timezone

from tests.answers import assert_denied
from tests.builders import make_superuser, make_user
from tests.bulk.running import run, start
from tests.pages import read
from users import access
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.jobs import approval
from users.jobs.models import Job
from users.jobs.ties import find_hints, find_ties
from users.models import User
from users.sessions.known_devices import COOKIE_NAME, SALT
from users.sessions.models import Session, SignInEvent
from users.verbs.invitation.verb import invite_user
from users.verbs.roles.verb import assign_roles

pytestmark = pytest.mark.django_db
ADDRESS = ("192.0.2.7", "Firefox 140")


@pytest.fixture
def ann() -> User:
    return make_superuser(username="ann")


@pytest.fixture
def bob() -> User:
    return make_user("Manager", username="bob")


@pytest.fixture
def cleo() -> User:
    return make_user("Manager", username="cleo")


def invited(by: User, username: str) -> User:
    roles = Group.objects.filter(name="Administrator")
    profile = {"username": username, "email": f"{username}@example.com"}
    account = invite_user(by=by, groups=roles, is_staff=True, **profile)
    User.objects.filter(pk=account.pk).update(status="active")
    return User.objects.get(pk=account.pk)


def give_roles(account: User, *, by: User) -> None:
    roles = Group.objects.filter(name__in=["Manager", "Viewer"])
    assign_roles(account, by=by, groups=roles, is_staff=True, is_superuser=False)


def signed_in(account: User, ip: str | None, agent: str, outcome: str = "ok") -> None:
    SignInEvent.objects.create(account_id=account.pk, ip=ip, user_agent=agent, outcome=outcome)


def words(initiator: User, approver: User) -> str:
    return " ".join(find_ties(initiator, approver))


def test_strangers_have_no_ties(ann, bob):
    signed_in(ann, "192.0.2.1", "Firefox 140")
    signed_in(bob, "192.0.2.1", "Chrome 139")
    signed_in(bob, "192.0.2.2", "Firefox 140")
    record_event("account.revealed", actor=ann, target=bob)
    assert find_ties(ann, bob) == find_ties(bob, ann) == []


def test_who_was_invited_by_the_initiator_or_invited_them_is_tied(ann):
    puppet = invited(ann, "paul.puppet")
    assert words(ann, puppet).startswith("ann invited you on ")
    assert words(puppet, ann).startswith("You invited paul.puppet on ")


def test_who_got_roles_from_the_initiator_or_gave_them_some_is_tied(ann, bob):
    give_roles(bob, by=ann)
    assert words(ann, bob).startswith("ann changed your roles on ")
    assert words(bob, ann).startswith("You changed bob’s roles on ")


def test_roles_that_a_job_gave_are_a_tie(ann, bob):
    roles = list(Group.objects.filter(name="Viewer").values_list("pk", flat=True))
    assert run("groups", [bob], by=ann, parameters={"groups": roles}).changed == 1
    assert "ann changed your roles on " in words(ann, bob)


def test_a_new_address_is_a_tie(ann, bob):
    """Whoever changes it gets the links to choose a password."""
    record_event(
        "account.edited", actor=ann, target=bob, before={"email": "a"}, after={"email": "b"}
    )
    assert words(ann, bob).startswith("ann changed your email address on ")


def test_access_that_comes_through_others_is_a_tie(ann):
    first = invited(ann, "fred.first")
    second = invited(first, "sam.second")
    assert words(ann, second) == "Your access comes from ann, through other people."
    assert words(second, ann) == "The access of sam.second comes from you, through other people."


def test_people_whom_one_person_invited_are_no_ties_of_each_other(ann):
    assert find_ties(invited(ann, "fred.first"), invited(ann, "sam.second")) == []


def test_one_kind_of_browser_at_one_address_is_recorded_with_the_approval(
    client, settings, ann, bob
):
    signed_in(ann, *ADDRESS)
    signed_in(bob, *ADDRESS)
    assert find_ties(ann, bob) == []
    settings.BULK_APPROVAL_ABOVE = 1
    job = start("suspension", [make_user(), make_user()], by=ann)
    client.force_login(bob)
    hint = "bob and ann have used the same kind of browser at one IP address."
    assert hint in read(client.get(f"/jobs/{job.pk}/approval/")).one("main").text
    assert client.post(f"/jobs/{job.pk}/approval/").status_code == 302
    assert AuditEvent.objects.get(action="job.approved").reason == hint


def test_a_session_is_as_good_as_a_sign_in(ann, bob):
    signed_in(ann, *ADDRESS)
    expires = timezone.now() + timedelta(days=1)
    ip, agent = ADDRESS
    Session.objects.create(
        session_key="x", account_id=bob.pk, ip=ip, user_agent=agent, expire_date=expires
    )
    assert find_hints(ann, bob)


def test_an_unknown_address_and_a_wrong_password_hint_at_nothing(ann, bob, cleo):
    signed_in(ann, None, "Firefox 140")
    signed_in(bob, None, "Firefox 140")
    signed_in(ann, *ADDRESS)
    signed_in(cleo, *ADDRESS, outcome="wrong-password")
    assert find_hints(ann, bob) == find_hints(ann, cleo) == []


def test_one_person_tries_all_roles_of_a_demo(client, settings, ann, bob):
    for account in (ann, bob):
        device = {"device": "d" * 32}
        SignInEvent.objects.create(account_id=account.pk, outcome="ok", **device)
    assert find_ties(ann, bob)
    settings.DEMO_SIGN_IN = True
    assert find_ties(ann, bob) == []


def test_ties_end_after_their_time(ann, bob, settings):
    settings.BULK_APPROVAL_TIE_DAYS = 7
    old = timezone.now() - timedelta(days=8)
    for at, tied in ((old, False), (old + timedelta(days=2), True)):
        AuditEvent.objects.create(
            at=at, actor_id=ann.pk, target_id=bob.pk, action="account.invited"
        )
        SignInEvent.objects.bulk_create(
            SignInEvent(account_id=pk, ip="192.0.2.7", at=at, outcome="ok")
            for pk in (ann.pk, bob.pk)
        )
        assert bool(find_ties(ann, bob)) is tied
    settings.BULK_APPROVAL_TIE_DAYS = 0
    assert find_ties(ann, bob) == []


def test_a_second_account_does_not_approve(client, settings, ann):
    settings.BULK_APPROVAL_ABOVE = 1
    accounts = [make_user(), make_user()]
    puppet = invited(ann, "paul.puppet")
    job = start("suspension", accounts, by=ann)
    client.force_login(puppet)
    page = read(client.get(f"/jobs/{job.pk}/approval/")).one("main")
    assert "You can’t approve this job. ann invited you on " in page.text
    assert not page.all("form")
    assert page.one("a", class_="danger").attributes["href"] == f"/jobs/{job.pk}/refusal/"
    answer = client.post(f"/jobs/{job.pk}/approval/")
    assert_denied(answer, "", actor=puppet, action="approve_bulk")
    assert Job.objects.get(pk=job.pk).state == "waiting"
    with pytest.raises(access.Denied, match="ann invited you"):
        approval.approve_job(job, by=puppet)
    # Who is tied may decline: that changes nothing.
    assert approval.decline_job(job, by=puppet).state == "cancelled"


def test_a_colleague_without_ties_approves(client, settings, ann, bob):
    settings.BULK_APPROVAL_ABOVE = 1
    job = start("suspension", [make_user(), make_user()], by=ann)
    client.force_login(bob)
    page = read(client.get(f"/jobs/{job.pk}/approval/")).one("main")
    assert "You can’t approve" not in page.text
    assert client.post(f"/jobs/{job.pk}/approval/").status_code == 302


def test_a_job_of_the_shell_has_no_ties(settings, bob):
    settings.BULK_APPROVAL_ABOVE = 1
    job = start("suspension", [make_user(), make_user()], by=access.CommandActor("root"))
    assert approval.approval_ties(job, bob) == []
    assert approval.approve_job(job, by=bob).state == "queued"


def test_people_who_signed_in_with_one_browser_are_tied(client, ann, bob, cleo):
    for account, address in ((ann, "192.0.2.7"), (bob, "198.51.100.9")):
        account.set_password("a-long-enough-passphrase")
        account.save()
        answer = client.post(
            "/login/",
            {"login": account.username, "password": "a-long-enough-passphrase"},
            headers={"User-Agent": f"Firefox at {address}"},
            REMOTE_ADDR=address,
        )
        assert answer.status_code == 302
        if account is ann:
            client.post("/logout/")
    assert words(ann, bob) == "You and ann have used the same browser."
    token, _ = signing.loads(client.cookies[COOKIE_NAME].value, salt=SALT)
    [stored] = {*SignInEvent.objects.values_list("device", flat=True)}
    assert token not in stored
    # The session that lasts is as good as its sign-in.
    SignInEvent.objects.filter(account_id=bob.pk).delete()
    assert words(ann, bob) == "You and ann have used the same browser."
    assert find_ties(ann, cleo) == []


def test_an_imported_password_is_a_tie(ann, bob):
    """Whoever has the file may know it."""
    after = {"password": "imported (Argon2)"}
    record_event("account.updated_by_import", actor=ann, target=bob, after=after)
    assert words(ann, bob).startswith("ann changed your password on ")
