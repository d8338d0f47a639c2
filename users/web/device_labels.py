"""Labels devices by their User-Agent header, which the client may set to anything."""

import re

UNKNOWN = "Unknown device"
# The first match counts: browsers also name others that they are compatible with.
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
    browser = browser_label(user_agent)
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, user_agent)), "")
    if system:
        return f"{browser or 'Unknown browser'} on {system}"
    if browser:
        return browser
    tool = TOOL.match(user_agent)
    return f"{tool[1]} {tool[2]}" if tool else UNKNOWN


def browser_label(user_agent: str) -> str:
    """Returns name and version of the browser, or ""."""
    for name, pattern in BROWSERS:
        if match := re.search(pattern, user_agent):
            return f"{name} {match[1]}"
    return ""
