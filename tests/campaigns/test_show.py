"""GET /mail/ and /mail/campaigns/<id>/: the numbers, the plot and the lists behind them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_user
from tests.campaigns.running import draft, queued, readers, set_states
from tests.pages import read
from tests.plans import assert_no_sort, plans
from users.campaigns import message_lists
from users.campaigns.counts import count_messages, recent_counts, sample_time, store_counts
from users.campaigns.models import Campaign, CampaignSample
from users.campaigns.progress_plot import progress_plot
from users.campaigns.tasks import update_campaigns
from users.mail.models import Letter, Message
from users.models import User

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture
def manager(client) -> User:
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


@pytest.fixture
def sent(client, manager) -> Campaign:
    campaign = queued(client, manager, readers(8))
    set_states(
        campaign,
        "sent/delivered",
        "sent/delivered",
        "sent",
        "sent/bounced",
        "failed/bounced",
        "unknown",
        "dropped",
        "waiting",
    )
    return campaign


def test_the_numbers_add_up_and_lead_to_their_lists(client, sent):
    response = client.get(f"/mail/campaigns/{sent.pk}/")
    page = read(response)
    states, fates = page.all("dl", class_="counts")
    numbers = []
    for block in (states, fates):
        shown = {one.one("dt").text: int(one.one("dd").text) for one in block.all("div")}
        total = shown.pop("Total", None) or shown.pop("Sent")
        assert sum(shown.values()) == total
        numbers.append(total)
    assert numbers == [8, 4]
    for block in (states, fates):
        for link in block.all("a"):
            rows = read(client.get(link.attributes["href"])).one("tbody").all("tr")
            assert len(rows) == int(link.text)
    assert page.one("progress").attributes["value"] == "87"
    # 7 of 8 don't wait, so the page asks again.
    assert page.one("div", id="numbers").attributes["hx-get"]


def test_the_email_is_shown_as_it_would_be_sent(client, manager):
    campaign = draft(manager, readers(1), text="Dear **{name}**,\nnew terms.")
    german = {"subject": "Neues", "text": "Neue Bedingungen"}
    Letter.objects.update(translations={"de": german})
    preview = f"/mail/campaigns/{campaign.pk}/preview/"
    for rest in ("", "start/"):
        page = client.get(f"/mail/campaigns/{campaign.pk}/{rest}")
        frames = [frame.attributes["src"] for frame in read(page).all("iframe")]
        assert frames == [preview, f"{preview}?language=de"]
        assert "frame-src 'self'" in page["Content-Security-Policy"]
    shown = client.get(preview)
    assert f"<strong>{manager.username}" in shown.content.decode()
    assert "; sandbox;" in shown["Content-Security-Policy"]
    assert "Neue Bedingungen" in client.get(f"{preview}?language=de").content.decode()
    assert client.get(f"{preview}?language=fr").status_code == 400
    assert_wrong_method(client, preview, allowed="GET, HEAD")


def test_the_part_is_the_page_and_asks_for_a_reload_when_the_state_changes(client, sent):
    path = f"/mail/campaigns/{sent.pk}/"
    part = client.get(f"{path}?state=sending", headers=PART)
    assert "HX-Refresh" not in part
    assert part.content.decode().strip().startswith("<div")
    Message.objects.filter(state="waiting").update(state="sent", sent_at=timezone.now())
    update_campaigns()
    part = client.get(f"{path}?state=sending", headers=PART)
    assert part["HX-Refresh"] == "true"
    assert "hx-get" not in part.content.decode()


def test_pages_share_a_count(sent, django_assert_num_queries):
    assert recent_counts(sent).total == 8
    with django_assert_num_queries(0):
        assert recent_counts(sent).total == 8


def test_counts_read_one_range_of_an_index(sent):
    (plan,) = plans(lambda: count_messages(sent.letter_id))
    assert "message_by_letter_fate" in plan


def test_bars_add_up_to_the_last_total(sent):
    start = timezone.now() - timedelta(hours=3)
    sent.started_at = start
    samples = [(5, 0, 0), (6, 1, 1), (60, 2, 1), (70, 3, 1)]
    CampaignSample.objects.all().delete()
    for minutes, done, failed in samples:
        counts = [["sent", "", done], ["failed", "", failed]]
        at = start + timedelta(minutes=minutes)
        CampaignSample.objects.create(campaign=sent, at=at, counts=counts)
    plot = progress_plot(sent, count_messages(sent.letter_id))
    assert [series.total for series in plot.series] == [4, 1]
    assert len(plot.buckets) <= 48


def test_samples_of_one_span_replace_each_other(sent):
    CampaignSample.objects.all().delete()
    store_counts(sent)
    store_counts(sent)
    assert CampaignSample.objects.count() <= 2  # at the turn of a minute
    now = timezone.now().replace(hour=12, minute=34, second=56, microsecond=7)
    assert sample_time(now, timedelta(days=2)) == now.replace(minute=0, second=0, microsecond=0)


def test_the_list_shows_the_stored_numbers_newest_first(client, sent, manager):
    update_campaigns()
    draft(manager, readers(1), name="Later")
    page = read(client.get("/mail/"))
    rows = page.one("table", class_="campaigns").one("tbody").all("tr")
    assert [row.one("a").text for row in rows] == ["Later", "New terms"]
    assert "7 of 8 processed" in rows[1].text
    assert "Not started" in rows[0].text
    assert "1 next due" in page.one("dl", class_="touches").text
    assert client.get("/mail/?after=x").status_code == 400


def test_lists_are_paged_by_ranges_of_an_index(client, sent, monkeypatch):
    monkeypatch.setattr(message_lists, "PAGE_SIZE", 3)
    path = f"/mail/campaigns/{sent.pk}/messages/"
    ids = set()
    url = path
    while url:
        page = client.get(url)
        ids |= {message.pk for message in page.context["mails"]}
        url = page.context["older"]
    assert len(ids) == 8
    for plan in plans(lambda: message_lists.campaign_page(sent, state="sent", after=10)):
        assert_no_sort(plan)
        assert "message_by_letter_fate" in plan
    assert client.get(f"{path}?state=lost").status_code == 400


def test_roles_and_bad_ids(client, sent):
    for rest in ("", "messages/", "preview/"):
        path = "/mail/campaigns/{}/" + rest
        assert_not_found(client, path, methods=("get",))
    viewer = make_user("Viewer")
    client.force_login(viewer)
    page = client.get(f"/mail/campaigns/{sent.pk}/")
    assert page.status_code == 200
    assert "Pause" not in read(page).one("main").text
    messages = client.get(f"/mail/campaigns/{sent.pk}/messages/")
    shown = messages.content.decode()
    assert not any(message.to in shown for message in Message.objects.all())
    nobody = make_user()
    client.force_login(nobody)
    for path in ("/mail/", f"/mail/campaigns/{sent.pk}/", f"/mail/campaigns/{sent.pk}/preview/"):
        assert_denied(client.get(path), "", actor=nobody, action="enter")


def test_signed_out(client):
    assert_sent_to_sign_in(client, "/mail/", methods=("get",))
    assert_sent_to_sign_in(client, "/mail/campaigns/1/", methods=("get",), background=True)
    for rest in ("messages/", "preview/"):
        assert_sent_to_sign_in(client, f"/mail/campaigns/1/{rest}", methods=("get",))
