"""Settings of Rollcall without a page cache, for the pass that counts queries."""

from benchmarks.settings_cold import *  # noqa: F403
from benchmarks.settings_cold import MIDDLEWARE

MIDDLEWARE = ["benchmarks.query_count.CountMiddleware", *MIDDLEWARE]
