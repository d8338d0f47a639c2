"""The web server. `gunicorn --config site/gunicorn.conf.py wsgi` from the top of the checkout."""

import gc
import multiprocessing
import os

pythonpath = "site"
bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104  a platform's router comes from outside
worker_class = "users.health.web_worker.WebWorker"  # gthread, and a thread for probes
workers = int(os.environ.get("WEB_CONCURRENCY") or min(2 * multiprocessing.cpu_count() + 1, 8))
threads = 4
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 20_000  # recycles a worker before slow leaks matter
max_requests_jitter = 2_000
accesslog = None
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  gunicorn makes its files safely
# A web request must not hold the database for long; commands and workers have no such limit.
raw_env = [f"STATEMENT_TIMEOUT_MS={os.environ.get('STATEMENT_TIMEOUT_MS', '2000')}"]
# The application is loaded once and shared by the forked workers. It opens no connection before the
# fork.
preload_app = True


def when_ready(server):
    """Moves all objects made so far out of the garbage collector's sight, so that forked pages stay
    shared. And it looks less often at the many that a page makes and drops: fifty accounts are a
    thousand objects.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
