"""Other people's suites: RFC 6455 and 7692 (Autobahn's cases), JSON, naughty strings."""
