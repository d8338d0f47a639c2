"""Signed notes: public vectors, and a second implementation that verifies what is signed here."""

import pytest

from tests.audit.tree import reference
from users.audit.tree.notes import (
    COSIGNATURE,
    CheckpointText,
    NoteError,
    SignedNote,
    VKey,
    encode_base64,
)
from users.audit.tree.signatures import SigningKey, note_signers

pytestmark = pytest.mark.sqlite  # of text, and not of the database

# The example of the specification.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The public test key of Go's package sumdb/note, with its private part.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
PETER_NOTE = f"{PETER_TEXT}\n{PETER_LINE}"
SIZE_FIVE = f"example.com/log\n5\n{encode_base64(bytes(32))}\n"


@pytest.mark.parametrize(("vkey", "raw"), [(FOO, FOO_NOTE), (PETER, PETER_NOTE)])
def test_the_public_vectors_verify_and_no_changed_character_does(vkey, raw):
    key = VKey.parse(vkey)
    assert str(key) == vkey
    note = SignedNote.parse(raw)
    assert str(note) == raw
    assert note_signers(note, [key]) == [key]
    assert reference.note_verifies(vkey.encode(), raw.encode())
    with pytest.raises(NoteError, match="is not valid"):
        note_signers(SignedNote.parse("X" + raw[1:]), [key])
    assert not reference.note_verifies(vkey.encode(), b"X" + raw[1:].encode())


def test_signing_gives_the_bytes_of_the_public_vector():
    key = SigningKey.parse(PETER_SECRET)
    assert key.secret_text() == PETER_SECRET
    assert "EKFALV" not in repr(key)
    assert str(SignedNote(PETER_TEXT, (key.sign_text(PETER_TEXT),))) == PETER_NOTE


def test_a_second_implementation_verifies_a_checkpoint_and_its_cosignature():
    log = SigningKey.generate("example.com/log")
    witness = SigningKey.generate("witness.example.com", COSIGNATURE)
    signatures = (log.sign_text(SIZE_FIVE), witness.cosign_text(SIZE_FIVE, 1_800_000_000))
    note = SignedNote(SIZE_FIVE, signatures)
    keys = [log.verifier, witness.verifier]
    assert note_signers(SignedNote.parse(str(note)), keys) == keys
    for key in keys:
        assert reference.note_verifies(str(key).encode(), str(note).encode())
    other = SigningKey.generate("example.com/log")
    assert note_signers(note, [other.verifier]) == []
    assert not reference.note_verifies(str(other.verifier).encode(), str(note).encode())
    later = str(note).replace("\n5\n", "\n6\n")
    for key in keys:
        with pytest.raises(NoteError):
            note_signers(SignedNote.parse(later), [key])
        assert not reference.note_verifies(str(key).encode(), later.encode())


def test_a_signature_of_a_known_key_that_is_wrong_spoils_the_note():
    key = SigningKey.generate("example.com/log")
    right = key.sign_text(SIZE_FIVE)
    wrong = right._replace(content=bytes(64))
    for signatures in ((right, wrong), (wrong,), (right._replace(content=b"short"),)):
        with pytest.raises(NoteError):
            note_signers(SignedNote(SIZE_FIVE, signatures), [key.verifier])


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "text\n",
        PETER_TEXT + PETER_LINE,
        PETER_NOTE[:-1],
        PETER_NOTE.replace("— ", "- "),
        PETER_NOTE.replace("PeterNeumann ", "Peter+Neumann "),
        PETER_NOTE.replace("PeterNeumann ", " "),
        PETER_NOTE.replace("AM=", "AM"),
        PETER_NOTE.replace("AM=", "AN="),
        PETER_NOTE.replace("think", "thi\x00nk"),
        PETER_NOTE + "\n",
        f"{PETER_TEXT}\n" + 101 * PETER_LINE,
        "x" * 100_001 + f"\n\n{PETER_LINE}",
    ],
)
def test_what_is_no_note_is_refused(raw):
    with pytest.raises(NoteError):
        SignedNote.parse(raw)


def test_a_note_may_have_empty_lines_in_its_text():
    key = SigningKey.generate("example.com/log")
    text = "one\n\ntwo\n"
    note = SignedNote(text, (key.sign_text(text),))
    assert SignedNote.parse(str(note)) == note


@pytest.mark.parametrize(
    "text",
    [
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("+ARpc", "+ZRpc"),
        PETER[:-4],
        PETER.replace("PeterNeumann", ""),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        "PeterNeumann",
        "PeterNeumann+c74f20a3+",
        "",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(NoteError):
        VKey.parse(text)
    with pytest.raises(NoteError):
        SigningKey.parse(f"PRIVATE+KEY+{text}")
    with pytest.raises(NoteError):
        SigningKey.parse(text)


def test_a_checkpoint_is_read_as_it_was_written():
    checkpoint = CheckpointText("example.com/log", 5, bytes(32))
    assert str(checkpoint) == SIZE_FIVE
    assert CheckpointText.parse(SIZE_FIVE) == checkpoint
    extended = CheckpointText.parse(SIZE_FIVE + "extension\n")
    assert extended.extensions == ("extension",)
    assert str(extended) == SIZE_FIVE + "extension\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n5\n", "\n05\n"),
        ("\n5\n", "\n-5\n"),
        ("\n5\n", "\n5.0\n"),
        ("\n5\n", "\n٥\n"),
        ("\n5\n", f"\n1{'0' * 19}\n"),
        ("example.com/log", ""),
        ("AAAA=\n", "\n"),
        ("AAA=\n", "AAA=\n\n"),
        ("AAA=\n", "AAA="),
    ],
)
def test_what_is_no_checkpoint_is_refused(old, new):
    with pytest.raises(NoteError):
        CheckpointText.parse(SIZE_FIVE.replace(old, new))
