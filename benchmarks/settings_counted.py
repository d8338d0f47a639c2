"""Settings of Rollcall for the pass that counts queries."""

from settings import *  # noqa: F403
from settings import MIDDLEWARE

MIDDLEWARE = ["benchmarks.query_count.CountMiddleware", *MIDDLEWARE]
