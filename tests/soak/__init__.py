"""A server under churn and load for as long as one likes: ``make soak MINUTES=30``."""
