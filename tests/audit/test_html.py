"""Events as HTML: who did what to whom, and hostile text stays text."""

import re
from datetime import UTC, datetime
from functools import partial

import pytest

from users.audit.html import render_event
from users.audit.models import AuditEvent

in_trail = partial(render_event, on_account=False, links_jobs=True)
on_account_page = partial(render_event, on_account=True, links_jobs=True)
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
    html = in_trail(
        event(
            target_id=7,
            target_text="bob",
            before={"first_name": "A"},
            after={"first_name": "B"},
            job_id=5,
        )
    )
    assert (
        '<time datetime="2025-03-09T14:05:07+00:00" title="2025-03-09 14:05:07 UTC">'
        "9 Mar 2025, 14:05</time>" in html
    )
    assert '<a class="quiet" href="/users/3/">ann</a>' in html
    assert '<a href="/users/7/">bob</a>' in html
    assert '<a class="tag" href="/jobs/5/">job 5</a>' in html
    assert "first name <del>A</del> → <ins>B</ins>" in html


def test_on_the_page_of_its_account_it_names_neither_that_nor_an_address():
    html = on_account_page(
        event(target_id=7, target_text="bob", ip="192.0.2.1", user_agent="curl/8.1")
    )
    assert "bob" not in html
    assert "192.0.2.1" not in html
    html = in_trail(event(ip="192.0.2.1", user_agent="curl/8.1"))
    assert 'from 192.0.2.1 · <span title="curl/8.1">curl 8</span>' in html


def test_a_refusal_says_what_was_refused_and_changes_nothing():
    html = in_trail(
        event(
            action="denied",
            reason="Only a role that can manage staff accounts may do this.",
            after={"action": "suspend", "permission": "users.manage_staff"},
        )
    )
    assert '<span class="what">Refused: suspend accounts</span>' in html
    assert '<p class="reason">Only a role that can manage staff accounts may do this.</p>' in html
    assert "changes" not in html


def test_of_erased_values_the_names_are_left():
    erased = {
        "erased_at": datetime(2025, 4, 1, tzinfo=UTC),
        "after": {"email": None, "phone": None},
    }
    assert "email, phone: values removed on" in on_account_page(event(actor_text="", **erased))
    about_another = on_account_page(event(target_text="bob", **erased))
    assert "mentions of an erased person removed on" in about_another
    assert "values erased" not in about_another


@pytest.mark.parametrize(("numbers", "says"), [([5], "in 1 event<"), ([5, 6], "in 2 events<")])
def test_words_that_were_taken_out_are_counted(numbers, says):
    assert says in on_account_page(event(action="audit.redacted", after={"events": numbers}))


@pytest.mark.parametrize("text", ["2026-99-99T00:00Z", "0001-01-01T00:00Z", "2026-01-01T25:00Z"])
def test_a_text_that_only_looks_like_a_time_is_shown(text):
    html = in_trail(event(action="account.edited", after={"first_name": text}))
    assert "first name" in html.casefold()


def test_somebody_without_a_name_is_somebody():
    assert '<span class="muted">someone</span>' in on_account_page(
        event(actor_id=None, actor_text="")
    )
    assert ">account 3</a>" in on_account_page(event(actor_text=""))


def test_a_job_is_a_link_only_for_those_who_may_see_it():
    html = render_event(event(job_id=5), on_account=True, links_jobs=False)
    assert '<span class="tag">job 5</span>' in html


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("account.undone", "Undone by job 5"),
        ("account.suspended", "Suspended job 5"),
        ("job.list_downloaded", "Downloaded a list of job 5"),
        ("job.done", "Job 5 finished"),
    ],
)
def test_an_event_names_its_job_once(action, says):
    html = re.sub(r"<[^>]+>", "", in_trail(event(action=action, job_id=5)))
    assert f"ann · {says}\n" in html


@pytest.mark.parametrize(
    ("kind", "counts", "says"),
    [
        (
            "end-sessions",
            {"selected": 9307, "changed": 366, "skipped": 8941, "failed": 0, "unchanged": 0},
            ["action End all sessions", "total 9,307", "changed 366", "skipped 8,941"],
        ),
        (
            "export",
            {"selected": 55, "changed": 0, "unchanged": 55},
            ["action Export", "total 55", "written 55"],
        ),
        ("gone", {"selected": 1}, ["action gone", "total 1"]),
    ],
)
def test_a_job_is_told_in_words_and_grouped_numbers(kind, counts, says):
    after = {"kind": kind, "selection": "all", "state": "done"} | counts
    html = re.sub(r"<[^>]+>", "", in_trail(event(action="job.done", after=after)))
    assert ("; ".join([says[0], "selection all", *says[1:]])) in html


@pytest.mark.parametrize(
    "name", ["accounts", "records", "items", "undecided", "letters", "missing"]
)
def test_a_number_of_things_is_grouped(name):
    assert "<ins>10,000</ins>" in in_trail(event(action="demo.seeded", after={name: 10_000}))
    assert "<ins>10000</ins>" in in_trail(event(action="demo.seeded", after={"first_id": 10_000}))


def test_the_columns_of_an_export_have_their_labels():
    after = {"rows": 1234, "columns": ["name", "seen"]}
    html = in_trail(event(action="export.made", after=after))
    assert "<ins>1,234</ins>; columns <ins>Name, " in html


@pytest.mark.parametrize("render", [in_trail, on_account_page])
@pytest.mark.parametrize("action", ["account.edited", "job.done", "denied", NASTY])
def test_hostile_text_is_escaped_wherever_it_stands(render, action):
    texts = dict.fromkeys(("actor_text", "target_text", "reason", "ip", "user_agent"), NASTY)
    values = {"before": {NASTY: NASTY}, "after": {NASTY: [NASTY, NASTY], "action": NASTY}}
    html = render(event(action=action, target_id=7, erased_at=datetime.now(UTC), **texts, **values))
    assert "<script" not in html
    assert NASTY not in html
    assert html.count("&lt;script&gt;") >= (2 if action == "denied" else 3)
    assert html.count('"') % 2 == 0
