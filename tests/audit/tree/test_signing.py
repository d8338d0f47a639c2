"""Checkpoints: the worker signs the tree of all sealed events, and no fork of it."""

import os
from pathlib import Path

import pytest

from tests.audit.tampering import execute, forge_all, make_events
from tests.audit.tree import reference
from tests.audit.tree.logs import ORIGIN, grow, leaves, use_key
from tests.house import find_modules, imported_modules
from tests.processes import ROOT
from users.audit import chain, tasks
from users.audit.models import AuditEvent
from users.audit.tree import integration, signing, tree_check
from users.audit.tree.log_state import signing_problem
from users.audit.tree.merkle import leaf_hash, root_of_inclusion
from users.audit.tree.models import LogTile, SignedCheckpoint, TreeHead, VerifierKey
from users.audit.tree.notes import CheckpointText, SignedNote, decode_base64
from users.audit.tree.private_keys import write_signing_keys
from users.audit.tree.proofs import event_proof
from users.audit.tree.recent_hashes import RecentHashes
from users.audit.tree.signatures import SigningKey
from users.audit.tree.tiles import TreeFault

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(settings, tmp_path) -> SigningKey:
    return use_key(settings, tmp_path)


def test_a_checkpoint_is_the_root_of_the_chain_hashes_and_anybody_can_verify_it(key):
    checkpoint = grow(5)
    assert checkpoint.size == 5
    assert bytes(checkpoint.root) == reference.mth(leaves())
    text = CheckpointText.parse(SignedNote.parse(checkpoint.note).text)
    assert text == (ORIGIN, 5, bytes(checkpoint.root), ())
    assert reference.note_verifies(str(key.verifier).encode(), checkpoint.note.encode())
    stored = VerifierKey.objects.get()
    assert (stored.vkey, stored.first_size, stored.last_size) == (str(key.verifier), 0, None)
    assert grow(0) == checkpoint  # nothing new, nothing signed
    later = grow(300)
    assert (later.size, bytes(later.root)) == (305, reference.mth(leaves()))
    assert SignedCheckpoint.objects.count() == 2
    assert signing_problem() == ""
    tree_check.check_leaves(1, 305)


def test_the_task_seals_grows_and_signs_after_each_ten_thousand_events(key, monkeypatch):
    monkeypatch.setattr(tasks, "CHECKPOINT_EVENTS", 10)
    monkeypatch.setattr("users.audit.chain.BATCH_SIZE", 5)
    make_events(25)
    tasks.seal_audit_chain()
    sizes = list(SignedCheckpoint.objects.order_by("pk").values_list("size", flat=True))
    assert sizes == [10, 20, 25]


def test_hashes_that_were_just_computed_are_not_read_back(key, monkeypatch):
    monkeypatch.setattr(tasks, "CHECKPOINT_EVENTS", 10)
    monkeypatch.setattr("users.audit.chain.BATCH_SIZE", 5)
    make_events(25)
    with monkeypatch.context() as patched:
        patched.setattr(integration, "joined_hashes", None)
        tasks.seal_audit_chain()
    checkpoint = SignedCheckpoint.objects.latest("pk")
    assert (checkpoint.size, bytes(checkpoint.root)) == (25, reference.mth(leaves()))
    tree_check.check_leaves(1, 25)


def test_what_another_process_has_sealed_is_read(key, monkeypatch):
    recent = RecentHashes()
    make_events(3)
    chain.seal_waiting_events()
    make_events(2)
    chain.seal_waiting_events(recent=recent)
    signing.update_log(recent)
    checkpoint = SignedCheckpoint.objects.get()
    assert (checkpoint.size, bytes(checkpoint.root)) == (5, reference.mth(leaves()))


def test_recent_hashes_are_those_of_the_positions_that_are_asked_for():
    first, second, third = (bytes([number]) * 32 for number in (1, 2, 3))
    recent = RecentHashes()
    assert recent.take(0, 9) == b""
    recent.add(0, [first])
    recent.add(1, [second, third])
    assert recent.take(0, 1) == first
    assert recent.take(0, 1) == b""  # forgotten
    assert recent.take(2, 9) == third
    recent.add(3, [first])
    recent.add(7, [second])  # others have sealed the events between them
    assert recent.take(3, 9) == b""
    assert recent.take(7, 9) == second
    recent.add(8, [third])
    assert recent.take(9, 9) == b""
    assert recent.take(8, 9) == b""


def test_the_events_of_years_become_leaves_in_several_runs(key, monkeypatch):
    for module in (integration, signing):
        monkeypatch.setattr(module, "LEAVES_AT_ONCE", 10)
    monkeypatch.setattr(signing, "GROWING_SECONDS", -1)
    assert [grow(number).size for number in (25, 0, 0, 0)] == [10, 20, 25, 25]
    monkeypatch.setattr(signing, "GROWING_SECONDS", 20)
    assert grow(35).size == 60


