"""GET and POST /mail/campaigns/new/ and /mail/campaigns/<id>/edit/"""

from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Permission

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_user
from tests.campaigns.running import TEXT, draft, ids_query, readers
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.campaigns.forgetting import erase_own_campaigns
from users.campaigns.models import Campaign, EmailTemplate
from users.directory.models import SavedView
from users.forgetting import Erasure
from users.models import User

pytestmark = pytest.mark.django_db
NEW = "/mail/campaigns/new/"
FILLED = TEXT | {"name": "New terms"}


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager", time_zone="Europe/Berlin")
    client.force_login(manager)
    return manager


def save(client, path: str = NEW, **fields: str):
    return client.post(path, form(client.get(path), path) | FILLED | fields)


def test_a_draft_keeps_its_text_its_recipients_and_how_it_is_sent(client, manager):
    people = readers(2)
    path = f"{NEW}?{ids_query(people)}"
    assert "2 selected accounts" in read(client.get(path)).one("select").text
    response = save(
        client,
        path,
        not_before="2030-01-02T08:00",
        hours_from="09:00",
        hours_to="17:30",
        per_minute="1,200",
    )
    campaign = Campaign.objects.get()
    assert response["Location"] == f"/mail/campaigns/{campaign.pk}/"
    letter = campaign.letter
    assert (campaign.state, campaign.query) == ("draft", ids_query(people))
    assert (letter.subject, letter.text, letter.is_bulk) == (*TEXT.values(), True)
    assert letter.not_before.isoformat() == "2030-01-02T07:00:00+00:00"
    assert letter.hours == {"from": "09:00", "to": "17:30", "zone": "Europe/Berlin"}
    assert letter.per_minute == 1200
    event = AuditEvent.objects.get()
    assert (event.action, event.after["query"]) == ("campaign.created", ids_query(people))
    page = read(client.get(response["Location"]))
    assert "09:00 to 17:30 (Europe/Berlin)" in page.text
    edit = f"/mail/campaigns/{campaign.pk}/edit/"
    again = form(client.get(edit), edit)
    assert (again["hours_from"], again["per_minute"]) == ("09:00", "1200")
    assert again["not_before"] == "2030-01-02T08:00"
    # A colleague elsewhere who corrects the text does not move the hours.
    client.force_login(make_user("Manager", time_zone="America/New_York"))
    shown = client.get(edit)
    assert "Time zone: Europe/Berlin." in read(shown).one("div", id="id_hours_to_helptext").text
    client.post(edit, form(shown, edit) | {"name": "Terms"})
    letter.refresh_from_db()
    assert letter.hours == {"from": "09:00", "to": "17:30", "zone": "Europe/Berlin"}


def test_recipients_are_a_filter_of_the_directory_or_a_view(client, manager):
    save(client, f"{NEW}?all=1&status=active")
    assert Campaign.objects.latest("id").query == "all=1&status=active"
    view = SavedView.objects.create(owner=manager, name="Mine", query="domain=example.com")
    save(client, recipients=f"view-{view.pk}")
    assert Campaign.objects.latest("id").query == "all=1&domain=example.com"
    save(client)
    assert Campaign.objects.latest("id").query == "all=1"
    foreign = SavedView.objects.create(owner=make_user(), name="Theirs", query="")
    assert save(client, recipients=f"view-{foreign.pk}").status_code == 422
    assert client.get(f"{NEW}?all=1&colour=red").status_code == 400


