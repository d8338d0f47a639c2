"""manage.py audit_bundle, and the stand-alone verifier of the bundle."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from tests.audit.tampering import SESSION, in_session, make_events, mark_erased
from tests.audit.tree.logs import ORIGIN, grow, use_key
from tests.builders import make_user
from tests.bulk.running import work
from tests.pages import form, read
from users import access
from users.audit import chain
from users.audit.blanking import blank_events
from users.audit.models import AuditEvent
from users.audit.redaction import redact_events
from users.audit.tree.merkle import HASH_SIZE
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.notes import SignedNote
from users.audit.tree.proofs import event_proof, latest_checkpoint
from users.audit.tree.signatures import SigningKey
from users.audit.tree.witness_client import store_cosignature
from users.database.erasure_rules import ERASED_TEXT
from users.evidence import export_job, verify
from users.evidence.export_job import start_event_export
from users.exceptions import JobRefused
from users.jobs.models import Job
from users.models import User

pytestmark = pytest.mark.django_db
# Hashes of a proof in a tree of ten million leaves.
DEEP_PROOF = 24


@pytest.fixture
def key(settings, tmp_path) -> SigningKey:
    return use_key(settings, tmp_path)


def write(file: Path, *arguments: str) -> str:
    output = StringIO()
    call_command("audit_bundle", str(file), "--reason", "Case 7", *arguments, stdout=output)
    return output.getvalue()


def unpack(file: Path, folder: Path) -> Path:
    with ZipFile(file) as bundle:
        bundle.extractall(folder)
    return folder


def run_verifier(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Runs the verifier with no setting, and without what Rollcall has on its path."""
    command = [sys.executable, "-I", str(folder / "verify.py"), *arguments]
    return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)


def account_bundle(folder: Path) -> Path:
    """Returns the unpacked bundle of an account with three events, one of them erased."""
    ada = make_user()
    grow(5)
    make_events(2, target=ada)
    with in_session():
        make_events(1, target=ada)
    chain.seal_waiting_events()
    first = AuditEvent.objects.filter(target_id=ada.pk).order_by("pk")[:1]
    with transaction.atomic():
        blank_events(AuditEvent.objects.filter(pk__in=[first[0].pk]), "target")
    mark_erased(ada)
    grow(300)
    write(folder / "evidence.zip", "--filter", f"target={ada.pk}")
    return unpack(folder / "evidence.zip", folder / "bundle")


def edit_event(folder: Path, change: Callable[[list[dict]], object]) -> None:
    path = folder / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    change(events)
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def edit_text(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def proof_file(folder: Path) -> Path:
    return sorted((folder / "proofs").iterdir())[-1]


def swap_proofs(folder: Path) -> None:
    first, *_, last = sorted((folder / "proofs").iterdir())
    text = first.read_text()
    first.write_text(last.read_text())
    last.write_text(text)


def shorten_proof(folder: Path) -> None:
    path = proof_file(folder)
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:2], *lines[3:]]))


def remove_events(folder: Path) -> None:
    (folder / "events.jsonl").write_text("")
    for path in (folder / "proofs").iterdir():
        path.unlink()


def forge_key(folder: Path) -> None:
    """Signs the checkpoint with another key of the same name, without giving its verifier key."""
    text = (folder / "checkpoint").read_text().rpartition("\n\n")[0] + "\n"
    signature = SigningKey.generate(ORIGIN).sign_text(text)
    (folder / "checkpoint").write_text(f"{text}\n{signature}")


def keep_digest(events: list[dict]) -> None:
    """Puts the true digest of a part beside a forged value."""
    event = events[1]
    event["target_digest"] = verify.value_digest(event, "target").hex()
    event["reason"] = "forged"


