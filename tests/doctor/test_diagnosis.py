"""GET /users/<id>/doctor/: why this person can't sign in."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import Element, form, read
from users import access
from users.doctor.checks import CHECKS
from users.doctor.diagnosis import diagnose_sign_in
from users.mail.models import Message
from users.models import User
from users.sessions import throttle
from users.sessions.models import SignInEvent, SignInOutcome
from users.verbs.lockout_end.verb import end_lockout
from users.verbs.password_reset.verb import send_password_reset
from users.verbs.session_end.verb import end_sessions

pytestmark = pytest.mark.django_db

NOW = timezone.now()
CLEAR = "Nothing prevents this person from signing in."


@pytest.fixture
def root(client):
    root = make_superuser()
    client.force_login(root)
    return root


def path(account: User) -> str:
    return f"/users/{account.pk}/doctor/"


def healthy(**fields) -> User:
    return make_user(**({"password": PASSWORD, "email_verified_at": NOW} | fields))


def lines(page: Element, level: str) -> list[str]:
    return [item.text for item in page.one("ol", class_="checks").all("li", class_=level)]


def look(client, account: User) -> Element:
    response = client.get(path(account))
    assert response.status_code == 200
    return read(response)


def verdict(page: Element) -> str:
    return page.one("p", class_="verdict").text


def lock(account: User) -> None:
    for _ in range(5):
        Client().post("/login/", {"login": account.username, "password": "wrong"})


def bounce(account: User) -> None:
    Message.objects.create(
        account=account,
        kind="invitation",
        to=account.email,
        state="failed",
        error="550 no such mailbox",
    )


def test_where_nothing_stops_a_person_the_page_says_so_and_it_is_true(client, root):
    ada = healthy(username="ada")
    page = look(client, ada)
    assert verdict(page) == CLEAR
    assert len(lines(page, "fine")) == len(CHECKS)
    assert lines(page, "stops") == lines(page, "notice") == []
    assert Client().post("/login/", {"login": "ada", "password": PASSWORD}).status_code == 302


STOPS = {
    "suspended": (
        {
            "status": "suspended",
            "status_reason": "Spam <b>",
            "suspended_until": NOW + timedelta(days=2),
        },
        "suspended until",
    ),
    "suspended for good": ({"status": "suspended"}, "suspended indefinitely"),
    "ended": ({"valid_until": NOW - timedelta(days=1)}, "expired on"),
    "deleted": ({"status": "deleted", "deleted_at": NOW}, "deleted"),
    "erased": ({"status": "erased", "deleted_at": NOW, "password": None}, "erased"),
    "invited": ({"status": "invited", "password": None}, "invited, no password chosen yet"),
    "no password": ({"password": None}, "no password"),
}


@pytest.mark.parametrize(("fields", "says"), STOPS.values(), ids=STOPS)
def test_what_stops_a_person_is_the_verdict_and_it_does_stop_them(client, root, fields, says):
    ada = healthy(username="ada", **fields)
    page = look(client, ada)
    assert re.fullmatch(
        rf"This person can’t sign in: {says}( \d+ \w+ \d+, \d\d:\d\d UTC)?\.", verdict(page)
    )
    [line] = lines(page, "stops")
    assert line.lower().startswith(f"blocks sign-in: {says}")
    if fields.get("status_reason"):
        assert "Spam <b>" in line
    browser = Client()
    browser.post("/login/", {"login": "ada", "password": PASSWORD})
    assert browser.get("/me/").status_code == 302


@pytest.mark.parametrize("stored", ["scrypt9$x$y", "argon2$garbage", "rubbish"])
def test_a_password_that_cannot_be_checked(client, root, stored):
    ada = healthy()
    User.objects.filter(pk=ada.pk).update(password=stored)
    assert (
        verdict(look(client, ada))
        == "This person can’t sign in: the stored password can’t be checked."
    )


def test_locked_out_until(client, root):
    ada = healthy(username="ada")
    lock(ada)
    page = look(client, ada)
    until = throttle.locked_until(ada)
    assert verdict(page) == (
        "This person can’t sign in: locked out after too many failed attempts until "
        f"{until:%-d %b %Y, %H:%M} UTC."
    )
    assert page.one("a", href=f"/users/{ada.pk}/lockout/end/").text == "Unlock account"
    end_lockout(ada, by=root)
    assert verdict(look(client, ada)) == CLEAR


def test_several_reasons_are_counted_and_stand_in_order(client, root):
    ada = healthy(status="suspended", valid_until=NOW - timedelta(days=1), password=None)
    page = look(client, ada)
    assert verdict(page) == "This person can’t sign in: suspended indefinitely (+2 more problems)."
    assert [line.split(": ")[1][:9] for line in lines(page, "stops")] == [
        "Suspended",
        "Expired o",
        "No passwo",
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email_verified_at": None}, "Address not verified"),
        ({"email": ""}, "No address"),
        ({"must_change_password": True}, "Password change required"),
        ({"has_second_factor": True}, "Second factor set up"),
    ],
)
def test_what_is_worth_knowing_stops_nobody(client, root, fields, says):
    page = look(client, healthy(**fields))
    assert verdict(page) == CLEAR
    [line] = lines(page, "notice")
    assert says in line


def test_mail_that_came_back_stops_whoever_waits_for_an_invitation(client, root):
    ada = healthy()
    grace = healthy(status="invited", password=None)
    for account in (ada, grace):
        bounce(account)
    page = look(client, ada)
    assert verdict(page) == CLEAR
    assert "bounced" in lines(page, "notice")[0]
    assert "550 no such mailbox" in lines(page, "notice")[0]
    assert len(lines(look(client, grace), "stops")) == 2


def test_who_may_not_see_the_address_reads_of_its_mail_all_the_same(client):
    ada = healthy(status="invited", password=None)
    bounce(ada)
    client.force_login(make_user("Viewer"))
    page = look(client, ada)
    assert [
        line for line in lines(page, "stops") if "bounced" in line and "550 no such mailbox" in line
    ]
    assert ada.email not in page.text


def test_mail_to_a_former_address_says_nothing_about_this_one(client, root):
    ada = healthy()
    bounce(ada)
    User.objects.filter(pk=ada.pk).update(email="new@example.com")
    assert "No emails sent yet" in " ".join(lines(look(client, ada), "fine"))


@pytest.mark.parametrize(
    ("state", "level", "says"),
    [("sent", "fine", "was accepted"), ("waiting", "notice", "has not been sent yet")],
)
def test_what_became_of_the_last_mail(client, root, state, level, says):
    ada = healthy()
    bounce(ada)
    Message.objects.create(
        account=ada, kind="password-reset", to=ada.email, state=state, sent_at=NOW
    )
    Message.objects.create(account=ada, kind="password-reset", to=ada.email, state="dropped")
    assert any(says in line for line in lines(look(client, ada), level))


def test_sessions_that_were_just_ended(client, root):
    ada = healthy()
    Client().force_login(ada)
    end_sessions(ada, by=root)
    [line] = lines(look(client, ada), "notice")
    assert f"Ended all sessions, by {root.username}" in line


def test_the_last_ten_failures_with_their_cause(client, root):
    ada = healthy()
    for outcome in ("wrong-password", "ok", "suspended", *["throttled"] * 9):
        SignInEvent.objects.create(account_id=ada.pk, outcome=outcome, ip="10.0.0.7")
    SignInEvent.objects.create(account_id=root.pk, outcome="ended")
    shown = [
        item.one("p", class_="what").text
        for item in look(client, ada).one("ol", class_="events").all("li")
    ]
    assert shown == [SignInOutcome.THROTTLED.label] * 9 + [SignInOutcome.SUSPENDED.label]


def test_a_suspension_that_has_run_out_is_over_at_once(client, root):
    ada = healthy(status="suspended", suspended_until=timezone.now() - timedelta(seconds=1))
    page = look(client, ada)
    assert verdict(page) == CLEAR
    assert any("No longer suspended since" in line for line in lines(page, "fine"))


def test_it_is_looked_up_at_every_request(client, root):
    ada = healthy()
    assert verdict(look(client, ada)) == CLEAR
    with connection.cursor() as cursor:  # by somebody who knows of no generation
        cursor.execute(
            "DROP TRIGGER IF EXISTS users_user_generation_update"
            if connection.vendor == "sqlite"
            else "SELECT 1"
        )
        cursor.execute(
            "UPDATE users_user SET valid_until = '2001-01-01 00:00:00' WHERE id = %s", [ada.pk]
        )
    assert "expired on" in verdict(look(client, ada))


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Viewer", set()),
        ("Support", {"suspension/end/", "edit/"}),
        ("superuser", {"suspension/end/", "edit/"}),
    ],
)
def test_only_remedies_that_the_viewer_may_use_are_offered(client, role, expected):
    client.force_login(make_superuser() if role == "superuser" else make_user(role))
    ada = healthy(status="suspended", email="")
    links = look(client, ada).one("ol", class_="checks").all("a")
    assert {link.attributes["href"].split("/", 3)[3] for link in links} == expected


def test_remedies_lead_to_pages_that_mend_it(client, root):
    """Each that is offered to a superuser, whatever is wrong: none is refused by the state of the
    account.
    """
    wrong = [
        *(fields for fields, _ in STOPS.values()),
        {"email": ""},
        {"email_verified_at": None},
        {"has_second_factor": True},
        {"must_change_password": True},
        {"email": "", "password": None},
        {"email": "", "status": "invited", "password": None},
        {
            "status": "deleted",
            "deleted_at": NOW,
            "email_verified_at": None,
            "has_second_factor": True,
        },
        {
            "status": "deleted",
            "deleted_at": NOW,
            "email": "",
            "valid_until": NOW - timedelta(days=1),
        },
        {"status": "erased", "deleted_at": NOW, "email": "", "password": None},
    ]
    typed = {"reason": "x", "until": "2999-01-31T12:30"}
    used = set()
    for fields in wrong:
        for number in range(
            len(look(client, healthy(**fields)).one("ol", class_="checks").all("a"))
        ):
            page = look(client, healthy(**fields))  # one account for each remedy
            link = page.one("ol", class_="checks").all("a")[number].attributes["href"]
            sent = form(client.get(link), link)
            sent |= typed | (
                {"email": f"new{link.split('/')[2]}@example.com"} if "email" in sent else {}
            )
            assert client.post(link, sent).status_code == 302, (fields, link)
            used.add(link.split("/", 3)[3])
    assert {
        "deletion/end/",
        "edit/",
        "end-date/",
        "invitation/",
        "password-reset/",
        "suspension/end/",
    } <= used


def test_it_takes_two_queries_whatever_there_is(root):
    for ada in (healthy(), healthy(status="suspended"), healthy(email="")):
        with CaptureQueriesContext(connection) as queries:
            diagnose_sign_in(ada, lambda action: access.may(root, action))
        assert len(queries) == 2, [query["sql"] for query in queries]
        bounce(ada)
        send_password_reset(ada, by=root) if ada.email and ada.is_active else None


def test_a_network_address_that_was_held_up_is_not_taken_for_the_account(client, root):
    ada = healthy(username="ada")
    for number in range(10):  # as many as one address may fail with in a minute
        Client().post(
            "/login/", {"login": f"nobody{number}", "password": "wrong"}, REMOTE_ADDR="198.51.100.7"
        )
    assert (
        Client()
        .post("/login/", {"login": "ada", "password": PASSWORD}, REMOTE_ADDR="198.51.100.7")
        .status_code
        == 429
    )
    page = look(client, ada)
    assert verdict(page) == CLEAR
    [line] = lines(page, "notice")
    assert "Not locked out, but an IP address was blocked briefly" in line
    assert "198.51.100.7" in line
    assert [
        item.one("p", class_="what").text for item in page.one("ol", class_="events").all("li")
    ] == [SignInOutcome.IP_THROTTLED.label]
    assert (
        Client()
        .post("/login/", {"login": "ada", "password": PASSWORD}, REMOTE_ADDR="198.51.100.8")
        .status_code
        == 302
    )


def test_an_account_that_was_locked_out_is_not_taken_for_its_network_address(client, root):
    ada = healthy(username="ada")
    lock(ada)
    Client().post("/login/", {"login": "ada", "password": PASSWORD})
    assert (
        SignInEvent.objects.filter(account_id=ada.pk).latest("id").outcome
        == SignInOutcome.THROTTLED
    )
    assert "Locked out" in lines(look(client, ada), "stops")[0]


def test_a_mail_of_which_nobody_knows_whether_it_left(client, root):
    ada = healthy()
    Message.objects.create(account=ada, kind="letter", to=ada.email, state="unknown")
    [line] = lines(look(client, ada), "notice")
    assert "It is unknown whether the last email, “Email from staff”, was sent" in line


def test_staff_without_a_role_learn_nothing(client):
    clerk = make_user(is_staff=True)
    client.force_login(clerk)
    assert_denied(client.get(path(make_user())), "users.view_user", actor=clerk, action="view")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user()))


def test_an_unknown_id_is_not_found(client, root):
    assert_not_found(client, "/users/{}/doctor/", methods=("get",))


def test_the_page_is_only_read(client, root):
    assert_wrong_method(client, path(make_user()), allowed="GET, HEAD")