def test_an_event_has_a_proof_with_its_checkpoint(key):
    make_events(1)
    unsealed = AuditEvent.objects.get()
    with pytest.raises(TreeFault, match="no checkpoint covers event"):
        event_proof(unsealed)
    checkpoint = grow(299)
    event = AuditEvent.objects.get(chain_position=270)
    raw = event_proof(event)
    assert len(raw) <= 2048
    head, _, note = raw.decode().partition("\n\n")
    assert note == checkpoint.full_note
    header, index, *hashes = head.split("\n")
    assert (header, index) == ("c2sp.org/tlog-proof@v1", "index 269")
    path = [decode_base64(line) for line in hashes]
    leaf = leaf_hash(bytes(event.chain_hash))
    assert root_of_inclusion(leaf, 269, 300, path) == bytes(checkpoint.root)


def test_without_a_key_the_tree_grows_and_nothing_is_signed(settings):
    settings.AUDIT_KEY_FILE = ""
    assert grow(3) is None
    head = TreeHead.objects.get()
    assert (head.size, head.has_key, head.problem) == (3, False, "")
    assert signing_problem() == ""


def test_a_key_that_others_can_read_or_nobody_is_named(key, settings):
    path = Path(settings.AUDIT_KEY_FILE)
    for break_file, words in (
        (lambda: path.chmod(0o604), "everyone can read"),
        (lambda: (path.chmod(0o600), path.write_text("secret\n")), "is not a private key"),
        (lambda: path.write_text(""), "must have one name"),
        (path.unlink, "can’t be read: No such file"),
    ):
        break_file()
        assert grow(1) is None
        assert words in signing_problem()
        assert "secret" not in signing_problem()
    assert AuditEvent.objects.filter(chain_position=None).count() == 0  # sealing goes on


def test_the_key_file_is_private(key, settings):
    assert os.stat(settings.AUDIT_KEY_FILE).st_mode & 0o777 == 0o600


def test_another_key_in_the_file_gets_an_event(key, settings, tmp_path):
    grow(1)
    assert not AuditEvent.objects.filter(action="audit.key_added").exists()
    stranger = SigningKey.generate(ORIGIN)
    write_signing_keys(Path(settings.AUDIT_KEY_FILE), [stranger])
    grow(1)
    grow(1)
    event = AuditEvent.objects.get(action="audit.key_added")
    assert (event.actor_text, event.after) == ("Rollcall", {"key": str(stranger.verifier)})


def test_a_rewritten_log_is_not_signed(key):
    checkpoint = grow(3)
    first = AuditEvent.objects.order_by("pk")[0]
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", first.pk)
    forge_all()
    # The owner of the database rebuilds the tree too.
    LogTile.objects.all().delete()
    TreeHead.objects.all().delete()
    assert grow(1) == checkpoint
    assert signing_problem() == "the tree is not that of the checkpoint of 3 events any more"


def test_a_log_that_was_cut_off_is_not_signed(key):
    checkpoint = grow(3)
    TreeHead.objects.update(size=2)
    execute("DELETE FROM users_auditevent WHERE chain_position = 3")
    assert grow(0) == checkpoint
    assert signing_problem() == "the tree has 2 events, and its last checkpoint 3"


def test_a_missing_event_stops_the_tree_and_is_named(key):
    make_events(5)
    chain.seal_waiting_events()
    execute("DELETE FROM users_auditevent WHERE chain_position = 3")
    assert grow(0) is None
    assert signing_problem() == "the event at position 3 is missing"


def test_an_event_that_was_changed_after_it_became_a_leaf_is_named(key):
    grow(300)
    execute("UPDATE users_auditevent SET chain_hash = %s WHERE chain_position = 290", bytes(32))
    with pytest.raises(TreeFault, match="the event at position 290 differs from the tree"):
        tree_check.check_leaves(257, 300)
    tree_check.check_leaves(1, 256)


def importers(name: str) -> set[str]:
    """Returns the modules that import the module `name`."""
    modules = find_modules(ROOT)
    word = name.rpartition(".")[2]
    mentioning = [module for module, file in modules.items() if word in file.read_text()]
    return {module for module in mentioning if name in imported_modules(module, modules)}


def test_the_worker_and_commands_alone_read_the_private_key():
    assert importers("users.audit.tree.private_keys") == {
        "users.audit.tree.signing",
        "users.management.commands.audit_key",
        "users.management.commands.audit_new_origin",
        "users.management.commands.audit_witness",
    }
    assert importers("users.audit.tree.signing") == {"users.audit.tasks"}
    assert importers("users.audit.tasks") == set()  # the queue imports it by its name


def test_events_that_are_sealed_while_it_reads_are_not_missing(monkeypatch):
    make_events(3)
    chain.seal_waiting_events()
    first = integration.joined_hashes(0, 1)
    monkeypatch.setattr(integration, "joined_hashes", lambda after, until: first)
    assert integration.sealed_hashes(0, 10) == first[1]
