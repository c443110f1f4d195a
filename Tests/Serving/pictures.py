"""What schemathesis sends where the description asks for a picture's bytes: a black bar on uneven paper. Which format it is,
the bytes themselves tell the server.
"""

import schemathesis
from hypothesis import strategies as st


def picture(width, height):
    def file(noise):
        pixels = bytearray(value | 0xF8 for value in noise)
        for y in range(2, height - 2):
            pixels[y * width + width // 2 - 1 : y * width + width // 2 + 2] = bytes(3)
        return b"P5 %d %d 255\n" % (width, height) + pixels

    return st.binary(min_size=width * height, max_size=width * height).map(file)


pictures = st.tuples(st.integers(12, 40), st.integers(12, 40)).flatmap(lambda size: picture(*size))
for kind in ["jpeg", "png", "webp", "heic", "avif", "x-portable-graymap", "x-portable-pixmap"]:
    schemathesis.openapi.media_type(f"image/{kind}", pictures)
schemathesis.openapi.media_type("application/octet-stream", pictures)
