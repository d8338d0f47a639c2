"""GET /audit/checkpoints/, /audit/checkpoints/<id>/ and /audit/key/; the part of /status/."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.audit.tree.logs import ORIGIN, grow, use_key
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.audit.tree import signing
from users.audit.tree.models import AnchorDelivery, LogTile, SignedCheckpoint, VerifierKey
from users.audit.tree.notes import COSIGNATURE, SignedNote
from users.audit.tree.proofs import event_proof
from users.audit.tree.signatures import SigningKey
from users.audit.tree.verifier_keys import end_key

pytestmark = pytest.mark.django_db

PATH = "/audit/checkpoints/"
KEYS = "/audit/key/"


@pytest.fixture
def auditor(client):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


@pytest.fixture
def key(settings, tmp_path) -> SigningKey:
    return use_key(settings, tmp_path)


def add_checkpoints(number: int) -> None:
    last = SignedCheckpoint.objects.latest("pk")
    SignedCheckpoint.objects.bulk_create(
        SignedCheckpoint(
            at=last.at,
            origin=last.origin,
            size=last.size + step,
            root=last.root,
            note=last.note,
        )
        for step in range(1, number + 1)
    )


def test_an_auditor_sees_checkpoints_and_downloads_their_notes(client, auditor, key):
    checkpoint = grow(2)
    checkpoint.size = 1234
    checkpoint.cosignatures = "— witness.example.com AAAAAAAA\n"
    checkpoint.save()
    main = read(client.get(PATH)).one("main")
    [row] = main.one("tbody").all("tr")
    for text in ("1,234", key.verifier.key_id.hex(), "witness.example.com"):
        assert text in row.text
    [link] = row.all("a")
    response = client.get(link.attributes["href"])
    assert response.content.decode() == checkpoint.full_note
    assert response["Content-Disposition"] == 'attachment; filename="checkpoint-1234.txt"'


def test_an_event_has_its_proof_once_a_checkpoint_covers_it(client, auditor, key):
    event = record_event("account.edited", actor=None)
    page = f"/audit/{event.pk}/"
    path = f"{page}proof/"
    assert client.get(path).status_code == 404
    grow(1)
    event.refresh_from_db()
    [link] = read(client.get(page)).one("main").all("a", href=path)
    response = client.get(link.attributes["href"])
    assert response.content == event_proof(event)
    assert response["Content-Disposition"].endswith(f'filename="event-{event.pk}.tlog-proof"')


def test_a_proof_from_a_damaged_tree_is_refused_in_words(client, auditor, key):
    grow(3)
    event = AuditEvent.objects.get(chain_position=2)
    LogTile.objects.all().delete()
    response = client.get(f"/audit/{event.pk}/proof/")
    assert response.status_code == 409
    assert "The log is damaged: tile 0 of level 0 is missing" in read(response).one("main").text


def test_a_witness_is_named_as_such_only_if_it_has_signed(client, auditor, key, settings):
    checkpoint = grow(2)
    witness = SigningKey.generate("witness.example.com", COSIGNATURE)
    text = SignedNote.parse(checkpoint.note).text
    shown = []
    for cosigned in (text, f"{text}x\n"):
        checkpoint.cosignatures = str(witness.cosign_text(cosigned, 5))
        checkpoint.save()
        for keys in ([("http://witness", str(witness.verifier))], []):
            settings.AUDIT_WITNESSES = keys
            row = read(client.get(PATH)).one("main").one("tbody").one("tr")
            shown.append(row.all("td")[4].text)
    name = "Witnesses: witness.example.com"
    assert shown == [name, f"{name} (unknown key)", f"{name} (not valid)", f"{name} (unknown key)"]


def test_checkpoints_are_paged_at_a_constant_number_of_queries(client, auditor, key):
    grow(1)
    client.get(PATH)
    with CaptureQueriesContext(connection) as one:
        client.get(PATH)
    add_checkpoints(119)
    with CaptureQueriesContext(connection) as fifty:
        client.get(PATH)
    assert len(one) == len(fifty)
    sizes = []
    path = PATH
    while path:
        main = read(client.get(path)).one("main")
        cells = main.all("td", class_="c-number")
        sizes += [int(cell.text.split()[0]) for cell in cells]
        older = main.all("a", rel="next")
        path = older[0].attributes["href"] if older else ""
    assert sizes == list(range(120, 0, -1))
    assert client.get(f"{PATH}?after=x").status_code == 400


def test_pages_without_checkpoints_say_why(client, auditor, key, settings):
    assert "No checkpoints yet" in read(client.get(PATH)).one("main").text
    VerifierKey.objects.all().delete()
    assert "no key yet" in read(client.get(KEYS)).one("main").text
    settings.AUDIT_KEY_FILE = ""
    signing.update_log()
    assert "no key to sign them with" in read(client.get(PATH)).one("main").text
    client.force_login(make_superuser())
    assert "no AUDIT_KEY_FILE" in read(client.get("/status/")).one("main").text


def test_a_note_that_somebody_changed_is_not_valid(client, auditor, key):
    grow(1)
    note = SignedCheckpoint.objects.get().note
    for changed in ("nothing", note.replace("\n1\n", "\n2\n")):
        SignedCheckpoint.objects.update(note=changed)
        assert "Not valid" in read(client.get(PATH)).one("main").text


def test_the_keys_are_shown_with_their_ranges(client, auditor, key, settings, tmp_path):
    grow(2)
    new = use_key(settings, tmp_path, key, SigningKey.generate(ORIGIN))
    grow(3)
    end_key(key.verifier.key_id.hex(), revoked=False)
    main = read(client.get(KEYS)).one("main")
    text = main.text
    assert text.index(str(new.verifier)) < text.index("Former keys")
    assert text.index(str(key.verifier)) > text.index("Former keys")
    assert "valid for checkpoints of up to 5 events" in text
    VerifierKey.objects.exclude(last_size=None).update(revoked_at="2026-01-01T00:00Z")
    assert "Revoked" in read(client.get(KEYS)).one("main").text


def test_the_status_page_shows_where_checkpoints_went(client, key):
    checkpoint = grow(2)
    AnchorDelivery.objects.create(destination="webhook", error="it is closed")
    AnchorDelivery.objects.create(destination="syslog", delivered_at=checkpoint.at)
    client.force_login(make_superuser())
    text = read(client.get("/status/")).one("main").text
    for words in ("2 events", "it is closed", "syslog"):
        assert words in text


def test_the_ladder(client, key):
    checkpoint = grow(1)
    one = f"{PATH}{checkpoint.pk}/"
    support = make_user("Support")
    event = AuditEvent.objects.get(chain_position=1)
    for path in (PATH, KEYS, one, f"/audit/{event.pk}/proof/"):
        client.logout()
        response = client.get(path)
        assert response.status_code == 302
        client.force_login(support)
        assert_denied(client.get(path), "users.view_auditevent", actor=support, action="view_audit")
        client.force_login(make_user("Auditor"))
        assert_wrong_method(client, path, allowed="GET, HEAD")
    for pattern in (PATH + "{}/", "/audit/{}/proof/"):
        assert_not_found(client, pattern, methods=("get",))


def test_signed_out_people_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)
    assert_sent_to_sign_in(client, KEYS)
