"""Simulated charging stations, for the demo, the tests and the benchmark. Needs no Django."""

from .car import Car
from .config import BadConfig, FleetConfig, StationConfig
from .fleet import Fleet

__all__ = ["BadConfig", "Car", "Fleet", "FleetConfig", "StationConfig"]
