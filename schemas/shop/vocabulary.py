"""Terms that the shop's modules share: its span of time and its product tiers."""

import numpy as np

OPENED, CLOSED = "2021-01-01", np.datetime64("2025-01-01T00:00:00", "s")
TIERS = ["budget", "standard", "luxury"]
