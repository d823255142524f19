"""`python -m stations.simulator --stations fleet.json`"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from .cli import run
from .config import BadConfig, FleetConfig


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m stations.simulator", description="Simulated stations.")
    parser.add_argument(
        "--stations", required=True, metavar="FILE.json", help="the stations and their habits"
    )
    parser.add_argument("--url", help="the portal's OCPP address (default ws://127.0.0.1:8000/ocpp)")
    parser.add_argument("--speed", type=float, help="demo seconds per real second (default 1)")
    parser.add_argument("--seed", type=int, help="same seed, same chance (default 0)")
    parser.add_argument("--wall-stamps", action="store_true", default=None, help="real time on messages")
    parser.add_argument("--control-port", type=int, metavar="PORT", help="open the control panel there")
    parser.add_argument("--control-host", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--quiet", action="store_true", help="only warnings")
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    # Each connection attempt would otherwise be told twice.
    logging.getLogger("websockets").setLevel(logging.ERROR)
    wishes = {name: getattr(options, name) for name in ("url", "speed", "seed", "wall_stamps")}
    try:
        config = FleetConfig.load(
            options.stations, **{name: value for name, value in wishes.items() if value is not None}
        )
        asyncio.run(run(config, control_port=options.control_port, control_host=options.control_host))
    except (BadConfig, ValueError, OSError) as problem:
        print(f"simulator: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
