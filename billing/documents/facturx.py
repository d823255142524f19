"""A PDF/A-3 with its invoice as XML inside it (Factur-X 1.0, ZUGFeRD 2; profile EN 16931).

Written here and not with a library's writer, whose files carry the time of day: the same document must
always be the same file. The schema that the metadata need is the standard's own.
"""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

NAME = "factur-x.xml"
_SCHEMA = """
<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" \
xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>fx</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
<rdf:Description xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#" rdf:about="">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
"""
_PROPERTY = (
    '<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{0}</pdfaProperty:name>'
    "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
    "<pdfaProperty:description>{1}</pdfaProperty:description></rdf:li>"
)
_PROPERTIES = "".join(
    _PROPERTY.format(name, escape(words))
    for name, words in (
        ("DocumentFileName", "The name of the embedded XML document"),
        ("DocumentType", "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER"),
        ("Version", "The actual version of the standard applying to the embedded XML document"),
        ("ConformanceLevel", "The conformance level of the embedded XML document"),
    )
)
EXTENSION = _SCHEMA.format(properties=_PROPERTIES).strip()


def attach(pdf: bytes, xml: bytes, *, title: str, at: datetime) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    root = writer._root_object
    stream = root["/Metadata"].get_object()
    said = stream.get_data().decode()
    metadata = DecodedStreamObject()
    metadata.update(
        {NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")}
    )
    metadata.set_data(said.replace("</rdf:RDF>", f"{EXTENSION}</rdf:RDF>").encode())
    root[NameObject("/Metadata")] = writer._add_object(metadata)

    file = DecodedStreamObject()
    file.set_data(xml)
    embedded = file.flate_encode()
    stamp = TextStringObject(f"D:{at.astimezone(UTC):%Y%m%d%H%M%S}Z")
    embedded.update(
        {
            NameObject("/Type"): NameObject("/EmbeddedFile"),
            NameObject("/Subtype"): NameObject("/text/xml"),
            NameObject("/Params"): DictionaryObject(
                {
                    NameObject("/CheckSum"): ByteStringObject(
                        hashlib.md5(xml, usedforsecurity=False).digest()
                    ),
                    NameObject("/ModDate"): stamp,
                    NameObject("/Size"): NumberObject(len(xml)),
                }
            ),
        }
    )
    content = writer._add_object(embedded)
    name = TextStringObject(NAME)
    spec = writer._add_object(
        DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Filespec"),
                NameObject("/AFRelationship"): NameObject("/Alternative"),
                NameObject("/Desc"): TextStringObject(f"{title} (EN 16931)"),
                NameObject("/F"): name,
                NameObject("/UF"): name,
                NameObject("/EF"): DictionaryObject({NameObject("/F"): content, NameObject("/UF"): content}),
            }
        )
    )
    root[NameObject("/AF")] = writer._add_object(ArrayObject([spec]))
    root[NameObject("/Names")] = DictionaryObject(
        {NameObject("/EmbeddedFiles"): DictionaryObject({NameObject("/Names"): ArrayObject([name, spec])})}
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
