"""/mail/templates/ and below: the templates of announcements."""

import pytest
from django.contrib.auth.models import Permission

from tests.answers import (
    BAD_IDS,
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.campaigns.models import EmailTemplate
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User

pytestmark = pytest.mark.django_db
LIST = "/mail/templates/"
NEW = "/mail/templates/new/"
PREVIEW = "/mail/templates/preview/"
FILLED = {"name": "Move", "subject": "Hello {first_name}", "text": "Dear **{name}**"}
GERMAN = {"language": ["de"], "subject_de": "Hallo {first_name}", "text_de": "Guten Tag"}


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager", first_name="Mia", email_verified_at="2026-01-01T00:00Z")
    client.force_login(manager)
    return manager


def make_template(**fields) -> EmailTemplate:
    return EmailTemplate.objects.create(**FILLED | fields)


def page_of(template: EmailTemplate, rest: str = "") -> str:
    return f"{LIST}{template.pk}/{rest}"


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_the_ladder(client):
    template = make_template()
    pages = [LIST, NEW, page_of(template)]
    posts = [PREVIEW, *(page_of(template, rest) for rest in ("test/", "archive/", "archive/end/"))]
    for path in pages:
        assert_sent_to_sign_in(client, path)
    for path in posts:
        assert_sent_to_sign_in(client, path, methods=("post",))
    agent = make_user("Support")
    client.force_login(agent)
    for path in pages:
        answer = client.get(path)
        assert_denied(answer, "users.send_campaigns", actor=agent, action="send_campaigns")
    for path in (NEW, page_of(template), *posts):
        answer = client.post(path, FILLED)
        assert_denied(answer, "users.send_campaigns", actor=agent, action="send_campaigns")
    client.force_login(make_superuser())
    assert_not_found(client, f"{LIST}{{}}/")
    for rest in ("test/", "archive/", "archive/end/"):
        for bad in BAD_IDS:
            assert client.post(f"{LIST}{bad}/{rest}").status_code == 404
    assert_wrong_method(client, LIST, allowed="GET, HEAD")
    assert_wrong_method(client, NEW, allowed="GET, HEAD, POST")
    for path in posts:
        assert_wrong_method(client, path, allowed="POST")
    template.refresh_from_db()
    assert (template.version, template.archived_at) == (1, None)
    assert client.get(f"{LIST}?page=2").status_code == 400


def test_a_template_is_made_changed_archived_and_restored(client, manager):
    made = client.post(NEW, FILLED | GERMAN)
    template = EmailTemplate.objects.get()
    assert made["Location"] == page_of(template)
    assert template.translations == {"de": {"subject": "Hallo {first_name}", "text": "Guten Tag"}}
    assert template.updated_by_id == manager.pk
    row = read(client.get(LIST)).one("tbody").text
    assert "Move" in row
    assert "German (de)" in row
    sent = form(client.get(page_of(template)), page_of(template))
    assert client.post(page_of(template), sent | {"text_de": "Hallo"}).status_code == 302
    template.refresh_from_db()
    assert (template.version, template.translations["de"]["text"]) == (2, "Hallo")
    # Nothing changes, so nothing is recorded.
    again = form(client.get(page_of(template)), page_of(template))
    client.post(page_of(template), again)
    client.post(page_of(template, "archive/"))
    client.post(page_of(template, "archive/"))
    assert not read(client.get(LIST)).all("tbody")
    assert "Move" in read(client.get(f"{LIST}?archived=1")).one("tbody").text
    client.post(page_of(template, "archive/end/"))
    assert actions() == [
        f"template.{verb}" for verb in ("created", "changed", "archived", "restored")
    ]
    changed = AuditEvent.objects.get(action="template.changed")
    assert changed.before["translations"]["de"]["text"] == "Guten Tag"
    assert changed.after.keys() == {"template", "translations"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"text": "{user.password} {{x}}"}, "Unknown placeholders {user.password}, {{x}}."),
        ({"text_de": "[x](javascript:alert(1))"}, "Links must start with https://"),
        ({"subject": "a\u202eb"}, "invisible character (U+202E)"),
        ({"subject": "a\nBcc: b"}, "control character (U+000A)"),
        ({"text": ""}, "required"),
        ({"subject_de": ""}, "required"),
        ({"name": "Taken"}, "Another template has this name."),
    ],
)
def test_bad_input_is_named_and_nothing_is_stored(client, manager, fields, named):
    make_template(name="Taken")
    answer = client.post(NEW, FILLED | GERMAN | fields)
    assert answer.status_code == 422
    assert any(named in error for error in errors_of(answer)), errors_of(answer)
    assert form(answer, NEW)["text_de"] == (FILLED | GERMAN | fields)["text_de"]
    assert EmailTemplate.objects.count() == 1


