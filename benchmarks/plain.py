"""Rollcall's settings without the tricks that BENCH_WITHOUT names."""

from settings import *  # noqa: F403
from settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.without.WithoutTricks"]
