"""audit_verify with signed checkpoints: what was rewritten is found, and a key that does not count
is named.
"""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.audit.tampering import execute, forge_all
from tests.audit.tree.logs import ORIGIN, grow, use_key
from users.audit.models import AuditEvent
from users.audit.tree.models import SignedCheckpoint, VerifierKey
from users.audit.tree.note_lines import note_line, read_notes
from users.audit.tree.notes import CheckpointText, NoteError, SignedNote
from users.audit.tree.signatures import SigningKey
from users.audit.tree.verifier_keys import end_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(settings, tmp_path) -> SigningKey:
    return use_key(settings, tmp_path)


@pytest.fixture
def anchors(tmp_path) -> Path:
    return tmp_path / "anchors"


def verify(file: Path, *arguments: str) -> str:
    output = StringIO()
    call_command("audit_verify", "--anchor", str(file), *arguments, stdout=output)
    return output.getvalue()


def fault(file: Path, *arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        verify(file, *arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


def test_a_file_may_have_notes_in_each_form(key, anchors):
    first = grow(3)
    second = grow(4)
    saved = f"Hello,\r\n\r\nkeep this:\r\n\r\n{second.note}\nBye\n".replace("\n", "\r\n")
    anchors.write_text(f"2026 INFO {note_line(first)}\n{saved}", newline="")
    assert verify(anchors).endswith("signed checkpoints that match: 2; 0 not yet sealed.\n")
    assert "match: 2" in verify(anchors, "--key", str(key.verifier))
    assert read_notes([*first.note.splitlines(), *second.note.splitlines()]) == [
        first.note,
        second.note,
    ]


def test_a_rewritten_and_a_shortened_chain_are_found(key, anchors):
    anchors.write_text(grow(3).note)
    grow(2)
    assert "match: 1" in verify(anchors)
    first = AuditEvent.objects.order_by("pk")[0]
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", first.pk)
    forge_all()
    assert "at position 3 differs from the checkpoint of 3 events" in fault(anchors)
    execute("DELETE FROM users_auditevent WHERE chain_position > 2")
    assert "there is a checkpoint of 3 events: the events from position 3" in fault(anchors)


def test_an_unknown_key_is_named(key, anchors, settings, tmp_path):
    grow(1)
    other = use_key(settings, tmp_path, SigningKey.generate(ORIGIN))
    checkpoint = grow(1)
    anchors.write_text(checkpoint.note)
    assert "match: 1" in verify(anchors)
    named = f"{ORIGIN}+{other.verifier.key_id.hex()}"
    message = f"the checkpoint of 2 events is signed only by unknown keys: {named}."
    # Whoever owns the database can add a key to it, so an auditor gives the key that they know.
    assert message in fault(anchors, "--key", str(key.verifier))
    VerifierKey.objects.filter(vkey=str(other.verifier)).delete()
    assert message in fault(anchors)


@pytest.mark.parametrize(("revoked", "word"), [(True, "revoked"), (False, "retired")])
def test_a_key_counts_up_to_the_size_at_which_it_ended(key, anchors, revoked, word):
    early = grow(2)
    late = grow(1)
    SignedCheckpoint.objects.filter(pk=late.pk).delete()
    row = end_key(key.verifier.key_id.hex(), revoked=revoked)
    VerifierKey.objects.filter(pk=row.pk).update(last_size=2)
    anchors.write_text(early.note)
    assert "match: 1" in verify(anchors)
    anchors.write_text(early.note + "\n" + late.note)
    message = f"is signed only by key {row.key_id}, which was {word} at 2 events"
    assert f"the checkpoint of 3 events {message}" in fault(anchors)


def test_a_changed_checkpoint_and_one_of_another_log_are_named(key, anchors):
    note = grow(2).note
    anchors.write_text(note.replace("\n2\n", "\n3\n"))
    assert "the checkpoint of 3 events was changed: the signature of key" in fault(anchors)
    text = str(CheckpointText("example.com/other", 2, bytes(32)))
    anchors.write_text(str(SignedNote(text, (key.sign_text(text),))))
    assert "is signed only by unknown keys" in fault(anchors)
    anchors.write_text(f"audit-checkpoint size=2 note={'A' * 40}\n")
    assert "a checkpoint is not well-formed" in fault(anchors)


def test_a_wrong_key_is_exit_code_2(key, anchors):
    anchors.write_text(grow(1).note)
    with pytest.raises(CommandError, match="A key is wrong") as caught:
        verify(anchors, "--key", "nonsense")
    assert caught.value.returncode == 2
    assert isinstance(caught.value.__cause__, NoteError)
