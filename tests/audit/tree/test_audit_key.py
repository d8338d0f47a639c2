"""manage.py audit_key: keys are made, rotated with an overlap, retired and revoked."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.audit.tree.logs import grow
from users.audit.models import AuditEvent
from users.audit.tree.models import SignedCheckpoint, VerifierKey
from users.audit.tree.notes import SignedNote, VKey
from users.audit.tree.private_keys import read_signing_keys
from users.audit.tree.signatures import note_signers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path) -> Path:
    settings.AUDIT_KEY_FILE = str(tmp_path / "kept" / "audit-key")
    return Path(settings.AUDIT_KEY_FILE)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("audit_key", *arguments, stdout=output)
    return output.getvalue().strip()


def signers(checkpoint: SignedCheckpoint) -> list[str]:
    keys = [VKey.parse(row.vkey) for row in VerifierKey.objects.all()]
    return [str(key) for key in note_signers(SignedNote.parse(checkpoint.note), keys)]


def test_a_rotation_has_two_signatures_until_the_old_key_is_retired(settings, key_file):
    settings.SITE_URL = "https://rollcall.example.com:8443"
    old = run("generate")
    assert old.startswith("rollcall.example.com/audit/log+")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert signers(grow(2)) == [old]
    new = run("rotate")
    assert sorted(signers(grow(2))) == sorted([old, new])
    run("retire", VKey.parse(old).key_id.hex())
    assert signers(grow(2)) == [new]
    assert old not in [str(key.verifier) for key in read_signing_keys()]
    lines = run("show").splitlines()
    assert lines[0].startswith(f"{old}  from 0 to ")
    assert lines[0].endswith("(retired)")
    assert lines[1].startswith(f"{new}  from ")
    events = AuditEvent.objects.filter(action__startswith="audit.key_").order_by("pk")
    assert [(event.action, event.after["key"]) for event in events] == [
        ("audit.key_added", old),
        ("audit.key_added", new),
        ("audit.key_retired", old),
    ]


def test_a_stolen_key_is_replaced_at_once():
    stolen = run("generate", "--name", "log.example.com")
    grow(2)
    output = run("revoke", VKey.parse(stolen).key_id.hex())
    [key] = read_signing_keys()
    assert output.splitlines()[0] == str(key.verifier) != stolen
    assert signers(grow(1)) == [str(key.verifier)]
    assert VerifierKey.objects.get(vkey=stolen).revoked_at is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "--name", "a b"], "without spaces"),
        (["generate", "--name", "a+b"], "or plus signs"),
        (["rotate"], "can’t be read"),
        (["retire", "00000000"], "can’t be read"),
    ],
)
def test_what_is_not_possible_is_said(arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)
    assert not VerifierKey.objects.exists()


def test_the_only_key_is_neither_replaced_nor_retired(settings):
    key = VKey.parse(run("generate"))
    with pytest.raises(CommandError, match="exists"):
        run("generate")
    with pytest.raises(CommandError, match="only key"):
        run("retire", key.key_id.hex())
    with pytest.raises(CommandError, match="No key 00000000"):
        run("revoke", "00000000")
    settings.AUDIT_KEY_FILE = ""
    with pytest.raises(CommandError, match="AUDIT_KEY_FILE is not set"):
        run("rotate")
    assert run("show") == f"{key}  from 0 events"
