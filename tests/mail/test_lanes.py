"""Which messages leave next: individual ones, then bulk letters in turn, each by its own options
and by an index range of its own.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.builders import make_users
from tests.mail.sending import post, states
from tests.mail.test_announcements import announce
from tests.plans import assert_no_sort, plans
from users.mail import delivery, lanes
from users.mail.delivery import deliver_due_messages
from users.mail.lanes import Lanes, is_held, is_within_hours
from users.mail.models import Letter, Message, Suppression
from users.mail.suppressions import suppress_address

pytestmark = pytest.mark.django_db
BERLIN = {"from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}
NIGHT = {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}
GAP = {"from": "02:30", "to": "03:15", "zone": "Europe/Berlin"}


def letter_of(messages: list[Message]) -> Letter:
    return messages[0].letter


def recipients(postbox) -> list[str]:
    return [found[0] for found, _ in postbox.accepted]


def test_individual_mail_leaves_first_then_bulk_mail_without_a_letter_then_letters(postbox):
    of_letter = announce(2)
    without = post(2)
    Message.objects.filter(pk__in=[each.pk for each in without]).update(is_bulk=True)
    [single] = post()
    assert deliver_due_messages() == 5
    expected = [single, *without, *of_letter]
    assert recipients(postbox) == [message.to for message in expected]


def test_two_letters_take_turns(postbox, monkeypatch):
    monkeypatch.setattr(delivery, "BATCH", 2)
    first, second = announce(6), announce(3)
    assert deliver_due_messages() == 9
    names = {message.to: "A" for message in first} | {message.to: "B" for message in second}
    assert "".join(names[to] for to in recipients(postbox)) == "AABBAABAA"


@pytest.mark.parametrize(
    "options",
    [
        {"paused_at": timezone.now()},
        {"not_before": timezone.now() + timedelta(hours=1)},
        {"hours": {"from": "00:00", "to": "00:01", "zone": "Etc/GMT+12"}},
        {"hours": {"from": "00:00", "to": "00:01", "zone": "Etc/GMT-12"}},
    ],
)
def test_a_letter_that_is_held_waits_and_the_other_one_goes(postbox, options, monkeypatch):
    noon = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
    monkeypatch.setattr(lanes, "current_time", lambda: noon)
    options = {name: value and adapt(value, noon) for name, value in options.items()}
    held, free = announce(2), announce(2)
    Letter.objects.filter(pk=letter_of(held).pk).update(**options)
    Message.objects.update(due_at=noon - timedelta(days=1))
    monkeypatch.setattr(lanes, "database_now", lambda: noon)
    assert deliver_due_messages() == 2
    assert recipients(postbox) == [message.to for message in free]
    Letter.objects.update(paused_at=None, not_before=noon, hours=None)
    assert deliver_due_messages() == 2


def adapt(value, now):
    """Times of an option count from `now`."""
    return now + timedelta(hours=1) if isinstance(value, datetime) else value


def test_a_letter_that_is_paused_within_a_batch_stops_at_once(postbox, monkeypatch):
    messages = announce(5)
    send = delivery.send_message

    def pause(message, mail, connection):
        Letter.objects.update(paused_at=timezone.now())
        return send(message, mail, connection)

    monkeypatch.setattr(delivery, "send_message", pause)
    assert deliver_due_messages() == 1
    assert states() == ["sent"] + ["waiting"] * 4
    assert is_held(Letter.objects.get(), timezone.now())
    attempts = Message.objects.order_by("id").values_list("attempts", flat=True)
    assert list(attempts) == [1, 0, 0, 0, 0]
    assert len(messages) == 5


def test_what_changes_within_a_slow_batch_counts(postbox, monkeypatch):
    monkeypatch.setattr(delivery, "FRESH_SECONDS", -1)
    messages = announce(4)
    send = delivery.send_message

    def change(message, mail, connection):
        if message == messages[0]:
            suppress_address(messages[1].to, Suppression.Source.INVALID)
        if message == messages[2]:
            Letter.objects.update(not_before=timezone.now() + timedelta(hours=1))
        return send(message, mail, connection)

    monkeypatch.setattr(delivery, "send_message", change)
    assert deliver_due_messages() == 2
    assert states() == ["sent", "dropped", "sent", "waiting"]


def test_letters_that_are_held_leave_room_for_later_ones(postbox, monkeypatch):
    monkeypatch.setattr(lanes, "MAX_LETTERS", 2)
    tomorrow = timezone.now() + timedelta(days=1)
    held = [announce() for _ in range(3)]
    Letter.objects.update(not_before=tomorrow)
    announce()
    assert deliver_due_messages() == 1
    assert len(held) == Message.objects.filter(state="waiting").count()


@pytest.mark.parametrize(
    ("hours", "utc", "is_open"),
    [
        (BERLIN, "2026-11-28 07:59", False),
        (BERLIN, "2026-11-28 08:00", True),
        (BERLIN, "2026-11-28 16:00", False),
        (BERLIN, "2026-07-28 07:00", True),
        (NIGHT, "2026-11-28 21:00", True),
        (NIGHT, "2026-11-28 23:30", True),
        (NIGHT, "2026-11-28 04:59", True),
        (NIGHT, "2026-11-28 05:00", False),
        # At 01:00 UTC clocks go from 02:00 to 03:00.
        (GAP, "2026-03-29 00:59", False),
        (GAP, "2026-03-29 01:00", True),
        (GAP, "2026-03-29 01:15", False),
        # At 01:00 UTC they go back from 03:00 to 02:00.
        (GAP, "2026-10-25 00:30", True),
        (GAP, "2026-10-25 01:00", False),
        (GAP, "2026-10-25 01:30", True),
        ({"from": "08:00", "to": "08:00", "zone": "UTC"}, "2026-11-28 03:00", True),
    ],
)
def test_the_hours_of_a_letter_are_those_of_the_clocks_in_its_zone(hours, utc, is_open):
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert is_within_hours(hours, now) == is_open


def fill_outbox(*letters: Letter) -> None:
    """Queues a thousand individual messages and as many of letters, so that indexes differ."""
    people = make_users(500)
    rows = [Message(account=each, kind="letter") for each in people for _ in range(2)]
    for letter in letters:
        rows += [
            Message(account=each, kind="letter", letter=letter, is_bulk=True) for each in people
        ]
    Message.objects.bulk_create(rows)


def test_each_lane_is_an_index_range_whatever_is_paused():
    paused, free = announce(), announce()
    Letter.objects.filter(pk=letter_of(paused).pk).update(paused_at=timezone.now())
    fill_outbox(letter_of(paused), letter_of(free))
    for due, index in {
        lanes.due_individual(): "message_in_turn",
        lanes.due_without_letter(): "message_waiting_of_letter",
        lanes.due_of_letter(7): "message_waiting_of_letter",
    }.items():
        [plan] = plans(lambda due=due: list(due[:20]), analyze=["users_message"])
        assert index in plan
        assert_no_sort(plan)
    listing = plans(lanes.waiting_letters, analyze=["users_message"])
    assert len(listing) == 4  # one for each letter, one for the end, and the letters themselves
    for plan in listing[:3]:
        assert "message_waiting_of_letter" in plan
        assert_no_sort(plan)
    assert lanes.waiting_letters() == [letter_of(free).pk]


def test_a_look_at_the_outbox_costs_as_much_with_one_paused_message_as_with_many(
    django_assert_num_queries,
):
    paused = announce(30)
    Letter.objects.update(paused_at=timezone.now())
    with django_assert_num_queries(5):
        assert Lanes().next_batch(20) == []
    Message.objects.filter(pk__in=[message.pk for message in paused[1:]]).delete()
    with django_assert_num_queries(5):
        assert Lanes().next_batch(20) == []
