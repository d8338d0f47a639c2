"""Nobody signs in to a service account, whatever stands in its row."""

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.utils import timezone

from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import read
from tests.tokens.builders import make_service
from users.exceptions import VerbRefused
from users.factors.policy import needs_second_factor
from users.mail.models import Message
from users.models import State, User
from users.sessions.models import SignInEvent
from users.staff.people import find_staff
from users.staff.reviews.opening import current_items
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.invitation.verb import resend_invitation
from users.verbs.letter.verb import send_letter
from users.verbs.lockout_end.verb import end_lockout
from users.verbs.obstacles import SERVICE, SERVICE_END, SERVICE_LETTER
from users.verbs.password_change.verb import require_password_change
from users.verbs.password_reset.verb import (
    choose_password,
    request_password_reset,
    send_password_reset,
)
from users.verbs.second_factor_reset.verb import reset_second_factor
from users.verbs.verification.verb import verify_email
from users.verbs.verification_email.verb import send_verification

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
# As an import or a program outside Rollcall might leave it.
STRANGE = {"email": "sync@example.com", "password": PASSWORD, "has_second_factor": True}


@pytest.fixture
def service() -> User:
    return make_service(username="sync", **STRANGE)


def test_its_password_is_never_right(client, service):
    assert service.has_usable_password()
    assert not service.check_password(PASSWORD)
    assert authenticate(None, username="sync", password=PASSWORD) is None
    response = client.post("/login/", {"login": "sync", "password": PASSWORD})
    assert response.status_code == 422
    assert "Wrong username or password." in read(response).one("main").text
    assert SignInEvent.objects.get().account_id == service.pk


def test_its_session_is_nobodys(client, service):
    client.force_login(service)
    assert client.get("/users/").status_code == 302
    assert client.get("/me/")["Location"].startswith("/login/")


def test_no_link_to_choose_a_password_is_sent(client, service):
    client.post("/password/reset/", {"email": "sync@example.com"})
    request_password_reset(service)
    assert not Message.objects.exists()
    with pytest.raises(VerbRefused, match="Nobody signs in"):
        choose_password(service, "another-long-passphrase")


def test_verbs_for_people_are_refused_with_words(client, service):
    root = make_superuser()
    later = timezone.now() + timedelta(days=2000)
    calls = [
        lambda: send_password_reset(service, by=root),
        lambda: require_password_change(service, by=root),
        lambda: reset_second_factor(service, by=root, reason="Lost"),
        lambda: send_letter(service, by=root, subject="Hello", text="Hello"),
        lambda: verify_email(service, by=root, reason="Seen"),
        lambda: send_verification(service, by=root),
        lambda: end_lockout(service, by=root),
        lambda: set_end_date(service, by=root, until=later),
        lambda: clear_end_date(service, by=root),
    ]
    for call in calls:
        with pytest.raises(VerbRefused, match="service account"):
            call()
    User.objects.filter(pk=service.pk).update(status=State.INVITED)
    with pytest.raises(VerbRefused, match="service account"):
        resend_invitation(service, by=root)
    assert not Message.objects.exists()


def test_the_page_of_the_account_says_what_it_is(client, service):
    client.force_login(make_superuser())
    page = read(client.get(f"/users/{service.pk}/"))
    assert "service" in page.one("div", id="head").text
    link = f"/staff/services/{service.pk}/"
    assert link in client.get(f"/users/{service.pk}/").content.decode()
    assert '<span class="tag">service</span>' in client.get("/users/").content.decode()
    assert "service" in read(client.get("/staff/")).one("main").text
    doctor = read(client.get(f"/users/{service.pk}/doctor/")).one("main").text
    assert "Nobody can sign in to it." in doctor


def test_it_is_among_the_staff_and_in_reviews(service):
    assert service in find_staff(None, "sync")
    assert service.pk in {item.account_id for item in current_items(None)}


def test_it_needs_no_second_factor(settings, service):
    settings.SECOND_FACTOR_REQUIRED = "staff"
    assert needs_second_factor(make_user("Support"))
    assert not needs_second_factor(service)


def test_bulk_actions_skip_it(service):
    make_user()
    for obstacle in (SERVICE, SERVICE_LETTER, SERVICE_END):
        assert list(User.objects.filter(obstacle.condition(timezone.now()))) == [service]
