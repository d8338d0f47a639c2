"""One mailbox, one person: what the forms take for a name, an address and a text."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tests.answers import errors_of
from tests.builders import make_superuser, make_user
from tests.pages import read
from tests.verbs.verb_cases import session
from users.access import CommandActor
from users.mail.models import Message
from users.models import User
from users.usernames import RESERVED_USERNAME
from users.verbs.invitation.verb import invite_user
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db

PATH = "/users/new/"
COMMAND = CommandActor("test")
RIGHT_TO_LEFT_NAME = "\u2068محمد علي\u2069"


@pytest.fixture
def superuser(client):
    superuser = make_superuser()
    client.force_login(superuser)
    return superuser


def invite(client, **fields: str):
    sent = {"email": "ida@example.com", "username": "ida"} | fields
    return client.post(PATH, sent, follow=True)


def test_an_invitation_goes_to_the_address_as_it_was_typed(client, superuser):
    invite(client, email="Ida.Berg@Straße.example")
    assert User.objects.get(username="ida").email == "Ida.Berg@straße.example"
    assert Message.objects.get().to == "Ida.Berg@straße.example"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ida@münchen.example", "IDA@xn--mnchen-3ya.example"),
        ("ida@xn--mnchen-3ya.example", "ida@münchen.example"),
        ("Ida@example.com", "iDA@example.com"),
    ],
)
def test_a_mailbox_belongs_to_one_account_however_it_is_written(client, superuser, first, second):
    invite(client, email=first)
    response = invite(client, email=second, username="other.ida")
    assert errors_of(response)[1:] == ["Another account has this address."]
    assert User.objects.count() == 2


def test_two_domains_that_fold_alike_are_two_mailboxes(client, superuser):
    invite(client, email="y@straße.example")
    invite(client, email="y@strasse.example", username="other")
    emails = set(User.objects.exclude(pk=superuser.pk).values_list("email", flat=True))
    assert emails == {"y@straße.example", "y@strasse.example"}


def test_another_spelling_of_the_own_address_stays_verified():
    ida = make_user(username="ida", email="ida@münchen.example")
    edit = {"by": make_superuser(), "version": None}
    User.objects.filter(pk=ida.pk).update(email_verified_at=ida.date_joined)
    changed = edit_profile(ida, email="Ida@xn--mnchen-3ya.example", **edit)
    assert (changed.email, changed.email_verified_at) == ("Ida@münchen.example", ida.date_joined)
    assert edit_profile(changed, email="ida@example.com", **edit).email_verified_at is None


def test_a_username_may_be_the_own_address_in_another_spelling(client, superuser):
    invite(client, email="Ida@münchen.example", username="ida@xn--mnchen-3ya.example")
    assert User.objects.get(username="ida@münchen.example").email == "Ida@münchen.example"


@pytest.mark.parametrize("username", ["admin", "root", "postmaster", "null", "me", "admin\u0301"])
def test_a_reserved_username_is_refused_even_to_a_superuser(client, superuser, username):
    response = invite(client, username=username)
    assert response.status_code == 422
    assert errors_of(response)[1:] == [RESERVED_USERNAME]


def test_nobody_is_renamed_to_a_reserved_username_and_who_has_one_keeps_it():
    by = make_superuser()
    root = make_user(username="root")
    with pytest.raises(ValidationError) as caught:
        edit_profile(make_user(), by=by, version=None, username="Ro.ot")
    assert caught.value.message_dict == {"username": [RESERVED_USERNAME]}
    assert edit_profile(root, by=by, version=None, first_name="Rita").username == "root"


@pytest.mark.parametrize("username", ["vera\u0301", "véra", "ver\u0325\u0301a", "verа"])
def test_the_name_of_a_colleague_with_an_accent_is_refused(username):
    make_user("Viewer", username="vera")
    with pytest.raises(ValidationError) as caught:
        invite_user(by=COMMAND, username=username, email="new@example.com")
    assert "too similar to the username “vera”" in caught.value.messages[0]


def test_an_accent_tells_two_people_apart_who_are_no_staff():
    make_user(username="jose")
    assert invite_user(by=COMMAND, username="josé", email="new@example.com").username == "josé"


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u2028", "\u200b"])
def test_a_name_with_a_character_that_nobody_sees_is_refused_and_kept(client, superuser, char):
    response = invite(client, first_name=f"Ida{char}x")
    assert response.status_code == 422
    assert errors_of(response)[1:] == [
        f"This contains an invisible character (U+{ord(char):04X}) after “Ida”. Remove it."
    ]


# --- isolation ------------------------------------------------------------------------------------


def test_a_name_from_right_to_left_turns_no_sentence_around(client, superuser):
    account = make_user(first_name="محمد", last_name="علي")
    path = f"/users/{account.pk}/suspension/"
    page = read(client.get(path))
    assert page.one("title").text == f"Suspend {RIGHT_TO_LEFT_NAME} · Rollcall"
    done = client.post(
        path, {"version": account.version, "reason": "left", "lasts": ""}, follow=True
    )
    message = read(done).one("p", class_="note success").text
    assert message == f"{RIGHT_TO_LEFT_NAME} suspended. All sessions ended."


def test_a_name_from_right_to_left_is_isolated_in_titles_and_labels(client, superuser):
    account = make_user(
        username="mo", first_name="محمد", last_name="علي", email_verified_at=timezone.now()
    )
    session(account, account)
    title = read(client.get(f"/users/{account.pk}/")).one("title").text
    assert title.startswith(RIGHT_TO_LEFT_NAME)
    for path in ("edit/", "roles/", "letter/", "sessions/end/"):
        response = client.get(f"/users/{account.pk}/{path}")
        assert RIGHT_TO_LEFT_NAME in read(response).one("title").text, path
    box = read(client.get("/users/?q=mo")).all("input", name="ids")[0]
    assert box.attributes["aria-label"] == f"Select {RIGHT_TO_LEFT_NAME}"
