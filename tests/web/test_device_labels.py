"""User-Agent headers become short labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.web.device_labels import UNKNOWN, device_label

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{WEBKIT} Chrome/141.0.0.0 Safari/537.36"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) "
    "AppleWebKit/605.1.15 (KHTML, like Gecko)"
)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox 140 on Linux",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}", "Chrome 141 on Windows"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/141.0.0.0",
            "Edge 141 on Windows",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} OPR/122.0.0.0",
            "Opera 122 on macOS",
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}", "Chrome 141 on ChromeOS"),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36",
            "Chrome 141 on Android",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-S901B) {WEBKIT} "
            "SamsungBrowser/28.0 Chrome/130.0.0.0",
            "Samsung Internet 28 on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
            "AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
            "Safari 18 on macOS",
        ),
        (f"{PHONE} Version/18.5 Mobile/15E148 Safari/604.1", "Safari 18 on iPhone"),
        (f"{PHONE} CriOS/141.0.7390.96 Mobile/15E148 Safari/604.1", "Chrome 141 on iPhone"),
        (f"{PHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox 140 on iPhone"),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/141.0.0.0 Safari/537.36",
            "Chrome 141 on Linux",
        ),
        (PHONE, "Unknown browser on iPhone"),
        ("curl/8.5.0", "curl 8"),
        ("python-requests/2.32.3", "python-requests 2"),
        ("", UNKNOWN),
        ("<script>", UNKNOWN),
    ],
)
def test_a_device_in_words(user_agent, words):
    assert device_label(user_agent) == words


@given(st.text(max_size=200))
def test_whatever_is_sent_gets_words(user_agent):
    assert 0 < len(device_label(user_agent)) <= 60