def test_a_translation_is_added_and_removed_without_saving(client, manager):
    added = client.post(NEW, FILLED | {"new_language": "pt-BR", "add": "1", "text": "{oops"})
    assert added.status_code == 200
    typed = form(added, NEW)
    assert typed["text"] == "{oops"
    assert {"subject_pt-BR", "text_pt-BR"} <= typed.keys()
    removed = client.post(NEW, FILLED | GERMAN | {"remove": "de"})
    assert "text_de" not in form(removed, NEW)
    for bad in ("<b>", "x" * 40, "de_AT"):
        answer = client.post(NEW, FILLED | {"new_language": bad, "add": "1"})
        assert form(answer, NEW).keys() == form(client.get(NEW), NEW).keys()
    assert not EmailTemplate.objects.exists()


def test_a_change_by_someone_else_is_shown_and_overwritten_only_knowingly(client, manager):
    template = make_template()
    mine = form(client.get(page_of(template)), page_of(template)) | {"text": "Mine"}
    EmailTemplate.objects.update(version=2, text="Theirs")
    answer = client.post(page_of(template), mine)
    assert answer.status_code == 409
    assert "Theirs" in read(answer).one("article", class_="sheet").text
    assert EmailTemplate.objects.get().text == "Theirs"
    again = form(answer, page_of(template))
    assert again["text"] == "Mine"
    assert client.post(page_of(template), again).status_code == 302
    template.refresh_from_db()
    assert (template.text, template.version) == ("Mine", 3)
    without = client.post(page_of(template), FILLED)
    assert without.status_code == 409


def test_the_preview_is_the_email_that_this_account_would_get(client, manager):
    ada = make_user(username="ada", first_name="Ada<i>", last_name="", locale="de-AT")
    for who in ("ADA", str(ada.pk)):
        answer = client.post(PREVIEW, FILLED | GERMAN | {"as_account": who})
        html = answer.content.decode()
        assert "Hallo Ada&lt;i&gt;" in html
        assert '<html lang="de"' in html
        assert "Our support team" not in html
    own = client.post(PREVIEW, FILLED | {"as_account": "nobody.here", "text": "{x} {name}"})
    text = own.content.decode()
    assert "No account has this username or ID." in text
    assert "Unknown placeholder {x}." in text
    assert "Mia" in text
    assert (
        "Guten Tag"
        in client.post(PREVIEW, FILLED | GERMAN | {"as_language": "de"}).content.decode()
    )
    for huge in ("9" * 30, "9" * 5000, "\x00", "x" * 5000):
        assert client.post(PREVIEW, FILLED | {"as_account": huge}).status_code == 200


def test_a_preview_of_nothing_and_of_odd_characters_shows_no_error(client, manager):
    empty = client.post(PREVIEW, {"name": "", "subject": "", "text": ""}).content.decode()
    assert "Start typing to see a preview." in empty
    assert "required" not in empty
    # The characters that stand around the names of variables in compiled texts.
    odd = FILLED | GERMAN | {"text": "a \ufffefoo\uffff b", "text_de": "\ufffefoo\uffff"}
    assert "a foo b" in client.post(PREVIEW, odd).content.decode()
    assert client.post(PREVIEW, odd | {"as_language": "de"}).status_code == 200
    long = client.post(PREVIEW, FILLED | {"text": "**a** " * 40_000})
    assert len(long.content) < 100_000


def test_the_preview_runs_and_loads_nothing_and_only_our_pages_frame_it(client, manager, settings):
    settings.ORGANISATION_LOGO_URL = "https://www.example.com/logo.png"
    answer = client.post(PREVIEW, FILLED)
    policy = dict(
        part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; ") if " " in part
    )
    assert "; sandbox;" in answer["Content-Security-Policy"]
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "https://www.example.com"
    assert policy["frame-ancestors"] == "'self'"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    page = client.get(NEW)
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert "sandbox" in read(page).one("iframe").attributes


def test_a_preview_masks_what_the_viewer_may_not_see(client, manager):
    manager.groups.clear()
    codes = ["view_user", "send_campaigns"]
    manager.user_permissions.set(Permission.objects.filter(codename__in=codes))
    manager.is_staff = True
    manager.save()
    make_user(username="ada", email="ada.lovelace@example.com")
    answer = client.post(PREVIEW, FILLED | {"as_account": "ada", "text": "{email}"})
    assert "ada.lovelace@" not in answer.content.decode()
    assert "@example.com" in answer.content.decode()


def test_a_test_goes_to_oneself_alone(client, manager):
    template = make_template(translations={"de": {"subject": "Hallo", "text": "Guten Tag"}})
    assert client.post(page_of(template, "test/")).status_code == 302
    message = Message.objects.get()
    assert (message.account_id, message.to, message.state) == (manager.pk, manager.email, "waiting")
    mail = compose_mail(message)
    assert (message.kind, mail.subject) == ("test", "Hello Mia")
    assert "<strong" in mail.alternatives[0].content
    assert actions() == ["template.tested"]
    User.objects.filter(pk=manager.pk).update(email_verified_at=None)
    refused = client.post(page_of(template, "test/"))
    assert refused.status_code == 409
    assert "no verified email address" in read(refused).one("main").text
    assert Message.objects.count() == 1
