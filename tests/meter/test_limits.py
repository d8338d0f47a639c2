"""Past the limit of an hour, people confirm who they are and go on; past twice the budget, and at a
second limit, administrators get an email.
"""

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.answers import errors_of
from tests.builders import PASSWORD, make_superuser, make_user, make_users
from tests.meter.limits import confirm, count_of, is_sent_to_sudo, set_budgets
from tests.pages import form, read
from tests.transfer.exports.test_exports import make_export, path
from users.audit.models import AuditEvent
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.meter.limits import RoleUse, UseLimit, use_limit
from users.meter.models import HourlyUse, UsualUse

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # pages; the counts run on both
PART = {"HX-Request": "true", "HX-Target": "account", "HX-Current-URL": "http://testserver/users/"}
OWN = {"Origin": "http://testserver"}


@pytest.fixture
def agent(client):
    agent = make_user("Support", password=PASSWORD)
    client.force_login(agent)
    return agent


def open_accounts(client, number: int) -> list:
    return [client.get(f"/users/{account.pk}/") for account in make_users(number)]


def test_past_the_budget_one_confirms_afresh_and_goes_on(client, agent, settings):
    set_budgets(settings, openings=2)
    first, second, third = open_accounts(client, 3)
    assert (first.status_code, second.status_code) == (200, 200)
    assert is_sent_to_sudo(third)
    assert b"account" not in third.content
    assert count_of(agent, "openings") == 2
    page = client.get(third["Location"])
    assert "You have used more personal data than usual this hour" in read(page).text
    sent = form(page, "/sudo/")
    wrong = client.post("/sudo/", sent | {"password": "no"})
    assert errors_of(wrong)
    assert form(wrong, "/sudo/")["why"] == "use"
    done = client.post("/sudo/", form(wrong, "/sudo/") | {"password": PASSWORD})
    assert done["Location"] == sent["next"]
    assert client.get(done["Location"]).status_code == 200
    assert [answer.status_code for answer in open_accounts(client, 1)] == [200]
    assert count_of(agent, "openings") == 4


def test_it_asks_again_until_somebody_confirms_and_counts_nothing_meanwhile(
    client, agent, settings
):
    set_budgets(settings, openings=1)
    answers = open_accounts(client, 4)
    assert [is_sent_to_sudo(answer) for answer in answers] == [False, True, True, True]
    assert count_of(agent, "openings") == 1
    assert HourlyUse.objects.get().asked_at


def test_one_who_is_asked_is_asked_about_accounts_that_were_shown_before_too(
    client, agent, settings
):
    set_budgets(settings, openings=1)
    ada, jane = make_users(2)
    pages = [f"/users/{account.pk}/" for account in (ada, ada, jane, jane, ada)]
    answers = [is_sent_to_sudo(client.get(page)) for page in pages]
    assert answers == [False, False, True, True, True]


def test_a_confirmation_before_the_limit_was_passed_is_too_old(client, agent, settings):
    set_budgets(settings, openings=1)
    confirm(client)
    assert is_sent_to_sudo(open_accounts(client, 2)[1])
    confirm(client)
    assert open_accounts(client, 1)[0].status_code == 200
    HourlyUse.objects.update(hour=timezone.now() - timezone.timedelta(hours=2))
    assert is_sent_to_sudo(open_accounts(client, 2)[1]), "the next hour asks again"


def test_other_tabs_of_the_account_that_is_open_are_not_asked_about(client, agent, settings):
    set_budgets(settings, openings=1)
    (ada,) = make_users(1)
    for tab in ("", "access/", "mail/"):
        assert client.get(f"/users/{ada.pk}/{tab}").status_code == 200


def test_a_part_of_a_page_leads_to_the_question_and_back_to_the_whole(client, agent, settings):
    set_budgets(settings, openings=1)
    ada, jane = make_users(2)
    client.get(f"/users/{ada.pk}/")
    answer = client.get(f"/users/{jane.pk}/access/", headers=PART)
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/sudo/?next=%2Fusers%2F{jane.pk}%2Faccess%2F&why=use"


