"""Hashes of other systems: how they are stored, checked and refused."""

from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

import settings as production
from tests.passwords.hash_cases import (
    KEY_OF_CSV,
    PASSWORD,
    base64_text,
    firebase_hashes,
    other_hashes,
    vector_hashes,
)
from users.passwords.cost_limits import HASH_LENGTH
from users.passwords.foreign_hashes import (
    ForeignHashError,
    count_hash_kinds,
    encode_firebase_scrypt,
    encode_foreign_hash,
    encode_keycloak,
    encode_keycloak_credential,
    hash_plain,
    read_firebase_parameters,
)
from users.passwords.hash_registry import ALL_HASHERS, HASHERS
from users.passwords.hashers import bounded_hasher
from users.sessions.sign_in_events import is_checkable_hash

pytestmark = pytest.mark.sqlite  # no database

BCRYPT_REST = "." * 53
PHPASS = "$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01"
FBSCRYPT = f"$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk={KEY_OF_CSV.signer_key}$c2FsdA==${{}}"


@pytest.fixture(autouse=True)
def production_hashers(settings):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS


@pytest.fixture
def quick_refusal(monkeypatch):
    """Leaves out the hash that a refusal computes to take its usual time."""
    monkeypatch.setattr(bounded_hasher, "make_password", lambda _: "")


def test_the_settings_list_every_hasher_that_imports_use():
    paths = [f"{type(each).__module__}.{type(each).__qualname__}" for each in ALL_HASHERS]
    assert paths == production.PASSWORD_HASHERS
    assert len(HASHERS) == len(ALL_HASHERS)


def test_every_vector_verifies_and_no_other_password_does(samples):
    for name, (password, encoded) in vector_hashes(samples).items():
        assert check_password(password, encoded), name
        assert not check_password(password + "x", encoded), name
        assert len(encoded) <= HASH_LENGTH, name


def test_every_row_of_firebases_own_tests_verifies_without_the_signer_key(samples):
    hashes = firebase_hashes(samples)
    assert len(hashes) == 13
    for password, encoded in hashes:
        assert check_password(password, encoded), password
        assert KEY_OF_CSV.signer_key[:20] not in encoded
    assert not check_password(hashes[0][0], hashes[1][1])


def test_every_other_kind_verifies_is_stored_and_imported_again(quick_refusal):
    for name, encoded in other_hashes().items():
        assert check_password(PASSWORD, encoded), name
        assert not check_password("other", encoded), name
        assert not check_password("\ud800", encoded), name
        assert len(encoded) <= HASH_LENGTH, name
        assert encode_foreign_hash(f" {encoded}\n") == encoded, name


def test_only_72_bytes_of_a_password_count_for_bcrypt_as_everywhere():
    encoded = "bcrypt$$2b$04$" + BCRYPT_REST
    hasher = identify_hasher(encoded)
    encoded = hasher.encode("ä" * 36, b"$2b$04$" + b"." * 22)
    assert check_password("ä" * 36 + "more", encoded)
    assert not check_password("ä" * 35, encoded)


