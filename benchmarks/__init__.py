"""Measurements of Keepsake against the bare parts it is built on: ratios taken in one run, never asserted."""