def test_a_search_that_was_typed_is_in_the_way_back(client, agent, settings):
    set_budgets(settings, searches=1)
    client.get("/users/?q=ada")
    answer = client.get("/users/?q=jane+doe", headers=PART)
    assert answer["HX-Redirect"] == "/sudo/?next=%2Fusers%2F%3Fq%3Djane%2Bdoe&why=use"
    assert client.get("/users/").status_code == 200
    assert client.get("/users/?q=17").status_code == 200


def test_what_an_open_page_asks_by_itself_is_never_sent_away(client, agent, settings):
    set_budgets(settings, openings=1)
    ada, jane = make_users(2)
    client.get(f"/users/{ada.pk}/")
    assert is_sent_to_sudo(client.get(f"/users/{jane.pk}/"))
    beat = client.get(f"/users/{jane.pk}/presence/?version=1", headers=PART)
    assert beat.status_code in (200, 204)
    assert client.get("/me/parts/", headers=PART).status_code == 200


def test_a_form_with_an_error_keeps_what_was_typed_past_the_limit(client, agent, settings):
    set_budgets(settings, openings=1)
    ada, jane = make_users(2)
    client.get(f"/users/{ada.pk}/")
    url = f"/users/{jane.pk}/suspension/"
    answer = client.post(url, {"version": 1, "reason": "", "note": "x"}, headers=OWN)
    assert answer.status_code == 422
    assert count_of(agent, "openings") == 2


def test_a_reveal_asks_before_its_form_and_reveals_after_the_confirmation(client, settings):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    set_budgets(settings, reveals=1)
    ada, jane = make_users(2)
    assert client.post(f"/users/{ada.pk}/reveal/", {"reason": "Call"}).status_code == 200
    assert is_sent_to_sudo(client.get(f"/users/{jane.pk}/reveal/"))
    kept = client.post(f"/users/{jane.pk}/reveal/", {"reason": "Lost phone"}, headers=OWN)
    assert kept.status_code == 401
    assert "you return to your form with everything you typed" in read(kept).text
    assert jane.email.encode() not in kept.content
    assert AuditEvent.objects.filter(action="account.revealed").count() == 1
    confirm(client)
    shown = client.post(f"/users/{jane.pk}/reveal/", {"reason": "Lost phone"})
    assert jane.email.encode() in shown.content
    assert count_of(viewer, "reveals") == 2


def test_a_large_file_asks_before_it_is_sent_and_is_not_told_as_sent(client, settings):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    set_budgets(settings, exports=3)
    export = make_export(auditor, number=4)
    assert is_sent_to_sudo(client.get(path(export)))
    assert count_of(auditor, "exports") == 0
    assert not AuditEvent.objects.filter(action="export.downloaded").exists()
    confirm(client)
    assert client.get(path(export)).status_code == 200
    assert count_of(auditor, "exports") == 4


def test_past_twice_the_budget_the_other_administrators_get_one_email(client, agent, settings):
    set_budgets(settings, openings=1)
    boss = make_superuser()
    make_superuser(status="suspended")
    make_user("Auditor")
    open_accounts(client, 2)
    confirm(client)
    assert [answer.status_code for answer in open_accounts(client, 1)] == [200]
    assert not Message.objects.exists()
    assert [answer.status_code for answer in open_accounts(client, 3)] == [200] * 3
    message = Message.objects.get()
    assert (message.kind, message.account, message.about_id) == ("heavy-use", boss, agent.pk)
    event = AuditEvent.objects.get(action="meter.exceeded")
    assert (event.actor_id, event.target_id) == (agent.pk, agent.pk)
    hour = event.after.pop("hour")
    assert hour.endswith(":00:00Z")
    assert event.after == {"use": "openings", "limit": 1, "budget": 1, "openings": 3}
    text = compose_mail(message).body
    assert agent.username in text
    assert "Accounts opened: 3" in text
    assert f"/staff/meter/{agent.pk}/" in text
    assert not mail.outbox


