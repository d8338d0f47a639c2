"""Writes a MaxMind database of a few IPv4 addresses (MaxMind DB file format 2.0)."""

import ipaddress
from pathlib import Path
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
RECORD_BYTES = 4


def write_places(file: Path, places: dict[str, Any]) -> Path:
    """Writes a database of these records by IPv4 address, and returns the file."""
    nodes: list[list[Any]] = [[None, None]]
    for address, record in places.items():
        bits = f"{int(ipaddress.IPv4Address(address)):032b}"
        node = 0
        for bit in map(int, bits[:-1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]
        nodes[node][int(bits[-1])] = encode(record)
    data = b""
    tree = b""
    for pair in nodes:
        for value in pair:
            target = len(nodes) if value is None else value
            if isinstance(value, bytes):
                target = len(nodes) + 16 + len(data)
                data += value
            tree += target.to_bytes(RECORD_BYTES, "big")
    about = {
        "binary_format_major_version": number(2, 2),
        "binary_format_minor_version": number(0, 2),
        "build_epoch": number(1, 8),
        "database_type": "Test",
        "description": {"en": "Test"},
        "ip_version": number(4, 2),
        "languages": ["en"],
        "node_count": number(len(nodes), 4),
        "record_size": number(RECORD_BYTES * 8, 2),
    }
    file.write_bytes(tree + bytes(16) + data + MARKER + encode(about))
    return file


def number(value: int, size: int) -> bytes:
    """Returns an unsigned integer of 2, 4 or 8 bytes in the format of the data section."""
    kinds = {2: bytes([5 << 5 | 2]), 4: bytes([6 << 5 | 4]), 8: bytes([8, 9 - 7])}
    return kinds[size] + value.to_bytes(size, "big")


def encode(value: Any) -> bytes:
    """Returns a value in the format of the data section."""
    if isinstance(value, dict):
        pairs = [encode(name) + encode(each) for name, each in value.items()]
        return bytes([7 << 5 | len(pairs)]) + b"".join(pairs)
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(encode, value))
    if isinstance(value, bytes):
        return value
    text = value.encode()
    if len(text) < 29:
        return bytes([2 << 5 | len(text)]) + text
    return bytes([2 << 5 | 29, len(text) - 29]) + text
