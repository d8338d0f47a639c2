"""SMTP servers that fail in the middle of a transaction, and a certificate of their own."""

import asyncio
import ssl
import subprocess
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.mail.servers import OK, Postbox


class HangingPostbox(Postbox):
    """Takes the texts of the first `hangs` messages, and never answers."""

    def __init__(self, hangs: int = 1) -> None:
        super().__init__()
        self.hangs = hangs

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.hangs:
            self.hangs -= 1
            await asyncio.sleep(3600)
        return await super().handle_DATA(server, session, envelope)


class DroppingPostbox(Postbox):
    """Hangs up after the first text, with an answer (`says_ok`) or without one."""

    def __init__(self, *, says_ok: bool) -> None:
        super().__init__()
        self.says_ok = says_ok
        self.dropped = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if not self.dropped:
            self.dropped = True
            if self.says_ok:
                await server.push(OK)
            server.transport.close()
        return answer


class GarblingPostbox(Postbox):
    """Takes each text, and answers something that is no reply of SMTP."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await super().handle_DATA(server, session, envelope)
        return self.answer


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Returns the files of a certificate for `host`, which signs itself, and of its key."""
    certificate = folder / f"{host}.pem"
    key = folder / f"{host}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={host}"]
    command += ["-addext", f"subjectAltName=DNS:{host}"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
