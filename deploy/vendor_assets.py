"""Fetch the front-end packages that pages load, and record them in static/vendor/manifest.json.

Run `python deploy/vendor_assets.py` after changing a version below, then commit what changed.
Needs `npm` for its `pack` client; neither set-up nor the running portal does.
"""

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from math import hypot
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"

PACKAGES = [
    {
        "package": "leaflet",
        "version": "1.9.4",
        "licence": "BSD-2-Clause",
        "files": ["dist/leaflet.js", "dist/leaflet.css", "LICENSE"],
        # The style sheet names these; a missing one stops collectstatic.
        "images": ["layers.png", "layers-2x.png", "marker-icon.png"],
    },
    {
        "package": "uplot",
        "version": "1.6.32",
        "licence": "MIT",
        "files": ["dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"],
    },
    {
        "package": "world-atlas",
        "version": "2.0.2",
        "licence": "ISC",
        "files": ["LICENSE"],
        "outlines": "countries-50m.json",
    },
]

TOLERANCE = 0.05  # degrees: about 5 km, finer than a country map without tiles can show


def main() -> None:
    manifest = []
    for spec in PACKAGES:
        target = VENDOR / f"{spec['package']}-{spec['version']}"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as folder:
            source = unpack(f"{spec['package']}@{spec['version']}", Path(folder))
            copy(spec, source, target)
        manifest += [
            {
                "package": spec["package"],
                "version": spec["version"],
                "licence": spec["licence"],
                "file": path.relative_to(VENDOR).as_posix(),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(target.rglob("*"))
            if path.is_file()
        ]
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def unpack(name: str, folder: Path) -> Path:
    command = ["npm", "pack", "--silent", name, "--pack-destination", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    [archive] = folder.glob("*.tgz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def copy(spec: dict, source: Path, target: Path) -> None:
    for name in spec["files"]:
        path = source / name
        if path.suffix == ".js":
            # Its source map stays behind, and collectstatic would look for it.
            lines = path.read_text().splitlines()
            lines = [line for line in lines if not line.startswith("//# sourceMappingURL")]
            (target / path.name).write_text("\n".join(lines) + "\n")
        else:
            shutil.copyfile(path, target / path.name)
    for name in spec.get("images", []):
        (target / "images").mkdir(exist_ok=True)
        shutil.copyfile(source / "dist" / "images" / name, target / "images" / name)
    if "outlines" in spec:
        topology = json.loads((source / spec["outlines"]).read_text())
        (target / "outlines.geojson").write_text(json.dumps(outlines(topology), separators=(",", ":")))


def outlines(topology: dict) -> dict:
    """Coasts and borders of a TopoJSON file, each arc once, as GeoJSON lines and land polygons."""
    arcs = [simplify(decode(arc, topology["transform"])) for arc in topology["arcs"]]
    land = [polygon(arcs, rings) for rings in polygons(topology["objects"]["land"])]
    uses: dict[int, int] = {}
    for rings in polygons(topology["objects"]["countries"]):
        for index in {i if i >= 0 else ~i for ring in rings for i in ring}:
            uses[index] = uses.get(index, 0) + 1
    borders = [arcs[i] for i, count in sorted(uses.items()) if count > 1]
    return {
        "type": "FeatureCollection",
        "features": [
            feature("land", "MultiPolygon", [rings for rings in land if rings]),
            feature("border", "MultiLineString", borders),
        ],
    }


def feature(kind: str, shape: str, coordinates: list) -> dict:
    return {
        "type": "Feature",
        "properties": {"kind": kind},
        "geometry": {"type": shape, "coordinates": coordinates},
    }


def polygons(geometry: dict) -> list:
    match geometry["type"]:
        case "GeometryCollection":
            return [rings for part in geometry["geometries"] for rings in polygons(part)]
        case "MultiPolygon":
            return geometry["arcs"]
        case "Polygon":
            return [geometry["arcs"]]
    return []


def polygon(arcs: list, rings: list) -> list:
    shapes = []
    for ring in rings:
        points: list = []
        for index in ring:
            part = arcs[index] if index >= 0 else arcs[~index][::-1]
            points += part[1:] if points else part
        if len(points) > 3:
            shapes.append(points)
    return shapes


def decode(arc: list, transform: dict) -> list:
    (scale_x, scale_y), (shift_x, shift_y) = transform["scale"], transform["translate"]
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append([round(x * scale_x + shift_x, 2), round(y * scale_y + shift_y, 2)])
    return points


def simplify(points: list) -> list:
    """Douglas–Peucker; both ends stay, so neighbours that share an arc still meet."""
    if len(points) < 3:
        return points
    first, last = points[0], points[-1]
    gap, at = max((distance(p, first, last), i) for i, p in enumerate(points[1:-1], 1))
    if gap <= TOLERANCE:
        return [first, last]
    return simplify(points[: at + 1])[:-1] + simplify(points[at:])


def distance(point: list, first: list, last: list) -> float:
    dx, dy = last[0] - first[0], last[1] - first[1]
    if not dx and not dy:
        return hypot(point[0] - first[0], point[1] - first[1])
    along = ((point[0] - first[0]) * dx + (point[1] - first[1]) * dy) / (dx * dx + dy * dy)
    along = min(1, max(0, along))
    return hypot(point[0] - first[0] - along * dx, point[1] - first[1] - along * dy)


if __name__ == "__main__":
    main()
