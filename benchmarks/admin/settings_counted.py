"""Settings of the peers for the pass that counts queries."""

from benchmarks.admin.settings import *  # noqa: F403
from benchmarks.admin.settings import MIDDLEWARE

MIDDLEWARE = ["benchmarks.query_count.CountMiddleware", *MIDDLEWARE]
