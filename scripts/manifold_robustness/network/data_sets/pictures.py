"""Pictures from files of many kinds, as they are: red, green and blue, upright, on white.

What a file's values mean is taken from their type alone, so that no two pictures of a folder are
scaled differently: whole numbers by the range of their bits, floats as they stand.
"""

import numpy as np
import torch
from PIL import Image, ImageOps

from ...errors import DataError
from ...names import printable

# Known by their first bytes, whatever the file is called. None of them starts another program.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
BITS, WHITE_IS_ZERO = 258, (262, 0)  # tags of TIFF


def read_picture(path: str) -> Image.Image | torch.Tensor:
    """Return the picture that a file holds; the first one of a file with several.

    An orientation in its EXIF data is applied, and what is transparent stands on white.

    Returns
    -------
    PIL.Image.Image or torch.Tensor
        Of the mode RGB; or where the file has more than 8 bits per pixel of grey, float32
        (3, height, width) in [0, 1].

    Raises
    ------
    DataError
        For a file that is no picture or damaged, a picture of more pixels than Pillow decodes
        (``2 * PIL.Image.MAX_IMAGE_PIXELS``; known from its header), and one whose values don't say
        what white is. It names the file.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            _require_whole_range(image, path)
            image.load()
            return _deep(image, path) if _is_deep(image) else _eight_bits(_upright(image))
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        most = 2 * Image.MAX_IMAGE_PIXELS / 1e6
        raise DataError(
            f"data.root: need images of at most {most:.0f} megapixels. Got {printable(path)} with "
            "more; shrink or remove it."
        ) from error
    except Exception as error:  # of a damaged file, decoders raise whatever they come upon
        raise DataError(
            f"data.root: need images that can be read. Got {printable(path)} "
            f"({printable(str(error))}); mend or remove it."
        ) from error


def _is_deep(image):
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _require_whole_range(image, path):
    """Whole numbers of 32 bits, or with a sign, never fill their range: white is unknown."""
    if image.mode == "I" and image.format == "TIFF":
        low, high = image.getextrema()
        raise DataError(_no_scale(path, f"other whole numbers from {low} to {high}"))


def _no_scale(path, found):
    return (
        "data.root: need images of 8 or 16 bits without a sign, or of floats from 0 to 1. Got "
        f"{printable(path)} with {found}; scale and save it anew, or remove it."
    )


def _eight_bits(image):
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _deep(image, path):
    """Grey of more than 8 bits, which mode RGB would clip."""
    tags = getattr(image, "tag_v2", {})
    image = _upright(image)
    values = np.array(image, dtype=np.float32)
    if image.mode == "F":
        low, high = values.min(), values.max()
        if not (low >= 0 and high <= 1):  # nor where one is no number
            raise DataError(_no_scale(path, f"floats from {low:g} to {high:g}"))
    else:
        clear = values == image.info.get("transparency")
        values /= 2 ** tags.get(BITS, (16,))[0] - 1
        values[clear] = 1
    if tags.get(WHITE_IS_ZERO[0]) == WHITE_IS_ZERO[1]:
        values = 1 - values
    return torch.from_numpy(values).expand(3, -1, -1)


def _upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # EXIF data that can't be read say nothing
        return image
