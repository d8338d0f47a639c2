"""Rollcall's settings without a page cache, for the pass that counts queries."""

from benchmarks.cold import *  # noqa: F403
from benchmarks.cold import MIDDLEWARE

MIDDLEWARE = ["benchmarks.counting.CountMiddleware", *MIDDLEWARE]
