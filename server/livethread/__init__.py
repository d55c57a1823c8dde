"""A self-hosted server for live discussions under articles; start reading at `livethread.app`."""

from importlib.metadata import version

__version__ = version("livethread")
