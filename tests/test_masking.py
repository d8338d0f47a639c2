"""Personal data is masked for those who may not see it: on every page, in files, in kept pages, and
in what a search tells.
"""

import re

import pytest
from django.core.cache import caches
from django.test import Client

from tests.builders import make_superuser, make_user
from tests.caching.looking import stored
from tests.full_history import LOGIN, MAIL, NEW_MAIL, OLD_MAIL, PHONE, found_in, live
from tests.masked_viewers import PART, everything_but, signed_in
from tests.pages import read
from tests.test_crawl import crawl
from users import masking
from users.audit.record import record_event
from users.jobs import transitions
from users.jobs.models import Job, JobItem
from users.jobs.remarks import Remark
from users.models import User
from users.verbs.profile.verb import edit_profile

REACHED = {PHONE, MAIL, OLD_MAIL, NEW_MAIL, "198.51.100.77"}


# --- the masks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("jane@example.com", "j•••@example.com"),
        ("j@example.com", "•••@example.com"),
        ("", ""),
        ("jane@x@example.com", "j•••@example.com"),
        ("Ann@EXAMPLE.com", "A•••@EXAMPLE.com"),
    ],
)
def test_of_an_address_one_letter_and_the_domain_are_left(value, shown):
    assert masking.mask_email(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("+4915799887766", "•••• 66"), ("12345", "••••"), ("", "")]
)
def test_of_a_number_two_digits_are_left(value, shown):
    assert masking.mask_phone(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Asked by jane@example.com.", "Asked by j•••@example.com."),
        ("“jane@example.com” <jane@example.org>", "“j•••@example.com” <j•••@example.org>"),
        ("q=jane%40example.com&all=1", "q=j•••@example.com&all=1"),
        ("&lt;jane@example.com&gt;", "&lt;j•••@example.com&gt;"),
        ("call +49 (157) 998 877-66 today", "call •••• 66 today"),
        ("or 0049 157 99887766!", "or •••• 66!"),
        ("from 198.51.100.77", "from 198.51.•••"),
        ("from 2001:db8::ff00:42:8329", "from 2001:db8:•••"),
        ("j•••@example.com", "j•••@example.com"),
        ("@jane", "@jane"),
        ("a @ b", "a @ b"),
        ("1,234 accounts as of 2026-11-03 12:30:59", "1,234 accounts as of 2026-11-03 12:30:59"),
        ("Chrome/120.0.6099.109", "Chrome/120.0.6099.109"),
        ("#17", "#17"),
    ],
)
def test_addresses_and_numbers_in_a_text_are_masked_and_nothing_else(text, shown):
    assert masking.mask_text(text) == shown
    assert masking.mask_text(shown) == shown


def test_a_page_is_covered_between_its_tags_and_in_what_pops_up_and_boxes_keep_what_was_typed():
    page = (
        '<p title="to jane@example.com">jane@example.com</p><input value="jane@example.com">'
        "<textarea>jane@example.com</textarea><p>+4915799887766</p>"
    )
    assert masking.mask_html(page) == (
        '<p title="to j•••@example.com">j•••@example.com</p><input value="jane@example.com">'
        "<textarea>jane@example.com</textarea><p>•••• 66</p>"
    )


def test_what_a_viewer_sees_is_never_saved():
    with pytest.raises(RuntimeError):
        masking.mask_account(User(username="ada")).save()


# --- everywhere -----------------------------------------------------------------------------------


class Reader:
    """A browser that looks for what it must not be told, in whatever it gets."""

    def __init__(self, client: Client):
        self.client = client
        self.seen = dict[str, list[str]]()

    def get(self, address: str, **kwargs):
        response = self.client.get(address, **kwargs)
        self.look(address, response)
        self.look(f"{address} as a part", self.client.get(address, headers=PART))
        return response

    def look(self, address: str, response) -> None:
        content = b"".join(response) if response.streaming else response.content
        if response.streaming:
            response.streaming_content = [content]
        if found := REACHED & set(found_in(content + repr(response.headers).encode())):
            self.seen[address] = sorted(found)


