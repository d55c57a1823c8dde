"""``python -m livethread.cli``."""

from livethread.cli import main

main()