def test_a_filter_that_the_viewer_may_not_see_is_not_in_the_page(client, manager):
    campaign = draft(manager, query="all=1&q=anna%40example.com")
    path = f"/mail/campaigns/{campaign.pk}/edit/"
    client.post(path, form(client.get(path), path) | {"name": "To Anna"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.query) == ("To Anna", "all=1&q=anna%40example.com")
    masked = make_user("Viewer")
    masked.user_permissions.add(Permission.objects.get(codename="send_campaigns"))
    client.force_login(masked)
    for rest in ("", "edit/", "start/"):
        page = client.get(f"/mail/campaigns/{campaign.pk}/{rest}", follow=True)
        assert "a•••@example.com" in read(page).one("main").text
        assert "anna@" not in unquote(page.content.decode())


def test_a_template_gives_text_and_translations(client, manager):
    german = {"de": {"subject": "Neues", "text": "Hallo {name}"}}
    template = EmailTemplate.objects.create(name="Terms", translations=german, **TEXT)
    path = f"{NEW}?template={template.pk}"
    assert f"template={template.pk}" in client.get(NEW).content.decode()
    assert path in client.get(f"/mail/templates/{template.pk}/").content.decode()
    filled = form(client.get(path), path)
    assert (filled["subject"], filled["text"]) == tuple(TEXT.values())
    client.post(path, filled)
    campaign = Campaign.objects.get()
    assert (campaign.template, campaign.letter.translations) == (template, german)
    edit = f"/mail/campaigns/{campaign.pk}/edit/"
    assert "Translations: German (de)." in read(client.get(edit)).text
    again = form(client.get(edit), edit)
    client.post(edit, again | {"name": "Terms for all"})
    campaign.letter.refresh_from_db()
    assert campaign.letter.translations == german
    # Readers of German would get a text that nobody has confirmed.
    for changed in (edit, path):
        response = client.post(changed, form(client.get(changed), changed) | {"text": "Mine"})
        assert Campaign.objects.latest("id").letter.translations == {}
        shown = read(client.get(response["Location"])).text
        assert "its translations were removed" in shown
    assert client.get(f"{NEW}?template=99").status_code == 404


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"text": "Dear {user.password} {nobody}"},
            "{user.password}, {nobody}.",
        ),
        ({"subject": "a\u202eb"}, ""),
        ({"name": ""}, "required"),
        ({"hours_from": "09:00"}, "Enter both times, or neither."),
        ({"hours_from": "09:00", "hours_to": "09:00"}, "The times are the same."),
        ({"hours_zone": "Europe/Nowhere"}, "Enter a time zone"),
        ({"per_minute": "0"}, "greater than or equal to 1"),
        ({"not_before": "soon"}, "valid date"),
        ({"recipients": "all=1&status=happy"}, "valid choice"),
        ({"version": "x"}, "Reload the page"),
    ],
)
def test_bad_input_is_named_and_kept(client, manager, fields, error):
    response = save(client, **fields)
    assert response.status_code == 422
    assert any(error in one for one in errors_of(response)), errors_of(response)
    assert not Campaign.objects.exists()
    name = next(iter(fields))
    assert form(response, NEW)["text"] == (fields["text"] if name == "text" else TEXT["text"])


def test_two_edits_of_one_draft_are_shown_to_the_second(client, manager):
    campaign = draft(manager, readers(1))
    path = f"/mail/campaigns/{campaign.pk}/edit/"
    mine = form(client.get(path), path) | {"text": "Mine"}
    theirs = mine | {"text": "Theirs"}
    assert client.post(path, theirs).status_code == 302
    response = client.post(path, mine)
    assert response.status_code == 409
    assert "Theirs" in read(response).one("article").text
    again = form(response, path)
    assert again["text"] == "Mine"
    assert client.post(path, again).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.letter.text, campaign.version) == ("Mine", 3)


def test_the_directory_and_the_selection_offer_it(client, manager):
    bar = read(client.get("/users/")).one("form", id="selection")
    assert bar.one("button", formaction=NEW).text == "Send announcement"
    people = readers(1)
    page = client.get(f"/users/selection/?{ids_query(people)}")
    assert f'href="{NEW}?{ids_query(people)}"' in page.content.decode()
    client.force_login(make_user("Support"))
    assert NEW not in client.get("/users/").content.decode()


def test_an_erasure_blanks_a_text_to_one_person(manager):
    alone, other = readers(2)
    to_one = draft(manager, [alone])
    to_both = draft(manager, [alone, other])
    erase_own_campaigns(Erasure(account=alone, by=manager, reserve=False))
    to_one.letter.refresh_from_db()
    to_both.letter.refresh_from_db()
    assert (to_one.letter.text, to_both.letter.text) == ("", TEXT["text"])


def test_wrong_role_bad_id_wrong_method(client, manager):
    campaign = draft(manager, readers(1))
    edit = f"/mail/campaigns/{campaign.pk}/edit/"
    assert_not_found(client, "/mail/campaigns/{}/edit/")
    for path in (NEW, edit):
        assert_wrong_method(client, path, allowed="GET, HEAD, POST")
    support = make_user("Support")
    client.force_login(support)
    for path in (NEW, edit):
        for method in (client.get, client.post):
            assert_denied(
                method(path), "users.send_campaigns", actor=support, action="send_campaigns"
            )


def test_signed_out(client):
    for path in (NEW, "/mail/campaigns/1/edit/"):
        assert_sent_to_sign_in(client, path)
