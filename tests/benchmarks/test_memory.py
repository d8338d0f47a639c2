"""bin/bench --memory: what it requests, and what it says of its samples."""

import os
from itertools import islice
from random import Random

import pytest

from benchmarks.memory import ACCOUNT_TABS, LIST_QUERIES, memory_report, process_pss, random_paths
from tests.builders import make_superuser


@pytest.mark.django_db
def test_each_path_is_a_page(client):
    root = make_superuser(username="bench")
    client.force_login(root)
    paths = {*islice(random_paths(Random(1)), 40)}
    paths |= {f"/users/{query}" for query in LIST_QUERIES}
    paths |= {f"/users/{root.pk}/{tab}" for tab in ACCOUNT_TABS}
    assert {client.get(path).status_code for path in paths} == {200}


@pytest.mark.sqlite  # no database
def test_growth_is_counted_after_the_caches_are_full():
    report = memory_report([(0.0, 80.0), (5.0, 300.0), (20.0, 301.5)])
    assert report.data["growth"] == 1.5
    assert report.text.endswith("growth after minute 5: +1.5 MB")
    assert process_pss(os.getpid()) > 0
