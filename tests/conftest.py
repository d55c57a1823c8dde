"""What holds for all tests: Hypothesis sets no deadline, for machines are noisy."""

from hypothesis import settings

settings.register_profile("livethread", deadline=None)
settings.load_profile("livethread")
