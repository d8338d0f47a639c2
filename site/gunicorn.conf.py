"""The web server: `gunicorn --config site/gunicorn.conf.py wsgi`, at the root of the checkout."""

import gc
import multiprocessing
import os

pythonpath = "site"
# The router of a hosting platform connects from outside of the machine.
host = os.environ.get("HOST", "0.0.0.0")  # noqa: S104
bind = f"{host}:{os.environ.get('PORT', '8000')}"
# gthread with a thread for probes.
worker_class = "users.health.web_worker.WebWorker"
workers = int(os.environ.get("WEB_CONCURRENCY") or min(2 * multiprocessing.cpu_count() + 1, 8))
threads = 4
timeout = 30
graceful_timeout = 20
keepalive = 5
# Workers are replaced before slow memory leaks matter.
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None
control_socket_disable = True
# Gunicorn creates its files there safely.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# A web request must not occupy the database for long; commands and workers have no such limit.
raw_env = [f"STATEMENT_TIMEOUT_MS={os.environ.get('STATEMENT_TIMEOUT_MS', '2000')}"]
# Loads the application once, shared by the forked workers. No connection is open at the fork.
preload_app = True
gc.disable()  # until it is loaded: UsersConfig.ready


def post_fork(server, worker):
    """Gives the process the lowest free slot for its metrics."""
    # Imports Django's settings, which the application has loaded.
    from users.metrics.slots import take_slot

    take_slot()


def post_request(worker, request, environ, response):
    """Receives what no view has read. Gunicorn's hook, called after the response was sent."""
    from users.health.web_worker import discard_unread_body

    discard_unread_body(environ, response)


def when_ready(server):
    """Exempts all existing objects from garbage collection, so that forked memory stays shared.

    It also makes collections rarer, because a page with fifty accounts creates and drops a thousand
    objects.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