ALTERATIONS: dict[str, Callable[[Path], object]] = {
    "value": lambda folder: edit_event(folder, lambda each: each[1].update(reason="another")),
    "actor": lambda folder: edit_event(folder, lambda each: each[1].update(actor_id=99)),
    "time": lambda folder: edit_event(
        folder, lambda each: each[1].update(at="2020-01-01T00:00:00.000000+00:00")
    ),
    "erased digest": lambda folder: edit_event(
        folder, lambda each: each[0].update(target_digest="00" * 32)
    ),
    "value beside a digest": lambda folder: edit_event(folder, keep_digest),
    "value of an erased part": lambda folder: edit_event(
        folder, lambda each: each[0].update(ticket="SUP-1")
    ),
    "names of erased fields": lambda folder: edit_event(
        folder, lambda each: each[0].update(before="")
    ),
    "session": lambda folder: edit_event(
        folder, lambda each: each[2].update(session_id=str(UUID(int=1)))
    ),
    "removed session": lambda folder: edit_event(folder, lambda each: each[2].pop("session_id")),
    "added session": lambda folder: edit_event(
        folder, lambda each: each[1].update(session_id=str(SESSION))
    ),
    "unknown field": lambda folder: edit_event(folder, lambda each: each[1].update(note="x")),
    "doubled field": lambda folder: edit_text(
        folder / "events.jsonl", '{"id"', '{"reason": "forged", "id"'
    ),
    "long salt": lambda folder: edit_event(
        folder, lambda each: each[0].update(target_salt="00" * 17)
    ),
    "spaced salt": lambda folder: edit_event(
        folder,
        lambda each: each[1].update(
            target_salt=f"{each[1]['target_salt'][:2]} {each[1]['target_salt'][2:]}"
        ),
    ),
    "salt of an erased part": lambda folder: edit_event(
        folder, lambda each: each[0].update(target_salt="ab" * 16)
    ),
    "empty value of an erased part": lambda folder: edit_event(
        folder, lambda each: each[0].update(after={"phone": ""})
    ),
    "no events": remove_events,
    "deep JSON": lambda folder: (folder / "events.jsonl").write_text("[" * 100_000),
    "removed event": lambda folder: edit_event(folder, lambda each: each.pop(1)),
    "doubled event": lambda folder: edit_event(folder, lambda each: each.insert(1, each[1])),
    "removed proof": lambda folder: proof_file(folder).unlink(),
    "swapped proofs": swap_proofs,
    "shortened proof": shorten_proof,
    "size": lambda folder: edit_text(folder / "checkpoint", "\n309\n", "\n310\n"),
    "unknown key": forge_key,
    "no signature": lambda folder: edit_text(folder / "checkpoint", "\n— ", "\n"),
}


def test_the_verifier_accepts_a_bundle_and_refuses_altered_ones(key, tmp_path):
    folder = account_bundle(tmp_path)
    for arguments in ((), ("--key", str(key.verifier))):
        done = run_verifier(folder, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "4 events are proven (1 with erased values, by their digest)" in done.stdout
    other = SigningKey.generate(ORIGIN)
    assert run_verifier(folder, "--key", str(other.verifier)).returncode == 1
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name, alter in ALTERATIONS.items():
        alter(folder)
        done = run_verifier(folder)
        assert (done.returncode, done.stdout) == (1, ""), name
        assert done.stderr.startswith("Not verified: "), done.stderr
        for path, content in kept.items():
            path.write_bytes(content)
    assert run_verifier(folder).returncode == 0


def test_a_bundle_from_before_there_were_sessions_is_proven(key, tmp_path):
    make_events(2)
    grow(1)
    write(tmp_path / "evidence.zip")
    folder = unpack(tmp_path / "evidence.zip", tmp_path / "bundle")
    edit_event(folder, lambda events: [event.pop("session_id") for event in events])
    keys = [verify.read_key(str(key.verifier))]
    assert "3 events are proven" in verify.check_bundle(folder, keys)


def test_a_bundle_has_no_redacted_text(key, tmp_path):
    """The digest of a redacted part proves only the original."""
    with in_session():
        [event] = make_events(1)
    grow(2)
    with transaction.atomic():
        redact_events({event.pk: {"reason": f"{ERASED_TEXT} 0", "actor_text": ERASED_TEXT}})
    grow(1)
    write(tmp_path / "evidence.zip", "--filter", f"action={event.action}")
    folder = unpack(tmp_path / "evidence.zip", tmp_path / "bundle")
    lines = (folder / "events.jsonl").read_text()
    assert ERASED_TEXT not in lines
    assert str(SESSION) not in lines
    keys = [verify.read_key(str(key.verifier))]
    assert "1 with erased values" in verify.check_bundle(folder, keys)


def test_the_bundle_of_an_account_among_ten_million_events_is_small(key, tmp_path, monkeypatch):
    """An account has rarely more than 40 events. Proofs are as long as in the large tree."""
    ada = make_user()
    make_events(40, target=ada)
    grow(1)
    path = [bytes([step]) * HASH_SIZE for step in range(DEEP_PROOF)]
    monkeypatch.setattr("users.audit.tree.proofs.inclusion_proof", lambda *_: path)
    event = AuditEvent.objects.get(chain_position=1)
    assert len(event_proof(event)) <= 2048
    file = tmp_path / "evidence.zip"
    write(file, "--filter", f"target={ada.pk}")
    with ZipFile(file) as bundle:
        # Hashes can't be compressed, so their size is counted as it is.
        sizes = [
            each.file_size if each.filename.startswith("proofs/") else each.compress_size
            for each in bundle.infolist()
        ]
        overhead = file.stat().st_size - sum(each.compress_size for each in bundle.infolist())
    assert sum(sizes) + overhead <= 100_000


def test_who_wrote_a_bundle_is_recorded(key, settings, tmp_path):
    settings.TICKET_FIELD = "required"
    make_events(2)
    grow(1)
    make_events(1)
    file = tmp_path / "evidence.zip"
    with pytest.raises(CommandError, match="--ticket: Enter a ticket"):
        write(file)
    assert write(file, "--ticket", "SUP-7") == f"{file}: 3 events (all events).\n"
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.reason, event.ticket, event.after["rows"]) == (
        "audit.bundle_written",
        "Case 7",
        "SUP-7",
        3,
    )
    settings.TICKET_FIELD = "optional"
    with pytest.raises(CommandError, match="exists"):
        write(file)
    with pytest.raises(CommandError, match="filter is wrong"):
        write(tmp_path / "other.zip", "--filter", "colour=red")


