"""Settings of Rollcall without a page cache and the optimisations that BENCH_WITHOUT names."""

from benchmarks.settings_cold import *  # noqa: F403
from benchmarks.settings_cold import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.plain_django.PlainDjango"]
