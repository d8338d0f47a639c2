#!/usr/bin/env python3
"""Verifies an evidence bundle of Rollcall without Rollcall and without a network.

    python3 verify.py [FOLDER] [--key VERIFIER_KEY]

It needs Python 3.9 or newer and the package cryptography, and imports nothing of Rollcall. FOLDER
is the unpacked bundle, by default the one that this file is in. Give the verifier key that you have
from elsewhere with --key: the one in the bundle proves only that the bundle is consistent.

Each event is hashed, and its proof (C2SP tlog-proof) must lead from this hash to the root of the
checkpoint (C2SP tlog-checkpoint), which the key must have signed. Exit code 0: all events are
proven; 1: the message names what is wrong.
"""

import argparse
import json
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHAIN_VERSION = b"rollcall audit 1"
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
SIGNATURE_PREFIX = "\u2014 "
TARGET_VALUES = ("target_text", "before", "after", "reason", "ticket")
ACTOR_VALUES = ("actor_text", "ip", "user_agent")
PUBLIC = ("id", "at", "action", "actor_id", "target_id", "target_version", "request_id", "job_id")
PARTS = {"target": TARGET_VALUES, "actor": ACTOR_VALUES}
FIELDS = {"chain_position", "chain_previous", *PUBLIC, *TARGET_VALUES, *ACTOR_VALUES}
FIELDS |= {f"{part}_{name}" for part in PARTS for name in ("digest", "salt")}
# What reading a file raises that is missing or not well-formed.
FILE_ERRORS = (OSError, KeyError, IndexError, RecursionError, TypeError, ValueError)
# A value of the actor that bundles of earlier releases don't have.
SESSION = "session_id"


class Refusal(Exception):
    """The bundle proves nothing; the message says why."""


def decode_text(text):
    """Returns the bytes of canonical base64."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise Refusal("a text is not base64") from None
    if b64encode(data).decode() != text:
        raise Refusal("a text is not canonical base64")
    return data


def packed_json(values):
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


# --- events ---------------------------------------------------------------------------------------


def read_event(line):
    """Returns the event of a line. Raises Refusal if it has a field that no hash covers."""
    event = json.loads(line, object_pairs_hook=read_object)
    if set(event) | {SESSION} != FIELDS | {SESSION}:
        raise Refusal("a line has other fields than an event")
    if not isinstance(event["before"], dict) or not isinstance(event["after"], dict):
        raise Refusal("the fields of a line are not well-formed")
    return event


def read_object(pairs):
    """Returns a JSON object. Raises Refusal if it has a field twice."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Refusal("a line has a field twice")
    return values


def sized_bytes(text, size):
    data = bytes.fromhex(text)
    # Python also reads capital letters, and spaces in between.
    if len(data) != size or data.hex() != text:
        raise Refusal("a hash or salt has the wrong length")
    return data


def value_digest(event, part):
    """Returns the digest of the values of a part, or the kept one of erased or redacted values.

    A kept digest says nothing about values or a salt beside it, so there must be none.
    """
    values = [event[name] for name in PARTS[part]]
    if part == "actor" and event.get(SESSION) is not None:
        values.append(event[SESSION])
    salt = sized_bytes(event[part + "_salt"], 16)
    kept = event[part + "_digest"]
    if kept is None:
        return sha256(salt + packed_json(values)).digest()
    if any(salt) or not all(is_removed(name, event[name]) for name in PARTS[part]):
        raise Refusal(f"the values of its {part} were erased, but it has some")
    return sized_bytes(kept, 32)


def is_removed(name, value):
    """Returns whether a field has what is left of an erased value."""
    if isinstance(value, dict):
        return all(each is None for each in value.values())
    return value is None if name == "ip" else value == ""


def hash_event(event):
    """Returns the hash of an event, which is a leaf of the tree."""
    public = [event["chain_position"]] + [event[name] for name in PUBLIC]
    public += [sorted(event["before"]), sorted(event["after"])]
    content = [
        CHAIN_VERSION,
        sized_bytes(event["chain_previous"], 32),
        value_digest(event, "target"),
        value_digest(event, "actor"),
        packed_json(public),
    ]
    return sha256(b"".join(content)).digest()


# --- the checkpoint -------------------------------------------------------------------------------


