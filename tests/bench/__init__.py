"""Figures of the portal beside bare servers on the same cores in the same minutes: `make bench`."""
