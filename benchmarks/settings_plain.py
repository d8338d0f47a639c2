"""Settings of Rollcall without the optimisations that BENCH_WITHOUT names.

Servers with and without an optimisation share a Redis. The key prefix keeps their entries apart.
"""

import os

from settings import *  # noqa: F403
from settings import CACHES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.plain_django.PlainDjango"]
PREFIX = f"{CACHES['pages'].get('KEY_PREFIX', '')} without {os.environ.get('BENCH_WITHOUT', '')}"
CACHES = CACHES | {"pages": CACHES["pages"] | {"KEY_PREFIX": PREFIX.replace(" ", "-")}}
