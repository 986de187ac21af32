"""Draws a QR code of each text that a client sends: an SVG image back as text. The drawing is done by a library from PyPI."""

import io

import segno

from holdline import Message, Request, on_message


@on_message
def draw(request: Request, message: Message) -> None:
    if not message:
        request.send({"error": "there is nothing to draw"})
        return
    try:
        # Without a name of its own it would look for one, and import what it tries: there are no files to import from any more.
        code = segno.make_qr(message, encoding="utf-8")
    except segno.DataOverflowError:
        request.send({"error": "no QR code is large enough for that"})
        return
    request.send(svg(code))


def svg(code: segno.QRCode) -> str:
    image = io.BytesIO()
    code.save(image, kind="svg", xmldecl=False, nl=False, scale=4)
    return image.getvalue().decode()
