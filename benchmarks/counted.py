"""Rollcall's settings for the pass that counts queries."""

from settings import *  # noqa: F403
from settings import MIDDLEWARE

MIDDLEWARE = ["benchmarks.counting.CountMiddleware", *MIDDLEWARE]