def read_key(text):
    """Returns name, key ID and public key of <name>+<key ID>+<base64>."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise Refusal("the verifier key is not well-formed")
    name, key_id, encoded = parts
    material = decode_text(encoded)
    own_id = sha256(name.encode() + b"\n" + material).hexdigest()[:8]
    if own_id != key_id or material[:1] != b"\x01" or len(material) != 33:
        raise Refusal("the verifier key is not well-formed")
    return name, bytes.fromhex(key_id), material[1:]


def read_checkpoint(note, keys):
    """Returns size and root of a checkpoint that one of the keys has signed."""
    text, gap, lines = note.rpartition("\n\n")
    text += "\n"
    head = text.split("\n")
    if not gap or len(head) < 4:
        raise Refusal("the checkpoint is not well-formed")
    signed = False
    for line in lines.splitlines():
        name, _, encoded = line[len(SIGNATURE_PREFIX) :].partition(" ")
        if not line.startswith(SIGNATURE_PREFIX):
            raise Refusal("a signature line is not well-formed")
        content = decode_text(encoded)
        for key_name, key_id, public in keys:
            if (name, content[:4]) != (key_name, key_id) or head[0] != key_name:
                continue
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(content[4:], text.encode())
            except InvalidSignature:
                raise Refusal("the signature of the checkpoint is not valid") from None
            signed = True
    if not signed:
        raise Refusal("the checkpoint is not signed by the key")
    if not head[1].isdigit():
        raise Refusal("the checkpoint is not well-formed")
    return int(head[1]), decode_text(head[2])


# --- the proofs -----------------------------------------------------------------------------------


def join_nodes(left, right):
    return sha256(b"\x01" + left + right).digest()


def proven_root(leaf, index, size, path):
    """Returns the root to which a proof leads from a leaf (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise Refusal("the proof is for a leaf outside of the tree")
    node = sha256(b"\x00" + leaf).digest()
    last = size - 1
    for other in path:
        if last == 0:
            raise Refusal("the proof is too long")
        if index & 1 or index == last:
            node = join_nodes(other, node)
            while index and not index & 1:
                index >>= 1
                last >>= 1
        else:
            node = join_nodes(node, other)
        index >>= 1
        last >>= 1
    if last:
        raise Refusal("the proof is too short")
    return node


def check_proof(event, proof, checkpoint, keys):
    """Raises Refusal unless the proof leads from the event to the checkpoint."""
    head, gap, note = proof.partition("\n\n")
    lines = head.split("\n")
    position = event["chain_position"]
    if not gap or lines[0] != PROOF_HEADER or lines[1] != f"index {position - 1}":
        raise Refusal("the proof is not one of its position")
    if note != checkpoint:
        raise Refusal("the proof has another checkpoint")
    size, root = read_checkpoint(note, keys)
    path = [decode_text(line) for line in lines[2:]]
    if proven_root(hash_event(event), position - 1, size, path) != root:
        raise Refusal("the event or its proof was changed")


def check_bundle(folder, keys):
    """Returns a sentence about the bundle. Raises Refusal."""
    checkpoint = (folder / "checkpoint").read_text(encoding="utf-8")
    size, _ = read_checkpoint(checkpoint, keys)
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").split("\n")
    proofs = {path.name for path in (folder / "proofs").iterdir()}
    kept = 0
    for line in filter(None, lines):
        event = read_event(line)
        name = f"{event['id']}.tlog-proof"
        if name not in proofs:
            raise Refusal(f"event {event['id']} has no proof")
        proofs.remove(name)
        try:
            proof = (folder / "proofs" / name).read_text(encoding="utf-8")
            check_proof(event, proof, checkpoint, keys)
        except Refusal as refusal:
            raise Refusal(f"event {event['id']}: {refusal}") from None
        kept += any(event[part + "_digest"] is not None for part in PARTS)
    if proofs:
        raise Refusal(f"{sorted(proofs)[0]} is the proof of an event that is missing")
    number = len(list(filter(None, lines)))
    if not number:
        raise Refusal("the bundle has no events")
    erased = f" ({kept} with erased values, by their digest)" if kept else ""
    proven = "1 event is" if number == 1 else f"{number} events are"
    return f"{proven} proven{erased} by the checkpoint of {size} events."


def main():
    parser = argparse.ArgumentParser(description="Verifies an evidence bundle.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(__file__).parent,
    )
    parser.add_argument("--key", action="append", help="a verifier key that you trust")
    options = parser.parse_args()
    try:
        stored = (options.folder / "verifier-key").read_text(encoding="utf-8").split()
        keys = [read_key(text) for text in options.key or stored]
        sys.stdout.write(check_bundle(options.folder, keys) + "\n")
    except (Refusal, *FILE_ERRORS) as error:
        sys.stderr.write(f"Not verified: {error}\n")
        return 1
    if not options.key:
        sys.stdout.write("Compare the verifier key with a copy that you obtained elsewhere.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