@pytest.mark.long(20)
@pytest.mark.sqlite  # of pages, and not of the database
@pytest.mark.django_db(transaction=True)
def test_no_page_and_no_file_tells_them_to_those_who_may_not_see_them(person):
    person = live(person)
    job = Job.objects.filter(kind="suspend", by_text="support").latest("pk")
    JobItem.objects.create(
        job=job,
        account=make_user(username=f"x-{MAIL}"),
        outcome="failed",
        reason=f"No mail to {MAIL}",
    )
    note = transitions.add_line(job, Remark("chunk_failed", text=PHONE))
    Job.objects.filter(pk=job.pk).update(
        failed=1, changed=1, selected=2, reason=f"for {MAIL}", note_line=note
    )
    User.objects.filter(pk=person.pk).update(
        attributes={"mobile": "0157 99887766", "contacts": [{"of": f"wife {OLD_MAIL}"}]}
    )
    deputy = everything_but()
    reader = Reader(signed_in(deputy))
    support = Reader(signed_in(make_superuser()))
    lists = ["/users/?q=quaxenberger", "/users/?domain=example.com&sort=name", f"/users/?q={LOGIN}"]
    own = [
        f"/users/{person.pk}/{tab}"
        for tab in ("", "activity/", "history/", "doctor/", "sign-ins/", "mail/", "notes/")
    ]
    own += [
        f"/users/{person.pk}/{verb}/"
        for verb in ("suspension", "deletion", "erasure", "password-reset", "verification")
    ]
    ids = f"ids={person.pk}"
    rooms = [
        "/audit/",
        f"/audit/?target={person.pk}",
        "/jobs/",
        f"/jobs/{job.pk}/",
        f"/jobs/{job.pk}/not-changed.csv",
    ]
    rooms += [
        f"/users/selection/?{ids}",
        f"/users/bulk/suspension/?{ids}",
        "/users/views/",
        "/users/doctor/?q=wquax78",
    ]
    caches["pages"].clear()
    for address in [*lists, *own, *rooms]:
        reader.get(address, follow=True)
    assert reader.seen == {}
    kept = [value for key, value in stored().items() if "session:" not in key]
    assert len(kept) > len(lists)
    assert not [value for value in kept if REACHED & set(found_in(value))]
    for address in [*lists, *own, *rooms]:
        support.get(address, follow=True)
    assert {
        f"/users/{person.pk}/",
        "/audit/",
        "/jobs/",
        f"/jobs/{job.pk}/not-changed.csv",
        own[4],
        own[5],
    } <= support.seen.keys()
    crawl(reader, f"/users/{person.pk}/")
    assert reader.seen == {}


@pytest.mark.django_db
def test_what_is_said_after_a_deed_is_masked(client):
    client.force_login(everything_but())
    ada = make_user(username="jane@example.com", email="jane.roe@example.org")
    for path, sent in (
        ("suspension", {"reason": "Because"}),
        ("suspension/end", {"reason": "Over"}),
        ("verification", {"reason": "Called"}),
    ):
        ada.refresh_from_db()
        response = client.post(
            f"/users/{ada.pk}/{path}/", {"version": ada.version} | sent, follow=True
        )
        assert read(response).one("p", class_="note success").text
        assert b"j\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2@example.com" in response.content
        assert not re.search(rb"jane(\.roe)?(@|%40)", response.content), path


@pytest.mark.django_db
def test_an_objection_does_not_tell_another_ones_address(client):
    make_user(username="zoe.lee", email="zoe@example.com", first_name="Zoe")
    client.force_login(everything_but())
    response = client.post("/users/new/", {"email": "zoe@example.com", "username": "other"})
    assert response.status_code == 422
    assert b"Zoe" not in response.content
    assert (
        read(response).one("input", name="email").attributes["value"] == "zoe@example.com"
    )  # what was typed stays


@pytest.mark.django_db
def test_the_account_is_changed_and_not_what_the_viewer_sees_of_it(client):
    client.force_login(everything_but())
    ada = make_user(
        username="jane@example.com", email="jane.roe@example.org", phone="+4915799887766"
    )
    client.post(f"/users/{ada.pk}/suspension/", {"version": 1, "reason": "Because"})
    ada.refresh_from_db()
    assert (ada.status, ada.username, ada.email, ada.phone) == (
        "suspended",
        "jane@example.com",
        "jane.roe@example.org",
        "+4915799887766",
    )


@pytest.mark.django_db
def test_nobody_edits_what_is_masked_for_them(client):
    client.force_login(everything_but())
    ada = make_user(email="jane@example.com")
    for path in ("edit/", "edit/email/"):
        response = client.get(f"/users/{ada.pk}/{path}")
        assert response.status_code == 403
        assert b"users.view_personal" in response.content
        assert b"jane@" not in response.content


@pytest.mark.django_db
def test_the_past_is_masked_and_still_says_what_changed(client):
    ada = make_user(phone="+4915711111166", date_joined="2026-01-01T00:00Z")
    edit_profile(ada, by=make_superuser(), version=1, phone="+4915722222266")
    client.force_login(make_user("Viewer"))
    page = client.get(f"/users/{ada.pk}/history/?at=2026-01-02")
    [row] = [row.text for row in read(page).all("tr") if "••••" in row.text]
    assert row.count("•••• 66") == 2
    assert "(different)" in row
    assert b"2222226" not in page.content


# --- kept pages -----------------------------------------------------------------------------------


# --- what a search tells --------------------------------------------------------------------------


@pytest.mark.django_db
def test_refusals_and_events_of_any_make_are_masked(client):
    ada = make_user(username="ada")
    record_event(
        "account.edited",
        actor=None,
        target=ada,
        before={"email": None, "attributes": "x"},
        after={"email": ["a@example.com"]},
    )
    record_event(
        "account.edited",
        actor=None,
        target=ada,
        after={"note": {"deep": ["b@example.com"]}, "phone": 12345678},
        reason="c@example.com",
    )
    client.force_login(everything_but())
    for path in ("/audit/", f"/users/{ada.pk}/", f"/users/{ada.pk}/activity/"):
        response = client.get(path)
        assert response.status_code == 200
        assert not re.search(rb">[^<]*[abc]@example.com", response.content)


@pytest.mark.parametrize(
    "typed",
    ["jane＠example.com", "jane﹫example.com", "“jane＠example.com”", "see jane＠example.com."],
)
def test_a_wide_at_sign_hides_no_address(typed):
    assert "jane" not in masking.mask_text(typed)
    assert "j•••@example.com" in masking.mask_text(typed)
    assert "jane" not in masking.mask_html(f'<p title="{typed}">{typed}</p>')
