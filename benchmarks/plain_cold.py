"""Rollcall's settings without a page cache and without the tricks that BENCH_WITHOUT names."""

from benchmarks.cold import *  # noqa: F403
from benchmarks.cold import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.without.WithoutTricks"]
