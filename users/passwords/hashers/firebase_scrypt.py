"""Firebase’s variant of scrypt, whose key encrypts the signer key of the project."""

import hashlib
import re

from users.passwords.base64_text import read_base64
from users.passwords.cost_limits import SCRYPT_WORK, check_scrypt
from users.passwords.exceptions import ForeignHashError
from users.passwords.hashers.bounded_hasher import BASE64, ForeignHasher

KEYSTREAM_BYTES = 32


class FirebaseScryptHasher(ForeignHasher):
    """Checks hashes of Firebase without knowing the signer key.

    Firebase encrypts the signer key with AES-256 in counter mode: an XOR with a keystream that
    depends only on the password and the salt. So the keystream is stored, and neither the
    encrypted key nor the signer key, a secret of the Firebase project.
    """

    algorithm = "firebase_scrypt"
    label = "Firebase scrypt"
    pattern = re.compile(
        rf"firebase_scrypt\$(?P<mem_cost>[0-9]{{1,2}})\$(?P<rounds>[0-9]{{1,3}})"
        rf"\$(?P<salt>{BASE64})\$(?P<key>{BASE64})"
    )

    def check_limits(self, parts: dict[str, str]) -> None:
        check_scrypt(
            self.label,
            n=2 ** int(parts["mem_cost"]),
            r=int(parts["rounds"]),
            p=1,
        )

    def derive_key(self, password: bytes, parts: dict[str, str], length: int) -> bytes:
        # Few sites have such hashes, and every process loads the hashers.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        key = hashlib.scrypt(
            password,
            salt=read_base64(parts["salt"]),
            n=2 ** int(parts["mem_cost"]),
            r=int(parts["rounds"]),
            p=1,
            maxmem=SCRYPT_WORK,
            dklen=32,
        )
        cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16)))
        return cipher.encryptor().update(bytes(length))

    def encode_cipher(
        self, encrypted: bytes, signer_key: bytes, salt: bytes, *, mem_cost: int, rounds: int
    ) -> str:
        """Returns the hash as it is stored. Raises ForeignHashError."""
        if len(signer_key) < KEYSTREAM_BYTES or len(encrypted) != len(signer_key):
            raise ForeignHashError("The Firebase hash doesn’t fit the signer key.")
        pairs = zip(encrypted, signer_key, strict=True)
        stream = bytes(left ^ right for left, right in pairs)
        return self.compose(mem_cost, rounds, salt, stream[:KEYSTREAM_BYTES])
