"""Ships the browser client inside the wheel; an editable install reads it from the checkout."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StaticFilesHook(BuildHookInterface[Any]):
    """Adds `static/` to standard wheels as `livethread/static`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Include the browser client unless the build is editable."""
        if version == "standard":
            build_data["force_include"]["static"] = "livethread/static"
