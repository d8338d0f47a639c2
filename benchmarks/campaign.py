"""Measures a campaign to a million accounts: queueing, counting, and a cancellation at half.

    python -m benchmarks.campaign --accounts 1200000

It fills a database of its own on a new PostgreSQL server, which it removes afterwards. Sending is
simulated by an update, because only the rows matter here.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.server import run_postgresql

ROOT = Path(__file__).parent.parent
CONSENT_SQL = """UPDATE users_user SET accepts_announcements = true,
    email_verified_at = coalesce(email_verified_at, date_joined) WHERE status = 'active'"""
SENT_SQL = """UPDATE users_message SET state = 'sent', sent_at = now(), attempts = 1
    WHERE id IN (SELECT id FROM users_message WHERE letter_id = %s ORDER BY id LIMIT %s)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollcall-campaign-") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        with run_postgresql(Path(folder) / "postgresql") as url:
            os.environ["DATABASE_URL"] = url
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
            for command in (["migrate"], ["createcachetable"]):
                manage(*command)
            manage("seed", "--accounts", str(options.accounts))
            measure_campaign()


def manage(*arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, check=True)


def measure_campaign() -> None:
    sys.path.insert(0, str(ROOT / "site"))
    import django

    django.setup()
    from django.db import connection

    from users import access
    from users.campaigns import counts, lifecycle, tasks
    from users.campaigns.models import Campaign
    from users.jobs import worker
    from users.jobs.models import Job
    from users.models import User

    with connection.cursor() as cursor:
        cursor.execute(CONSENT_SQL)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE users_user")
        cursor.execute("CHECKPOINT")
    by = User.objects.create_superuser("bench", "bench@example.com", None)
    campaign = lifecycle.create_campaign(
        by=by,
        values={
            "name": "Bench",
            "query": "all=1",
            "subject": "News",
            "text": "Dear {name}",
            "not_before": None,
            "hours": None,
            "per_minute": None,
        },
    )
    from users.campaigns.announcement_job import ANNOUNCE
    from users.jobs import engine

    assert access.may(by, ANNOUNCE.action)
    newest = User.objects.latest("pk").pk
    job = engine.start_job(
        ANNOUNCE.name,
        by=by,
        selection="all=1",
        words="all",
        up_to=newest,
        parameters={"campaign": campaign.pk},
    )
    Job.objects.filter(pk=job.pk).update(state="queued")
    Campaign.objects.filter(pk=campaign.pk).update(
        job_id=job.pk, state="queueing", started_at=job.created_at
    )
    started = time.monotonic()
    while worker.work_time_slice() is not None:
        pass
    seconds = time.monotonic() - started
    job.refresh_from_db()
    rate = job.unchanged / seconds
    print(f"selected {job.selected:,} queued {job.unchanged:,} skipped {job.skipped:,}")
    print(f"{seconds:.1f} s, {rate:,.0f} queued/s, {job.selected / seconds:,.0f} accounts/s")
    campaign.refresh_from_db()
    for name in ("cold", "warm"):
        report_count(name, counts, campaign)
    with connection.cursor() as cursor:
        cursor.execute(SENT_SQL, [campaign.letter_id, job.unchanged // 2])
    report_count("half sent", counts, campaign)
    started = time.monotonic()
    lifecycle.cancel_campaign(campaign, by=by)
    print(f"cancelled in {1000 * (time.monotonic() - started):.0f} ms")
    started = time.monotonic()
    runs = 0
    while tasks.unsent_messages(campaign.letter_id).exists():
        tasks.follow_campaigns()
        runs += 1
    seconds = time.monotonic() - started
    found = counts.count_messages(campaign.letter_id)
    print(f"dropped in {seconds:.1f} s, {runs} runs of the task: {found.rows}")
    assert found.total == job.unchanged, (found.total, job.unchanged)
    report_count("dropped", counts, campaign)


def report_count(name: str, counts, campaign) -> None:
    started = time.monotonic()
    found = counts.count_messages(campaign.letter_id)
    milliseconds = 1000 * (time.monotonic() - started)
    print(f"count ({name}): {milliseconds:.0f} ms, {found.rows}")


if __name__ == "__main__":
    main()