def test_kinds_are_counted_for_the_report(samples):
    vectors = [encoded for _, encoded in vector_hashes(samples).values()]
    encoded = [*vectors, *other_hashes().values(), encode_foreign_hash(""), "md5$salt$hash"]
    assert count_hash_kinds(encoded) == {
        "Argon2": 3,
        "bcrypt": 3,
        "Django bcrypt": 1,
        "Django PBKDF2": 2,
        "Django PBKDF2 with SHA-1": 1,
        "Django scrypt": 1,
        "Firebase scrypt": 1,
        "Keycloak PBKDF2": 3,
        "PBKDF2": 2,
        "phpass": 1,
        "WordPress bcrypt": 1,
        "no password": 1,
        "unknown": 1,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5 hashes are too weak"),
        ("md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "MD5 hashes are too weak"),
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "MD5 hashes are too weak"),
        ("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8", "SHA-1 hashes are too weak"),
        ("sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA-1 hashes are too weak"),
        ("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", "SHA-1 hashes are too weak"),
        ("{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "SHA-1 hashes are too weak"),
        ("$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MT", "of this kind"),
        ("hunter2", "of this kind"),
        ("$2b$10$short", "bcrypt hash is incomplete"),
        ("$2x$10$" + BCRYPT_REST, "bcrypt hash is incomplete"),
        ("$wp$2y$10$short", "WordPress bcrypt hash is incomplete"),
        (PHPASS[:-1], "phpass hash is incomplete"),
        ("$argon2id$v=19$m=64,t=1$c2FsdHNhbHQ$aGFzaA", "Argon2 hash is incomplete"),
        ("$argon2id$v=19$m=64,t=1,p=1$" + "c" * 60 + "$" + "h" * 60, "Argon2 hash is too long"),
        ("$pbkdf2-sha3$1000$c2FsdA$" + "h" * 43, "PBKDF2 hash is incomplete"),
        ("$pbkdf2-sha256$1000$c2FsdA$aGFzaA", "PBKDF2 hash is incomplete"),
        ("$pbkdf2-sha256$1000$c2Fsd*$" + "h" * 43, "hash is incomplete"),
        ("pbkdf2_sha256$１０００$salt$" + "h" * 43 + "=", "Django PBKDF2 hash is incomplete"),
        ("pbkdf2_sha256$0$salt$" + "h" * 43 + "=", "Django PBKDF2 hash is incomplete"),
        (FBSCRYPT.format("aGFzaA=="), "doesn’t fit the signer key"),
        ("$fbscrypt$v=2", "Firebase hash is incomplete"),
        ("bcrypt$$2b$10$\ud800", "bcrypt hash is incomplete"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_reason_that_does_not_repeat_it(text, reason):
    with pytest.raises(ForeignHashError, match=reason) as caught:
        encode_foreign_hash(text)
    assert caught.value.reason.endswith(" The password must be reset.")
    assert text not in caught.value.reason


EXPENSIVE = [
    ("bcrypt$$2b$15$" + BCRYPT_REST, "$2b$31$" + BCRYPT_REST),
    ("wordpress_bcrypt$$2y$31$" + BCRYPT_REST, "$wp$2y$31$" + BCRYPT_REST),
    ("bcrypt_sha256$$2b$31$" + BCRYPT_REST, "bcrypt_sha256$$2b$15$" + BCRYPT_REST),
    ("phpass$$P$S" + "a" * 30, "$H$S" + "a" * 30),
    (
        "argon2$argon2id$v=19$m=999999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2id$v=19$m=262144,t=5,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
    ),
    (
        "argon2$argon2id$v=19$m=64,t=1,p=999$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2i$v=19$m=64,t=999999,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
    ),
    (
        "pbkdf2_sha256$999999999$salt$" + "h" * 43 + "=",
        "pbkdf2_sha1$3000001$salt$" + "h" * 27 + "=",
    ),
    (
        "phc_pbkdf2$sha256$999999999$c2FsdA$" + "h" * 43,
        "$pbkdf2$999999999$c2FsdA$" + "h" * 27,
    ),
    (
        "scrypt$1048576$salt$8$1$" + "h" * 86 + "==",
        "scrypt$16384$salt$8$99$" + "h" * 86 + "==",
    ),
    (
        "firebase_scrypt$31$8$c2FsdA$" + "h" * 43,
        FBSCRYPT.replace("n=4", "n=31").format(base64_text(bytes(64))),
    ),
]


@pytest.mark.parametrize(("stored", "foreign"), EXPENSIVE)
def test_an_absurd_cost_is_refused_at_the_import_and_at_a_sign_in(stored, foreign, quick_refusal):
    with pytest.raises(ForeignHashError, match="too expensive"):
        encode_foreign_hash(foreign)
    assert not check_password(PASSWORD, stored)  # would take from minutes to months
    assert not is_checkable_hash(stored)


def test_a_refusal_at_a_sign_in_takes_as_long_as_a_wrong_password(monkeypatch):
    hashed = []
    monkeypatch.setattr(bounded_hasher, "make_password", hashed.append)
    assert not check_password(PASSWORD, EXPENSIVE[0][0])
    assert len(hashed) == 1


@hypothesis(max_examples=150, derandomize=True, database=None)
@given(
    encoded=st.sampled_from(sorted(other_hashes().values())),
    place=st.integers(0, 100),
    damage=st.sampled_from(["", "$", "=", "\x00", "é", "\ud800"]),
    cut=st.booleans(),
)
def test_no_damage_of_a_stored_hash_raises(encoded, place, damage, cut):
    algorithm, _, rest = encoded.partition("$")
    hasher = HASHERS[algorithm]
    damaged = f"{algorithm}${rest[:place]}{damage}{'' if cut else rest[place + 1 :]}"
    with patch.object(bounded_hasher, "make_password"):
        assert hasher.verify("x", damaged) is False
    assert hasher.must_update(damaged) in (True, False)
    assert is_checkable_hash(damaged) in (True, False)


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        ("{", "{}"),
        ("[]", "{}"),
        ("[" * 100_000, "{}"),
        ({}, {}),
        ({"algorithm": "argon2"}, {"value": "aGFzaA==", "salt": "c2FsdA=="}),
        ({"algorithm": "argon2", "additionalParameters": {"version": ["1.3"]}}, {}),
        ({"algorithm": "argon2", "additionalParameters": "x"}, {}),
        ({"algorithm": "pbkdf2-sha256", "hashIterations": "many"}, {}),
        ({"algorithm": "pbkdf2-sha256", "hashIterations": True}, {"value": [], "salt": 7}),
        ({"algorithm": "pbkdf2-sha256", "hashIterations": 1}, {"value": "h" * 43, "salt": ""}),
        ({"algorithm": "bcrypt"}, {"value": "hunter2"}),
        ({"algorithm": ["x"]}, None),
    ],
)
def test_a_damaged_credential_of_keycloak_is_refused(data, secret):
    with pytest.raises(ForeignHashError):
        encode_keycloak(data, secret)


def test_a_credential_of_keycloak_in_plain_text_is_no_hash():
    with pytest.raises(ForeignHashError):
        encode_keycloak_credential({"type": "password", "value": "alice"})


def test_the_parameters_are_read_as_firebases_console_shows_them():
    text = f"""hash_config {{
      algorithm: SCRYPT,
      base64_signer_key: {KEY_OF_CSV.signer_key},
      base64_salt_separator: Bw==,
      rounds: 8,
      mem_cost: 14,
    }}"""
    assert read_firebase_parameters(text) == KEY_OF_CSV
    with pytest.raises(ValidationError, match="incomplete"):
        read_firebase_parameters(text.replace("rounds: 8", ""))


def test_a_firebase_hash_needs_a_whole_signer_key():
    with pytest.raises(ForeignHashError):
        encode_firebase_scrypt("aGFzaA==", "c2FsdA==", KEY_OF_CSV)


def test_a_plain_password_is_hashed_cheaply_in_its_normal_form_and_renewed_later():
    encoded = hash_plain("ﬁne pässword")
    assert check_password("fine pässword", encoded)
    assert identify_hasher(encoded).must_update(encoded)
    assert hash_plain("").startswith("!")
    for text in ("x" * 4097, "\ud800"):
        with pytest.raises(ForeignHashError):
            hash_plain(text)


@pytest.mark.parametrize("text", ["", "  ", "!", "!as-django-marks-it"])
def test_no_password_stays_no_password(text):
    assert encode_foreign_hash(text).startswith("!")
