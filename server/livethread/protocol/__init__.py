"""The wire contract: pure data and rules, Sans-I/O, shared by server and client."""
