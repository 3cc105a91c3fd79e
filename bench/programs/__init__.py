"""Programs the benchmark starts as processes of their own: producers, viewers, a stand-in API."""
