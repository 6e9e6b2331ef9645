"""A photo made ready to be animated: decoded, checked, cropped, matted."""

from vasari.portrait.prepare import check_photo, make_portrait

__all__ = ["check_photo", "make_portrait"]
