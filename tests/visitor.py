"""A client for real servers that keeps cookies and does not follow redirects."""

import http.client
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

Answer = tuple[http.client.HTTPResponse, str]


class Visitor:
    """Sends requests to a server on this machine for `host`, if `proxied` with the headers of a
    proxy that terminates TLS.
    """

    def __init__(self, port: str, host: str, *, proxied: bool = False):
        self.port = int(port)
        self.cookies = SimpleCookie()
        self.origin = f"https://{host}" if proxied else f"http://{host}"
        self.headers = {"Host": host}
        if proxied:
            self.headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}

    def ask(self, path: str, form: dict[str, str] | None = None) -> Answer:
        headers = self.headers | {
            "Cookie": "; ".join(f"{name}={item.value}" for name, item in self.cookies.items())
        }
        if form is not None:
            headers |= {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(
            "GET" if form is None else "POST", path, urlencode(form) if form else None, headers
        )
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return response, text

    def answers(self) -> bool:
        try:
            return self.ask("/healthz")[0].status == 200
        except OSError:
            return False

    def sign_in(self, login: str, password: str) -> Answer:
        """Fetches the form for its token and submits it. Returns the response."""
        token = re.search(
            r'name="csrfmiddlewaretoken" value="([^"]+)"', self.ask("/login/?next=%2Fusers%2F")[1]
        )
        assert token
        form = {
            "login": login,
            "password": password,
            "csrfmiddlewaretoken": token[1],
            "next": "/users/",
        }
        return self.ask("/login/", form)
