"""An OpenID Connect provider over real HTTP on this machine, with real keys.

It is strict where the standards are: a code works once, with its verifier, its redirect URI and the
client's secret. Tests make it forge, fail and delay.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CLIENT_ID = "rollcall"
CLIENT_SECRET = "s3cret with: a colon"
REDIRECT_URI = "http://localhost:8000/login/oidc/callback/"
ALGORITHMS = {
    "RS256": jwt.algorithms.RSAAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}


def new_keys() -> dict[str, Any]:
    """Returns a private key for each algorithm; its ID is the name of the algorithm."""
    return {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


KEYS = new_keys()


class FakeProvider:
    """Answers for the person `subject`. `claims` changes those of the ID token, None removes one.
    `answers` replaces the answer of a path: status, headers and body.
    """

    def __init__(self, port: int):
        self.issuer = f"http://127.0.0.1:{port}"
        self.subject = "248289761001"
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.response: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.algorithm = "RS256"
        self.key = KEYS["RS256"]
        self.key_id: str | None = "RS256"
        self.published = dict(KEYS)
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.seconds = 0.0
        self.token = ""

    def sign_with(self, algorithm: str) -> None:
        self.algorithm = self.key_id = algorithm
        self.key = KEYS[algorithm]

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.metadata

    def key_set(self) -> dict[str, Any]:
        found = []
        for name, key in self.published.items():
            data = ALGORITHMS[name.partition("-")[0]].to_jwk(key.public_key(), as_dict=True)
            found.append(data | {"kid": name, "use": "sig"})
        return {"keys": found}

    def authorize(self, query: dict[str, str]) -> str:
        """Returns where the browser of the person is sent, who agrees to everything."""
        assert query["redirect_uri"] == REDIRECT_URI
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        answer = {"code": code, "state": query["state"]} | self.response
        sent = {name: value for name, value in answer.items() if value is not None}
        return f"{REDIRECT_URI}?{urlencode(sent)}"

    def redeem(self, header: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        query = self.codes.pop(fields.get("code", ""), None)
        pair = "rollcall:s3cret%20with%3A%20a%20colon"
        if header != "Basic " + base64.b64encode(pair.encode()).decode():
            return 401, {"error": "invalid_client"}
        if query is None or fields.get("redirect_uri") != REDIRECT_URI:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(fields["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.token or self.id_token(query), "token_type": "Bearer"}

    def id_token(self, query: dict[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
        }
        if "max_age" in query:
            claims["auth_time"] = now
        claims |= self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": self.key_id} if self.key_id else {}
        return jwt.encode(kept, self.key, algorithm=self.algorithm, headers=headers)


class Handler(BaseHTTPRequestHandler):
    provider: FakeProvider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        documents = {
            "/.well-known/openid-configuration": self.provider.document,
            "/keys": self.provider.key_set,
        }
        if self.replaced(url.path):
            return
        if url.path == "/authorize":
            target = self.provider.authorize(dict(parse_qsl(url.query)))
            self.reply(302, {"Location": target}, b"")
        elif url.path in documents:
            self.reply_json(200, documents[url.path]())
        else:
            self.reply(404, {}, b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        fields = {name: values[0] for name, values in parse_qs(self.read_body(length)).items()}
        if not self.replaced(self.path):
            header = self.headers.get("Authorization", "")
            self.reply_json(*self.provider.redeem(header, fields))

    def read_body(self, length: int) -> str:
        return self.rfile.read(length).decode()

    def replaced(self, path: str) -> bool:
        self.provider.asked.append(path)
        time.sleep(self.provider.seconds)
        if path in self.provider.answers:
            self.reply(*self.provider.answers[path])
        return path in self.provider.answers

    def reply_json(self, status: int, body: dict[str, Any]) -> None:
        self.reply(status, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def run_provider() -> Iterator[type[Handler]]:
    """Yields the handler class of a running server, whose `provider` each test replaces."""
    handler = type("OwnHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()
