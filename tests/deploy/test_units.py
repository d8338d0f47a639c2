"""The files of deploy/ start what the Procfile starts."""

import json
import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.site.test_procfile import PROCFILE

pytestmark = pytest.mark.sqlite  # of files, and not of the database
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())


def read(unit: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(unit)
    return parser


def test_systemd_starts_the_commands_of_the_procfile_and_ends_them_gently():
    named = {unit.stem.removesuffix("@"): read(unit) for unit in UNITS}
    assert len(UNITS) == 4
    for name, process in {"rollcall-web": "web", "rollcall-worker": "worker"}.items():
        service = named[name]["Service"]
        command = service["ExecStart"].removeprefix("/srv/rollcall/current/.venv/bin/")
        assert command == PROCFILE[process]
        # A signal to the whole group would end tasks midway.
        assert service["KillMode"] == "mixed"
        assert int(service["TimeoutStopSec"]) > 20
        # systemd would otherwise give up a process that fails quickly, and never start it again.
        assert service["Restart"] == "always"
        assert named[name]["Unit"]["StartLimitIntervalSec"] == "0"


def test_platforms_learn_the_settings_that_must_be_set():
    app = json.loads((ROOT / "app.json").read_text())
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "SITE_URL"} <= app["env"].keys()
    assert app["formation"].keys() == PROCFILE.keys() - {"release"}


def test_each_name_in_the_configuration_of_nginx_is_filled_in():
    template = (ROOT / "deploy" / "nginx" / "rollcall.conf.template").read_text()
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    names = set(re.findall(r"\$\{(ROLLCALL_\w+)\}", template))
    head = template.partition("\nupstream")[0]
    assert names == set(re.findall(r"ROLLCALL_\w+", head))
    assert names == set(re.findall(r"^ +(ROLLCALL_\w+):", compose, re.MULTILINE))


def test_containers_start_the_commands_of_the_procfile():
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    assert PROCFILE["web"] in image
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    assert f"command: {PROCFILE['web']}\n" in compose
    assert f"command: {PROCFILE['worker']}\n" in compose
    assert f"command: {PROCFILE['release']}\n" in compose


def test_the_image_has_none_of_the_secrets_beside_the_compose_file():
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    # A pattern without ** is of the top of the checkout alone.
    assert "**/.env" in ignored
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    [folder] = re.findall(r"- \./(\w+):\S+certificate:ro", compose)
    assert f"deploy/{folder}" in ignored


def test_the_release_command_works_in_a_shell_without_its_python_on_the_path(tmp_path):
    """As an administrator types it on the server."""
    programs = {
        "usual/python": "exit 1",  # that of the system, without Django
        ".venv/bin/python": 'echo "$@"',
        "bin/release": (ROOT / "bin" / "release").read_text().removeprefix("#!/bin/sh\n"),
    }
    for name, text in programs.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    result = subprocess.run(
        [tmp_path / "bin" / "release"],
        env={"PATH": f"{tmp_path}/usual:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("manage.py release\n", "")
