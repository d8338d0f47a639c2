"""Rollcall's settings without the tricks that BENCH_WITHOUT names.

Servers with and without a trick share a Redis in one run. Each finds its own entries alone.
"""

import os

from settings import *  # noqa: F403
from settings import CACHES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.without.WithoutTricks"]
PREFIX = f"{CACHES['pages'].get('KEY_PREFIX', '')} without {os.environ.get('BENCH_WITHOUT', '')}"
CACHES = CACHES | {"pages": CACHES["pages"] | {"KEY_PREFIX": PREFIX.replace(" ", "-")}}
