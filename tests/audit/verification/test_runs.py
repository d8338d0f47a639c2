"""The scheduled runs of the verification, audit_verify --quick and --resume, and the page
/audit/verification/.
"""

from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.audit.tampering import execute, sealed
from tests.audit.tree.logs import grow, use_key
from tests.builders import make_user
from tests.pages import read
from tests.processes import database_url
from users.audit.models import AuditEvent
from users.audit.tasks import verify_audit_trail
from users.audit.tree.models import AnchorDelivery, LogTile, SignedCheckpoint, VerifierKey
from users.audit.tree.notes import COSIGNATURE
from users.audit.tree.signatures import SigningKey
from users.audit.verification import chain_check, runs
from users.audit.verification.models import VerificationRun
from users.audit.verification.processes import CheckProcesses
from users.audit.verification.runs import verification_problems

PATH = "/audit/verification/"
CHANGE = "UPDATE users_auditevent SET reason = 'another' WHERE chain_position = 5"


@pytest.fixture
def key(db, settings, tmp_path):
    return use_key(settings, tmp_path)


def verify(*arguments: str) -> str:
    output = StringIO()
    call_command("audit_verify", *arguments, stdout=output)
    return output.getvalue()


def quick_fault() -> str:
    with pytest.raises(CommandError) as caught:
        verify("--quick")
    assert caught.value.returncode == 1
    return str(caught.value)


def test_both_kinds_run_when_they_are_due(key):
    grow(300)
    verify_audit_trail()
    verify_audit_trail()
    found = VerificationRun.objects.values_list("kind", "position", "fault")
    assert set(found) == {("quick", 300, ""), ("full", 300, "")}
    assert found.count() == 2
    first = VerificationRun.objects.get(kind="quick")
    VerificationRun.objects.update(started_at=first.started_at - timedelta(days=1))
    verify_audit_trail()
    assert VerificationRun.objects.filter(kind="quick").count() == 2
    assert VerificationRun.objects.filter(kind="full").count() == 1


def test_a_full_run_continues_where_it_stopped(key, monkeypatch):
    monkeypatch.setattr(chain_check, "RANGE_SIZE", 2)
    monkeypatch.setattr(runs, "RANGE_SIZE", 2)
    monkeypatch.setattr(runs, "RANGES_AT_ONCE", 1)
    monkeypatch.setattr(runs, "FEW_RANGES", 99)
    monkeypatch.setattr(runs, "SLICE_SECONDS", 0)
    grow(4)
    grow(3)
    positions = []
    for _ in range(4):
        verify_audit_trail()
        run = VerificationRun.objects.get(kind="full")
        positions.append(run.position)
    assert (positions, run.fault) == ([2, 4, 6, 7], "")
    # What is changed before the run is there is found by it.
    VerificationRun.objects.all().delete()
    verify_audit_trail()
    execute(CHANGE)
    assert "resumed" not in verification_problems()
    with pytest.raises(CommandError, match=r"\(Edited\): event \d+ at position 5"):
        verify("--resume")
    assert "at position 5" in verification_problems()


def test_a_run_that_another_worker_has_claimed_is_left_alone(key):
    grow(1)
    run = runs.start_run("full")
    assert runs.claim_run(run)
    assert not runs.claim_run(run)
    verify_audit_trail()
    run.refresh_from_db()
    assert run.finished_at is None


def lose_tile() -> None:
    LogTile.objects.filter(level=0, number=0).delete()


def narrow_tile() -> None:
    LogTile.objects.filter(level=0, number=0).update(width=5)


def change_leaf() -> None:
    execute(
        "UPDATE users_auditevent SET chain_hash = %s WHERE chain_position = 290",
        b"x" * 32,
    )


def lose_end() -> None:
    execute("DELETE FROM users_auditevent WHERE chain_position > 298")


def lose_key() -> None:
    VerifierKey.objects.all().delete()


def revoke_key() -> None:
    VerifierKey.objects.update(last_size=10, revoked_at="2026-01-01T00:00Z")


def change_root() -> None:
    SignedCheckpoint.objects.update(root=b"x" * 32)


def forge_cosignature() -> None:
    witness = SigningKey.generate("witness.example.com", COSIGNATURE)
    settings.AUDIT_WITNESSES = [("http://127.0.0.1:9", str(witness.verifier))]
    forged = str(witness.cosign_text("another checkpoint\n", 5))
    SignedCheckpoint.objects.update(cosignatures=forged)


def fork_witness() -> None:
    AnchorDelivery.objects.create(
        destination="witness", error="it is another tree", refused_at="2026-01-01T00:00Z"
    )


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lose_tile, "(Missing): tile 0 of level 0"),
        (narrow_tile, "(Edited): tile 0 of level 0 does not have its recorded width"),
        (change_leaf, "(Edited): the event at position 290 differs from the tree"),
        (lose_end, "(Truncated): the chain ends at position 298"),
        (lose_key, "(Unknown key): the checkpoint of 300 events"),
        (revoke_key, "(Revoked key): the checkpoint of 300 events"),
        (change_root, "(Edited): the checkpoint of 300 events was changed"),
        (forge_cosignature, "(Edited): a cosignature of the checkpoint of 300 events was changed"),
        (fork_witness, "(Forked): witness refuses the log"),
    ],
)
def test_the_quick_check_names_what_it_finds(key, tamper, words, monkeypatch):
    monkeypatch.setattr(settings, "AUDIT_WITNESSES", [])
    grow(300)
    assert verify("--quick") == "Tree of 300 events and its newest events verified.\n"
    tamper()
    assert words in quick_fault()


@pytest.mark.django_db(transaction=True)
def test_several_processes_find_the_same(monkeypatch):
    monkeypatch.setattr(chain_check, "RANGE_SIZE", 2)
    monkeypatch.setenv("DATABASE_URL", database_url())
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    sealed(7)
    with CheckProcesses(2) as processes:
        verdict = chain_check.verify_chain(check_ranges=processes.check_ranges)
        assert verdict == chain_check.verify_chain()
        execute(CHANGE)
        verdict = chain_check.verify_chain(check_ranges=processes.check_ranges)
        assert (verdict.kind, verdict.events) == ("edited", 4)


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_the_last_runs(client, key):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    assert "Not verified yet" in read(client.get(PATH)).one("main").text
    grow(300)
    verify_audit_trail()
    main = read(client.get(PATH)).one("main")
    assert [("No faults" in row.text) for row in main.one("tbody").all("tr")] == [True, True]
    event = AuditEvent.objects.get(chain_position=5)
    execute(CHANGE)
    VerificationRun.objects.update(started_at="2026-01-01T00:00Z")
    verify_audit_trail()
    alert = read(client.get(PATH)).one("main").one("p", role="alert").text
    assert "Edited" in alert
    assert f"event {event.pk} at position 5 was changed" in alert


def test_the_ladder(client, key):
    assert_sent_to_sign_in(client, PATH)
    support = make_user("Support")
    client.force_login(support)
    answer = client.get(PATH)
    assert_denied(answer, "users.view_auditevent", actor=support, action="view_audit")
    client.force_login(make_user("Auditor"))
    assert client.get(f"{PATH}?x=1").status_code == 400
    assert_wrong_method(client, PATH, allowed="GET, HEAD")
