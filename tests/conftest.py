"""What holds for all tests: Hypothesis sets no deadline, for machines are noisy.

In CI it draws the same examples each time; who develops draws new ones.
"""

import os

from hypothesis import settings

settings.register_profile("livethread", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("livethread")
