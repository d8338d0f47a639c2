"""Turns a User-Agent header into a short label. The header is the client's claim: only a hint."""

import re

UNKNOWN = "Unknown device"
# The first that fits counts: browsers also name those whose pages they can show.
BROWSERS = [
    ("Edge", r"\b(?:Edg|EdgA|EdgiOS|Edge)/(\d+)"),
    ("Opera", r"\b(?:OPR|OPT|Opera)/(\d+)"),
    ("Samsung Internet", r"\bSamsungBrowser/(\d+)"),
    ("Vivaldi", r"\bVivaldi/(\d+)"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome|Chromium)/(\d+)"),
    ("Safari", r"\bVersion/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/"),
]
SYSTEMS = [
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("macOS", r"\bMac OS X\b|\bMacintosh\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
]
TOOL = re.compile(r"([A-Za-z][A-Za-z0-9 ._-]{0,30}?)/(\d+)")


def device_label(user_agent: str) -> str:
    """Returns a label such as "Firefox 140 on Linux" or "curl 8"."""
    browser = next(
        (
            f"{name} {found[1]}"
            for name, pattern in BROWSERS
            if (found := re.search(pattern, user_agent))
        ),
        "",
    )
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, user_agent)), "")
    if browser or system:
        return f"{browser or 'Unknown browser'} on {system}" if system else browser
    tool = TOOL.match(user_agent)
    return f"{tool[1]} {tool[2]}" if tool else UNKNOWN
