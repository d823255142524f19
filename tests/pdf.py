"""What a PDF says."""

import io

from pypdf import PdfReader


def text(content: bytes) -> str:
    """Its words, page after page, with single spaces between them."""
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages)


def pages(content: bytes) -> int:
    return len(PdfReader(io.BytesIO(content)).pages)
