"""Events as HTML: who did what to whom, and hostile text stays text."""

from datetime import UTC, datetime

import pytest

from users.audit.html import render_event
from users.audit.models import AuditEvent

NASTY = "\"><script>alert('1')</script>"


def event(**fields) -> AuditEvent:
    given = {
        "at": datetime(2025, 3, 9, 14, 5, 7, tzinfo=UTC),
        "action": "account.edited",
        "actor_text": "ann",
        "actor_id": 3,
    }
    return AuditEvent(**(given | {"before": {}, "after": {}} | fields))


def test_an_event_says_when_who_what_and_to_whom():
    html = render_event(
        event(
            target_id=7,
            target_text="bob",
            before={"first_name": "A"},
            after={"first_name": "B"},
            job_id=5,
        ),
        False,
    )
    assert (
        '<time datetime="2025-03-09T14:05:07+00:00" title="2025-03-09 14:05:07 UTC">'
        "9 Mar 2025, 14:05</time>" in html
    )
    assert '<a class="quiet" href="/users/3/">ann</a>' in html
    assert '<a href="/users/7/">bob</a>' in html
    assert "job 5" in html
    assert "first name <del>A</del> → <ins>B</ins>" in html


def test_on_the_page_of_its_account_it_names_neither_that_nor_an_address():
    html = render_event(
        event(target_id=7, target_text="bob", ip="192.0.2.1", user_agent="Firefox"), True
    )
    assert "bob" not in html
    assert "192.0.2.1" not in html
    assert "from 192.0.2.1 · Firefox" in render_event(
        event(ip="192.0.2.1", user_agent="Firefox"), False
    )


def test_a_refusal_says_what_was_refused_and_changes_nothing():
    html = render_event(
        event(
            action="denied",
            reason="Your roles don’t include the permission “users.manage_staff”.",
            after={"action": "suspend", "permission": "users.manage_staff"},
        ),
        False,
    )
    assert '<span class="what">Refused: suspend accounts</span>' in html
    assert '<p class="reason">Only a role that can manage staff accounts may do this.</p>' in html
    assert "changes" not in html


def test_of_erased_values_the_names_are_left():
    erased = {
        "erased_at": datetime(2025, 4, 1, tzinfo=UTC),
        "after": {"email": None, "phone": None},
    }
    assert "email, phone: values erased on" in render_event(event(actor_text="", **erased), True)
    about_another = render_event(event(target_text="bob", **erased), True)
    assert "mentions of an erased person removed on" in about_another
    assert "values erased" not in about_another


@pytest.mark.parametrize(("numbers", "says"), [([5], "in 1 event<"), ([5, 6], "in 2 events<")])
def test_words_that_were_taken_out_are_counted(numbers, says):
    assert says in render_event(event(action="audit.redacted", after={"events": numbers}), True)


def test_somebody_without_a_name_is_somebody():
    assert '<span class="muted">someone</span>' in render_event(
        event(actor_id=None, actor_text=""), True
    )
    assert ">an erased account</a>" in render_event(event(actor_text=""), True)


@pytest.mark.parametrize("on_account", [False, True])
@pytest.mark.parametrize("action", ["account.edited", "denied", NASTY])
def test_hostile_text_is_escaped_wherever_it_stands(on_account, action):
    texts = dict.fromkeys(("actor_text", "target_text", "reason", "ip", "user_agent"), NASTY)
    values = {"before": {NASTY: NASTY}, "after": {NASTY: [NASTY, NASTY], "action": NASTY}}
    html = render_event(
        event(action=action, target_id=7, erased_at=datetime.now(UTC), **texts, **values),
        on_account,
    )
    assert "<script" not in html
    assert NASTY not in html
    assert html.count("&lt;script&gt;") >= (2 if action == "denied" else 3)
    assert html.count('"') % 2 == 0