def test_without_a_checkpoint_there_is_no_bundle(key, tmp_path):
    make_events(1)
    file = tmp_path / "evidence.zip"
    with pytest.raises(CommandError, match="no signed checkpoint yet"):
        write(file)
    assert not file.exists()
    assert not SignedCheckpoint.objects.exists()


def test_without_events_there_is_no_bundle(key, tmp_path):
    grow(2)
    with pytest.raises(CommandError, match="no matching event is covered"):
        write(tmp_path / "evidence.zip", "--filter", "target=424242")
    assert not (tmp_path / "evidence.zip").exists()


def test_a_job_makes_a_bundle_whose_checkpoint_is_cosigned_later(key, client, tmp_path):
    auditor = make_user("Auditor")
    client.force_login(auditor)
    ada = make_user()
    make_events(2, target=ada)
    grow(3)
    text = SignedNote.parse(latest_checkpoint().note).text
    cosignature = str(SigningKey.generate("witness.example").sign_text(text))
    [later] = make_events(1, target=ada)
    path = f"/audit/export/?target={ada.pk}"
    sent = form(client.get(path), path) | {"format": "zip", "reason": "Case 7"}
    client.post(path, sent)
    job = work(Job.objects.get())
    assert (job.state, job.unchanged) == ("done", 2)
    store_cosignature(latest_checkpoint(), cosignature)
    response = client.get(f"/exports/{job.export.pk}/file/")
    assert response["Content-Type"] == "application/zip"
    content = b"".join(response)
    assert len(content) == int(response["Content-Length"])
    file = tmp_path / "evidence.zip"
    file.write_bytes(content)
    folder = unpack(file, tmp_path / "bundle")
    assert str(later.pk) not in {name.stem for name in (folder / "proofs").iterdir()}
    assert "2 events are proven" in run_verifier(folder).stdout
    assert (folder / "checkpoint").read_text().endswith(cosignature)


def test_a_bundle_needs_a_checkpoint_and_the_right_to_see_values(key, client, monkeypatch):
    auditor = make_user("Auditor")
    make_events(1)
    start = partial(start_event_export, "", file_format="zip", reason="Case 7")
    with pytest.raises(JobRefused, match="No signed checkpoint"):
        start(by=auditor)
    grow(1)
    monkeypatch.setattr(export_job, "MAX_BUNDLE_EVENTS", 1)
    with pytest.raises(JobRefused, match="up to 1 events"):
        start(by=auditor)
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="view_personal"))
    masked = User.objects.get(pk=auditor.pk)
    with pytest.raises(access.Denied):
        start(by=masked)
    client.force_login(masked)
    choices = read(client.get("/audit/export/")).one("form", method="post").text
    assert "Evidence bundle (zip)" not in choices
