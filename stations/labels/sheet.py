"""Labels → A4 sheets as PDF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typst

from stations.labels import codes
from stations.labels.codes import Label, Size

TEMPLATE = Path(__file__).parent / "sheet.typ"


def pdf(labels: Sequence[Label], *, size: Size, hint: str) -> bytes:
    """`hint` is the line below the code, about the price."""
    content = {
        "columns": size.columns,
        "rows": size.rows,
        "code": size.code,
        "hint": hint,
        "labels": [
            {
                "code": codes.svg(label.url),
                "url": label.url,
                "id": label.evse_id,
                "charger": label.charger,
                "operator": label.operator,
                "phone": label.phone,
            }
            for label in labels
        ],
    }
    return typst.compile(
        TEMPLATE.read_bytes(),
        root=str(TEMPLATE.parent),
        sys_inputs={"labels": json.dumps(content)},
        ignore_system_fonts=True,
        format="pdf",
    )
