"""A drill: the database is restored to a moment, the audit trail verifies, and a later anchor names
what was lost.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.audit.tampering import sealed
from tests.deploy.restored import Backups
from tests.processes import ROOT, environment
from users.audit.anchors import write_anchor
from users.audit.models import AuditEvent, ChainHead

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.long,
]


def make_anchor(events: int) -> str:
    """Writes and seals events. Returns the anchor behind them."""
    sealed(events)
    ChainHead.objects.update(anchored_at=None)
    return write_anchor() + "\n"


def now() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()::text")
        return cursor.fetchone()[0]


def verify(url: str, anchors: Path) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "manage.py", "audit_verify", "--anchor", anchors],
        cwd=ROOT,
        env=environment(DATABASE_URL=url),
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def test_a_restored_database_verifies_and_a_later_anchor_names_the_loss(tmp_path):
    anchors = tmp_path / "anchors"
    # The path of a socket has at most 107 bytes; another account enters the folder.
    with tempfile.TemporaryDirectory(prefix="rollcall-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        backups = Backups(Path(folder))
        with backups.receiving_wal():
            backups.copy_data()
            anchors.write_text(make_anchor(2))
            moment = now()
            later = make_anchor(3)
            backups.archive_wal()
        with backups.restored_server(moment) as url:
            with psycopg.connect(url) as restored:
                count = restored.execute("SELECT count(*) FROM users_auditevent").fetchone()
            assert count == (2,)
            assert AuditEvent.objects.count() == 5
            code, text = verify(url, anchors)
            assert (code, text.splitlines()[-1][:8]) == (0, "2 events"), text
            anchors.write_text(anchors.read_text() + later)
            code, text = verify(url, anchors)
            assert code == 1
            assert "the events from position 3 on are missing." in text, text
