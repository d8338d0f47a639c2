"""The heap of a web process."""

import platform
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.sqlite,  # no database
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc has arenas"),
]
# Three threads that hold memory at the same time; malloc_stats prints each arena to stderr.
THREADS = """
import ctypes, threading
from users.health.web_worker import limit_arenas
if {limited}: limit_arenas()
held, barrier = [], threading.Barrier(3)
def hold():
    barrier.wait()
    held.append(bytes(5000))
    barrier.wait()
threads = [threading.Thread(target=hold) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.parametrize("limited", [True, False])
def test_threads_share_one_heap(limited):
    code = THREADS.format(limited=limited)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stderr.count("Arena ") == 1) is limited
