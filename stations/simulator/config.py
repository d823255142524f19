"""The fleet's configuration, read from JSON and checked before anything connects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSIONS = ("1.6", "2.0.1", "2.1")


class BadConfig(ValueError):
    """The configuration does not describe a fleet."""


@dataclass(frozen=True)
class ConnectorConfig:
    number: int = 1
    standard: str = "IEC_62196_T2"


@dataclass(frozen=True)
class EvseConfig:
    """`max_power_w` in W; `visitors` False keeps the EVSE free for a human driver."""

    number: int
    connectors: tuple[ConnectorConfig, ...] = (ConnectorConfig(),)
    max_power_w: float = 22_000.0
    dc: bool = False
    visitors: bool = True


@dataclass(frozen=True)
class VisitorsConfig:
    """Tokens that walk-ins carry, and how many come to the station in an hour on average."""

    tokens: tuple[str, ...]
    arrivals_per_hour: float


@dataclass(frozen=True)
class StationConfig:
    """One station; `tempers` are names or options (see `tempers`), `settings` overrides its defaults."""

    identity: str
    password: str = ""
    version: str = "1.6"
    vendor: str = "Evportal"
    model: str = "Simulator"
    firmware: str = "1.0.0"
    evses: tuple[EvseConfig, ...] = (EvseConfig(1),)
    tempers: tuple[str | dict, ...] = ()
    visitors: VisitorsConfig | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: Its meters sign what they show at the begin and the end (OCMF).
    signs: bool = False

    @classmethod
    def parse(cls, wire: Mapping[str, Any]) -> StationConfig:
        """From one object of the stations file; BadConfig says what is wrong with it."""
        identity = wire.get("identity")
        try:
            options = dict(wire)
            if "evses" in options:
                options["evses"] = tuple(_evse(evse) for evse in options["evses"])
            options["tempers"] = tuple(options.get("tempers", ()))
            if visitors := options.get("visitors"):
                options["visitors"] = VisitorsConfig(
                    tuple(visitors["tokens"]), float(visitors["arrivals_per_hour"])
                )
            station = cls(**options)
        except (TypeError, KeyError, ValueError) as problem:
            raise BadConfig(f"Station {identity!r}: {problem}") from problem
        station.check()
        return station

    def check(self) -> None:
        numbers = [evse.number for evse in self.evses]
        if not self.identity or not isinstance(self.identity, str):
            raise BadConfig("Every station needs an identity.")
        if self.version not in VERSIONS:
            raise BadConfig(f"Station {self.identity!r}: the version is one of {', '.join(VERSIONS)}.")
        if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 1:
            raise BadConfig(f"Station {self.identity!r}: EVSE numbers start at 1 and differ.")
        if self.visitors and (not self.visitors.tokens or self.visitors.arrivals_per_hour <= 0):
            raise BadConfig(f"Station {self.identity!r}: visitors need tokens and arrivals_per_hour above 0.")


@dataclass(frozen=True)
class FleetConfig:
    """Where to connect, who connects, how fast time passes, and the seed of all chance."""

    stations: tuple[StationConfig, ...]
    url: str = "ws://127.0.0.1:8000/ocpp"
    speed: float = 1.0
    seed: int = 0
    wall_stamps: bool = False
    # Real seconds.
    first_backoff_s: float = 1.0
    call_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        identities = [station.identity for station in self.stations]
        if len(set(identities)) < len(identities):
            raise BadConfig("Two stations have the same identity.")

    @classmethod
    def parse(cls, wire: Any, **options: Any) -> FleetConfig:
        """From a list of stations, or an object with "stations" beside any other option of the fleet."""
        if isinstance(wire, list):
            wire = {"stations": wire}
        if not isinstance(wire, Mapping) or not isinstance(wire.get("stations"), list):
            raise BadConfig('Expected a list of stations, or an object with "stations".')
        stations = tuple(StationConfig.parse(station) for station in wire["stations"])
        try:
            return cls(**{**wire, **options, "stations": stations})
        except TypeError as problem:
            raise BadConfig(str(problem)) from problem

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> FleetConfig:
        """From a JSON file; `options` win over what the file says."""
        try:
            wire = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise BadConfig(f"{path}: {problem}") from problem
        return cls.parse(wire, **options)


def _evse(wire: Mapping[str, Any]) -> EvseConfig:
    options = dict(wire)
    if "connectors" in options:
        options["connectors"] = tuple(ConnectorConfig(**connector) for connector in options["connectors"])
    return EvseConfig(**options)
