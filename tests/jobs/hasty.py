"""`manage.py worker` in a hurry, with the kinds of the tests: what takes half a minute in production takes a second or two.

python -m tests.jobs.hasty [hours that this host's clock is off]
"""

import sys
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "site"))
    import django

    django.setup()
    from django.utils import timezone

    from tests.jobs import kinds  # noqa: F401  registers them
    from users.jobs import queue, supervisor, turns

    if len(sys.argv) > 1:
        now = timezone.now
        timezone.now = lambda: now() + timedelta(hours=float(sys.argv[1]))
    supervisor.TICK, supervisor.BEAT, supervisor.SILENCE, supervisor.LONGEST_PAUSE = 0.2, 1, 8, 0
    turns.LEASE, turns.CHUNK = 1, 0.1
    turns.SHARE["sqlite"] = 0.05
    turns.LIMITS["idle_in_transaction_session_timeout"] = "2000"
    supervisor.Supervisor(queue.CLUSTERS).run()
