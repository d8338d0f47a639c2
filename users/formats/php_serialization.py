"""Reads the one kind of PHP-serialised text that WordPress keeps roles in: an array with names as
keys. Nothing else is read, and no object is ever created.
"""

import re

# PHP counts the length of a text in bytes.
KEY = re.compile(rb's:(\d{1,4}):"')
NUMBER_KEY = re.compile(rb"i:\d{1,9};")
TRUE_VALUE = re.compile(rb'b:1;|i:1;|s:1:"1";')
FALSE_VALUE = re.compile(rb'b:0;|i:0;|s:1:"0";|s:0:"";|N;')
ARRAY = re.compile(rb"a:(\d{1,4}):\{")


class PhpSyntaxError(ValueError):
    """A text is not a PHP array of names with yes or no."""


def read_php_flags(text: str) -> list[str]:
    """Returns the names in an array such as `a:1:{s:6:"editor";b:1;}` whose value is true. Raises
    PhpSyntaxError.
    """
    content = text.strip().encode("utf-8", "surrogatepass")
    start = ARRAY.match(content)
    if start is None:
        raise PhpSyntaxError
    names = []
    offset = start.end()
    for _ in range(int(start[1])):
        name, offset = read_php_key(content, offset)
        is_true, offset = read_php_flag(content, offset)
        if is_true and name:
            names.append(name)
    if content[offset:] != b"}":
        raise PhpSyntaxError
    return names


def read_php_key(content: bytes, offset: int) -> tuple[str, int]:
    """Returns the key at an offset, "" for a number, and the offset after it. Raises
    PhpSyntaxError.
    """
    if number := NUMBER_KEY.match(content, offset):
        return "", number.end()
    start = KEY.match(content, offset)
    if start is None:
        raise PhpSyntaxError
    end = start.end() + int(start[1])
    if content[end : end + 2] != b'";':
        raise PhpSyntaxError
    return content[start.end() : end].decode("utf-8", "replace"), end + 2


def read_php_flag(content: bytes, offset: int) -> tuple[bool, int]:
    """Returns the value at an offset and the offset after it. Raises PhpSyntaxError."""
    if found := TRUE_VALUE.match(content, offset):
        return True, found.end()
    if found := FALSE_VALUE.match(content, offset):
        return False, found.end()
    raise PhpSyntaxError
