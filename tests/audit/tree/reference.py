"""Second implementations for comparison, written from the specifications and from nothing else: RFC
6962 with lists, RFC 8032 with plain integers, C2SP signed-note with bytes.
"""

import base64
import hashlib

# --- RFC 6962, section 2.1 ------------------------------------------------------------------------


def mth(data: list[bytes]) -> bytes:
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = largest_power(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = largest_power(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m: int, data: list[bytes]) -> list[bytes]:
    return subproof(m, data, True)


def subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    if m == len(data):
        return [] if whole else [mth(data)]
    k = largest_power(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def largest_power(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


# --- RFC 8032, section 5.1 ------------------------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def recover_x(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if y >= P or (x * x - square) % P or (not square and sign):
        return None
    return x if x & 1 == sign else P - x


def decompress(data: bytes) -> tuple[int, int] | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = recover_x(y, number >> 255)
    return None if x is None else (x, y)


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P) % P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
    return x, y


def multiply(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    result = (0, 1)
    while factor:
        if factor & 1:
            result = add(result, point)
        point = add(point, point)
        factor >>= 1
    return result


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    base_y = 4 * pow(5, -1, P) % P
    base = (recover_x(base_y, 0), base_y)
    a = decompress(public)
    r = decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % Q
    return multiply(s, base) == add(r, multiply(h, a))


# --- C2SP signed-note -----------------------------------------------------------------------------


def note_verifies(vkey: bytes, note: bytes) -> bool:
    """Whether a signature of the key stands under the note, and every one of it is right."""
    name, _, rest = vkey.partition(b"+")
    key_id, _, encoded = rest.partition(b"+")
    material = base64.standard_b64decode(encoded)
    assert hashlib.sha256(name + b"\n" + material).digest()[:4] == bytes.fromhex(key_id.decode())
    end = note.rindex(b"\n\n") + 1
    text, lines = note[:end], note[end + 1 :]
    assert lines.endswith(b"\n")
    results = []
    for line in lines.split(b"\n")[:-1]:
        dash, signer, signature = line.split(b" ")
        assert dash == b"\xe2\x80\x94"
        content = base64.standard_b64decode(signature)
        if signer != name or content[:4] != bytes.fromhex(key_id.decode()):
            continue
        content, message = content[4:], text
        if material[0] == 4:
            seconds = int.from_bytes(content[:8], "big")
            content, message = content[8:], b"cosignature/v1\ntime %d\n" % seconds + text
        results.append(ed25519_verifies(material[1:], message, content))
    return bool(results) and all(results)
