"""Password hashes of Firebase, and the parameters of the project without which none is checked."""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from users.passwords.base64_text import read_base64
from users.passwords.exceptions import ForeignHashError
from users.passwords.hash_registry import FIREBASE


@dataclass(frozen=True)
class FirebaseParameters:
    """The hash parameters of a Firebase project. The first two are base64."""

    signer_key: str
    salt_separator: str
    rounds: int = 8
    mem_cost: int = 14


def encode_firebase_scrypt(hash_text: str, salt: str, parameters: FirebaseParameters) -> str:
    """Returns a hash of Firebase as Django stores it, without the signer key.

    Raises ForeignHashError. A wrong signer key can’t be noticed here: no password fits then.
    """
    return FIREBASE.encode_cipher(
        read_base64(hash_text),
        read_base64(parameters.signer_key),
        read_base64(salt) + read_base64(parameters.salt_separator),
        mem_cost=parameters.mem_cost,
        rounds=parameters.rounds,
    )


def read_firebase_parameters(text: str) -> FirebaseParameters:
    """Reads the block `hash_config { … }` of Firebase’s console. Raises ValidationError."""
    pairs = re.findall(r"(\w+)\"?\s*[:=]\s*\"?([\w+/=-]+)", text)
    found = {name.lower().removeprefix("base64_"): value for name, value in pairs}
    try:
        return FirebaseParameters(
            signer_key=found["signer_key"],
            salt_separator=found["salt_separator"],
            rounds=int(found["rounds"]),
            mem_cost=int(found["mem_cost"]),
        )
    except (KeyError, ValueError) as error:
        raise ValidationError(
            "The hash parameters are incomplete. Copy the whole block from the Firebase console:"
            " base64_signer_key, base64_salt_separator, rounds and mem_cost."
        ) from error


def read_fbscrypt(text: str) -> str:
    """Reads `$fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash`, as Supabase stores these hashes."""
    match = re.fullmatch(
        r"\$fbscrypt\$v=1,n=(?P<mem_cost>[0-9]{1,2}),r=(?P<rounds>[0-9]{1,3}),p=1"
        r",ss=(?P<separator>[^$,]*),sk=(?P<signer_key>[^$,]+)\$(?P<salt>[^$]+)\$(?P<hash>[^$]+)",
        text,
    )
    if match is None:
        raise ForeignHashError("The Firebase hash is incomplete or damaged.")
    parameters = FirebaseParameters(
        signer_key=match["signer_key"],
        salt_separator=match["separator"],
        rounds=int(match["rounds"]),
        mem_cost=int(match["mem_cost"]),
    )
    return encode_firebase_scrypt(match["hash"], match["salt"], parameters)
