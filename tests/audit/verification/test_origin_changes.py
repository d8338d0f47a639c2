"""manage.py audit_new_origin, after a backup was restored."""

from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from tests.audit.tampering import execute
from tests.audit.tree.logs import ORIGIN, grow, use_key
from tests.builders import make_user
from tests.pages import read
from users.audit import chain
from users.audit.anchors import write_anchor
from users.audit.models import AuditEvent, ChainHead
from users.audit.record import record_event
from users.audit.tree import signing
from users.audit.tree.models import AnchorDelivery, LogTile, SignedCheckpoint, TreeHead
from users.audit.tree.notes import CheckpointText
from users.audit.tree.proofs import latest_checkpoint
from users.audit.tree.signatures import SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(settings, tmp_path):
    return use_key(settings, tmp_path)


def run(name: str, *arguments: str) -> str:
    output = StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


def restore_backup(size: int) -> None:
    """Puts the database back to its state at a signed checkpoint."""
    execute("DELETE FROM users_auditevent WHERE chain_position > %s", size)
    last = AuditEvent.objects.get(chain_position=size)
    if connection.vendor == "sqlite":
        execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'users_auditevent'", last.pk)
    ChainHead.objects.update(position=size, hash=last.chain_hash, newest_id=last.pk)
    SignedCheckpoint.objects.filter(size__gt=size).delete()
    for model in (LogTile, TreeHead):
        model.objects.all().delete()
    signing.update_log()


def test_a_restored_backup_continues_under_a_new_origin(key, client, tmp_path: Path):
    grow(3)
    anchors = tmp_path / "anchors"
    lost = grow(2)
    anchors.write_text(f"{write_anchor()}\n{lost.note}")
    restore_backup(3)
    AnchorDelivery.objects.create(destination="witness", size=5, refused_at=timezone.now())
    with pytest.raises(CommandError, match="ends at position 3"):
        run("audit_verify", "--anchor", str(anchors))
    said = run("audit_new_origin", "--reason", "Disk failed", "--ticket", "OPS-7")
    assert f"{ORIGIN}/2+" in said
    event = AuditEvent.objects.get(action="audit.origin_changed")
    kept = SignedCheckpoint.objects.get(size=3)
    assert (event.reason, event.chain_position, event.after["position"]) == ("Disk failed", 4, 3)
    assert event.after["previous_origin"] == kept.origin == ORIGIN
    assert event.ticket == "OPS-7"
    grow(3)
    assert latest_checkpoint().origin == f"{ORIGIN}/2"
    with pytest.raises(CommandError, match=f"gave up: 2; .* --new-origin {ORIGIN}/2"):
        run("audit_verify", "--anchor", str(anchors))
    verified = run("audit_verify", "--anchor", str(anchors), "--new-origin", f"{ORIGIN}/2")
    assert verified.startswith("7 events are unchanged")
    assert "a backup with 3 events was restored" in verified
    assert "left out: 2" in verified
    assert run("audit_verify", "--quick") == "Tree of 7 events and its newest events verified.\n"
    client.force_login(make_user("Auditor"))
    page = read(client.get("/audit/verification/")).one("main").text
    assert f"the log continues as {ORIGIN}/2" in page


def test_a_new_origin_explains_no_change_before_it(key, tmp_path: Path):
    early = grow(3)
    run("audit_new_origin", "--reason", "Disk failed")
    anchors = tmp_path / "anchors"
    anchors.write_text(early.note)
    assert "match: 1" in run("audit_verify", "--anchor", str(anchors))
    SignedCheckpoint.objects.all().delete()
    with pytest.raises(CommandError, match="checkpoint of 3 events was deleted"):
        run("audit_verify", "--anchor", str(anchors))


def test_an_event_alone_gives_up_no_anchor(key, tmp_path: Path):
    """Whoever owns the database can write one, but has no key of the new origin."""
    anchors = tmp_path / "anchors"
    anchors.write_text(grow(3).note)
    values = {"origin": f"{ORIGIN}/2", "previous_origin": ORIGIN, "position": 0}
    record_event("audit.origin_changed", actor=None, after=values)
    grow(1)
    verify = partial(run, "audit_verify", "--anchor", str(anchors), "--key", str(key.verifier))
    with pytest.raises(CommandError, match="gave up: 1;"):
        verify()
    with pytest.raises(CommandError, match=f"no checkpoint of {ORIGIN}/2 covers"):
        verify("--new-origin", f"{ORIGIN}/2")
    with pytest.raises(CommandError, match=f"one change to {ORIGIN}/3"):
        verify("--new-origin", f"{ORIGIN}/3")
    forged = SigningKey.generate(f"{ORIGIN}/2")
    text = CheckpointText(f"{ORIGIN}/2", 5, bytes(32))
    anchors.write_text(f"{anchors.read_text()}\n{text}\n{forged.sign_text(str(text))}")
    with pytest.raises(CommandError, match="unknown key"):
        verify("--new-origin", f"{ORIGIN}/2")


def test_without_a_log_there_is_no_new_origin(key):
    with pytest.raises(CommandError, match="no signed checkpoint"):
        run("audit_new_origin", "--reason", "Disk failed")
    assert chain.lock_chain_head().position == 0
