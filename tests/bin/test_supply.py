"""requirements.lock, bin/sbom and bin/audit-dependencies: which packages are installed, and whether
they are known to be vulnerable.
"""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.sqlite  # of files, and not of the database

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==([^ \\]+)", re.MULTILINE)
DEAF = {"skip_reason": "Dependency not found on the index"}


def plain_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    return {plain_name(name): pin for name, pin in PIN.findall((ROOT / file).read_text())}


def audit(folder, answers: dict[str, dict], printed: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the command with a pip-audit that knows `answers`, and nothing bad of other packages."""
    known = {name: {"version": "1", "vulns": []} for name in pins("requirements.lock")} | answers
    report = {"dependencies": [{"name": name} | answer for name, answer in known.items()]}
    text = printed or json.dumps(report)
    (folder / "pip_audit.py").write_text(f"print({text!r})")
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "audit-dependencies")],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_lock_has_each_pinned_package_with_hashes():
    locked = pins("requirements.lock")
    wanted = pins("requirements.txt")
    stale = {name for name in wanted if locked.get(name) != wanted[name]}
    assert not stale, "run bin/lock"
    blocks = (ROOT / "requirements.lock").read_text().split("\n\n")[-1]
    assert blocks.count("==") == len(locked)
    assert len(re.findall(r"==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", blocks)) == len(locked)


@pytest.mark.parametrize(
    ("answers", "printed", "code", "text"),
    [
        ({}, "", 0, "No known vulnerabilities in"),
        ({"django": {"version": "1", "vulns": [{"id": "CVE-1"}]}}, "", 1, "django 1: CVE-1"),
        ({"django": DEAF}, "", 2, "Could not check 1 of"),
        ({}, "Traceback: no network", 2, "Could not check: pip-audit failed"),
    ],
)
def test_an_audit_that_could_not_look_is_not_a_good_one(tmp_path, answers, printed, code, text):
    done = audit(tmp_path, answers, printed)
    assert (done.returncode, text in done.stdout) == (code, True), done


def test_the_bill_of_materials_has_each_package_with_its_version(tmp_path):
    file = tmp_path / "sbom.json"
    environment = os.environ | {"SBOM_PYTHON": sys.executable}
    command = [str(ROOT / "bin" / "sbom"), str(file)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    found = json.loads(file.read_text())
    assert found["bomFormat"] == "CycloneDX"
    parts = {plain_name(each["name"]): each["version"] for each in found["components"]}
    assert parts == pins("requirements.lock")
