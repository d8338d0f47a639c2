"""The witness: what it answers to each request, and a fork that it refuses in its own process."""

import json
from hashlib import sha256
from urllib.request import urlopen

import pytest

from tests.audit.tree import reference
from tests.processes import ROOT, running, until
from users.audit.tree.notes import COSIGNATURE, CheckpointText, SignedNote
from users.audit.tree.signatures import SigningKey
from users.audit.tree.witness import Witness
from users.audit.tree.witness_client import (
    SIZE_TYPE,
    WitnessError,
    add_checkpoint_body,
    conflicting_size,
)
from users.outbound.limited_requests import Reply, post_body

pytestmark = pytest.mark.sqlite  # of a process without a database

ORIGIN = "example.com/log"
LOG = SigningKey.generate(ORIGIN)
DATA = [bytes([number]) for number in range(20)]
FORK = [*DATA[:2], b"another", *DATA[3:]]


@pytest.fixture
def witness(tmp_path) -> Witness:
    key = SigningKey.generate("witness.example.com", COSIGNATURE)
    return Witness(key, [LOG.verifier], tmp_path, clock=lambda: 1_800_000_000.5)


def note(data: list[bytes], key: SigningKey = LOG, origin: str = ORIGIN, root: bytes = b"") -> str:
    text = str(CheckpointText(origin, len(data), root or reference.mth(data)))
    return str(SignedNote(text, (key.sign_text(text),)))


def request(data: list[bytes], old: int, **fields) -> bytes:
    proof = reference.proof(old, data) if 0 < old <= len(data) else []
    return add_checkpoint_body(old, fields.pop("proof", proof), note(data, **fields))


def test_it_cosigns_growth_at_its_time_and_remembers_it(witness, tmp_path):
    for old, size in ((0, 3), (3, 3), (3, 10), (10, 20)):
        reply = witness.add_checkpoint(request(DATA[:size], old))
        assert reply.status == 200, reply
        signed = note(DATA[:size]).encode() + reply.body
        assert reference.note_verifies(str(witness.key.verifier).encode(), signed)
    again = Witness(witness.key, witness.logs, tmp_path)
    assert again.last_checkpoint(ORIGIN).size == 20
    digest = sha256(ORIGIN.encode()).hexdigest()
    assert json.loads((tmp_path / f"{digest}.json").read_text())["note"].encode() == signed


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (request(DATA[:5], 0), 409, b"3\n"),
        (request(DATA[:5], 2), 409, b"3\n"),
        (request(FORK[:5], 3), 422, b"consistency proof"),
        (request(FORK[:3], 3), 422, b"consistency proof"),
        (request(DATA[:5], 3, proof=[]), 422, b"consistency proof"),
        (request(DATA[:5], 3, proof=[bytes(32)]), 422, b"consistency proof"),
        (request(DATA[:3], 3, proof=[bytes(32)]), 422, b"consistency proof"),
        (request(DATA[:2], 3), 400, b"old size"),
        (request(DATA[:5], 3, proof=[bytes(32)] * 64), 400, b"bad request"),
        (request(DATA[:5], 3, key=SigningKey.generate(ORIGIN)), 403, b"no signature"),
        (request(DATA[:5], 3, origin="example.org"), 404, b"unknown log"),
        (request(DATA[:5], 3).replace(b"\n5\n", b"\n6\n"), 403, b"invalid signature"),
        (request(DATA[:5], 3).replace(b"old 3", b"old 03"), 400, b"bad request"),
        (request(DATA[:5], 3).replace(b"old 3", b"new 3"), 400, b"bad request"),
        (b"", 400, b"bad request"),
        (b"\xff", 400, b"bad request"),
    ],
)
def test_it_refuses_everything_else_as_the_specification_says(witness, body, status, text):
    witness.add_checkpoint(request(DATA[:3], 0))
    reply = witness.add_checkpoint(body)
    assert reply.status == status
    assert text in reply.body
    assert reply.content_type == ("text/x.tlog.size" if status == 409 else reply.content_type)
    assert witness.last_checkpoint(ORIGIN).size == 3


def test_an_empty_tree_has_one_root(witness):
    assert witness.add_checkpoint(request([], 0, root=bytes(32))).status == 422
    assert witness.add_checkpoint(request([], 0)).status == 200
    assert witness.add_checkpoint(request(DATA[:3], 0, proof=[bytes(32)])).status == 422
    assert witness.add_checkpoint(request(DATA[:3], 0)).status == 200


def test_a_second_process_accepts_growth_and_refuses_a_fork(tmp_path):
    command = ["python", ROOT / "manage.py", "audit_witness", tmp_path / "witness", "--port", "0"]
    command += ["--name", "witness.example.com", "--log", str(LOG.verifier)]
    with running(command, tmp_path) as process:
        until(lambda: "Listening on" in process.said(), 60)
        vkey, line = process.said().splitlines()[-2:]
        url = line.split()[-1]
        reply = post_body(f"{url}/add-checkpoint", request(DATA[:3], 0))
        assert reply.status == 200
        assert reference.note_verifies(vkey.encode(), note(DATA[:3]).encode() + reply.body)
        assert post_body(f"{url}/add-checkpoint", request(DATA[:9], 3)).status == 200
        assert post_body(f"{url}/add-checkpoint", request(FORK, 9)).status == 422
        conflict = post_body(f"{url}/add-checkpoint", request(FORK, 3))
        assert (conflict.status, conflict.body) == (409, b"9\n")
        assert post_body(f"{url}/other", b"").status == 404
        digest = sha256(ORIGIN.encode()).hexdigest()
        with urlopen(f"{url}/{digest}/checkpoint") as answer:
            assert reference.note_verifies(vkey.encode(), answer.read())


def test_a_size_that_no_log_can_have_is_no_answer():
    assert conflicting_size(Reply(409, SIZE_TYPE, b"%d\n" % (2**63 - 1))) == 2**63 - 1
    with pytest.raises(WitnessError):
        conflicting_size(Reply(409, SIZE_TYPE, b"9999999999999999999\n"))
