"""Texts of queued tasks: ours are read, all others are refused before anything is imported."""

import json
import pickle

import pytest
from django.core.signing import Signer
from django_q.signing import SignedPackage

from users.jobs.queue.payload import QueuedTask, RefusedTaskError, read_payload, write_payload

TASK = {"task": "users.jobs.tasks.record_beat", "ids": ["main"], "attempt": 1}


class Bomb:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (open, (str(self.file), "w"))


def test_a_task_is_read_as_it_was_written():
    task = QueuedTask("users.jobs.tasks.record_beat", ("main", 17), 2)
    assert read_payload(write_payload(task)) == task


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 1900,
        json.dumps(TASK) + " " * 2000,
        json.dumps(TASK | {"hook": "os.system"}),
        json.dumps(TASK | {"task": ["os.system"]}),
        json.dumps(TASK | {"ids": "id"}),
        json.dumps(TASK | {"ids": {"q_options": 1}}),
        json.dumps(TASK | {"ids": [["id"]]}),
        json.dumps(TASK | {"ids": [1.5]}),
        json.dumps(TASK | {"ids": [True]}),
        json.dumps(TASK | {"ids": [1] * 5}),
        json.dumps(TASK | {"attempt": "1"}),
        Signer().sign_object(TASK),
    ],
    ids=range(16),
)
def test_any_other_text_is_refused(payload):
    with pytest.raises(RefusedTaskError):
        read_payload(payload)


def test_a_pickle_is_not_loaded_even_if_it_is_signed(tmp_path):
    file = tmp_path / "owned"
    for payload in (SignedPackage.dumps(Bomb(file)), pickle.dumps(Bomb(file)).decode("latin1")):
        with pytest.raises(RefusedTaskError):
            read_payload(payload)
    assert not file.exists()
