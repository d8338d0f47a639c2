"""bin/bench --profile CASE: where the time of one case goes, as a page of pyinstrument.

The requests are made in this process, without a web server, and after a first one.
"""

import argparse
from pathlib import Path

from django.core.cache import caches
from django.test import Client
from pyinstrument import Profiler

from benchmarks.cases import Case, all_cases
from users.models import User

INTERVAL = 0.0002  # seconds between two samples


def profile_case(options: argparse.Namespace) -> str:
    """Returns a line that names the file. Raises SystemExit if no case has that name."""
    cases = all_cases(User.objects.count())
    found = [case for case in cases if options.profile in case.name and not case.edits]
    if not found:
        raise SystemExit(f"No case has “{options.profile}” in its name.")
    path = write_profile(found[0], options.repeats, options.keep / "profile.html")
    return f"{found[0].name}: {path}"


def write_profile(case: Case, repeats: int, file: Path) -> Path:
    """Writes the profile of `repeats` requests, each for a page that no cache has."""
    superuser = User.objects.filter(is_superuser=True).order_by("pk").first()
    superuser = superuser or User.objects.create_superuser("bench")
    client = Client(HTTP_HOST="localhost")
    client.force_login(superuser, backend="users.signin.auth_backend.Backend")
    account = User.objects.order_by("-pk").values_list("pk", flat=True)[0]
    address = case.paths["rollcall"].replace("{pk}", str(account))
    client.get(address)
    profiler = Profiler(interval=INTERVAL)
    with profiler:
        for _ in range(repeats):
            caches["pages"].clear()
            client.get(address)
    file.write_text(profiler.output_html())
    return file