def test_nobody_is_told_of_their_own_use_and_without_a_colleague_the_event_remains(
    client, settings
):
    root = make_superuser()
    client.force_login(root)
    set_budgets(settings, openings=1)
    open_accounts(client, 2)
    confirm(client)
    open_accounts(client, 3)
    assert AuditEvent.objects.filter(action="meter.exceeded").count() == 1
    assert not Message.objects.exists()


def test_a_second_limit_within_the_hour_is_reported_at_once(client, agent, settings):
    set_budgets(settings, openings=1, searches=1)
    make_superuser()
    open_accounts(client, 2)
    assert not Message.objects.exists()
    client.get("/users/?q=ada")
    assert is_sent_to_sudo(client.get("/users/?q=jane"))
    assert is_sent_to_sudo(client.get("/users/?q=zoe"))
    assert Message.objects.filter(kind="heavy-use").count() == 1
    confirm(client)
    open_accounts(client, 5)
    assert AuditEvent.objects.filter(action="meter.exceeded").count() == 1


def test_forms_alone_are_reported_too(client, agent, settings):
    set_budgets(settings, openings=1)
    make_superuser()
    for account in make_users(3):
        client.post(f"/users/{account.pk}/suspension/", {"version": 1, "reason": ""})
    assert Message.objects.filter(kind="heavy-use").count() == 1


def test_two_people_have_limits_of_their_own(client, agent, settings):
    set_budgets(settings, openings=1)
    other = Client()
    other.force_login(make_user("Support"))
    assert is_sent_to_sudo(open_accounts(client, 2)[1])
    assert open_accounts(other, 1)[0].status_code == 200


def test_a_role_may_have_a_budget_of_its_own_and_the_highest_counts(client, agent, settings):
    set_budgets(settings, openings=1, **{"Manager:openings": 3})
    agent.groups.add(Group.objects.get(name="Manager"))
    answers = open_accounts(client, 4)
    assert [is_sent_to_sudo(answer) for answer in answers] == [False, False, False, True]


def test_what_is_usual_in_the_role_limits_below_the_budget(client, agent, settings):
    set_budgets(settings, openings=5)
    settings.METER = settings.METER._replace(deviations=2)
    UsualUse.objects.create(
        group=agent.groups.get(),
        kind="openings",
        median=1,
        deviation=0.5,
        hours=100,
        computed_at=timezone.now(),
    )
    answers = open_accounts(client, 3)
    assert [is_sent_to_sudo(answer) for answer in answers] == [False, False, True]
    row = HourlyUse.objects.get()
    assert (row.limit, row.budget) == (2, 5)


def test_limits_of_roles(settings):
    set_budgets(settings, openings=100, **{"Lead:openings": 300})
    settings.METER = settings.METER._replace(deviations=6)
    assert use_limit("openings", []) == UseLimit(100, 100)
    assert use_limit("openings", [RoleUse("Support")]) == UseLimit(100, 100)
    assert use_limit("openings", [RoleUse("Support", 30, 5)]) == UseLimit(60, 100)
    assert use_limit("openings", [RoleUse("Support", 0, 0)]) == UseLimit(20, 100)
    assert use_limit("openings", [RoleUse("Support", 90, 9)]) == UseLimit(100, 100)
    assert use_limit("openings", [RoleUse("Lead", 90, 9)]) == UseLimit(144, 300)
    both = [RoleUse("Lead", 10, 1), RoleUse("Support", 90, 9)]
    assert use_limit("openings", both) == UseLimit(144, 300)
    assert use_limit("openings", [*both, RoleUse("New")]) == UseLimit(300, 300)
