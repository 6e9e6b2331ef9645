"""Teeth: the learned textures, and the light of a photo that falls on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from vasari.renderer.geometry import smoothstep
from vasari.types import Float, Image
from vasari.weights import load_bytes

_SHADE = 0.95
_WARMTH = 1.4
"""Teeth in speech against teeth in the smiles that were measured: lips open less, so light is less,
and more of it comes from red lips."""
_LAMP = 0.2
"""Added to the fitted share of a skin's hue that is light: complexions hide a part of it."""
_SKIN = (50, 280, 205, 425, 36, 266, 203, 423)


@dataclass(frozen=True)
class MouthTextures:
    """What mouths have in common.

    shade (50, 188, 3), alpha (50, 188): the upper teeth, colour relative to their brightness, as in
    white light; lower_shade, lower_alpha: the lower ones. brightness: (2,) slope and level of the
    brightness of teeth over that of skin, 0..255. tint, skin_hue: (3,) log of colour over
    brightness, of teeth and of skin; follow: (1,) the share of a skin's deviation from skin_hue
    that is the colour of light.
    """

    shade: Float
    alpha: Float
    lower_shade: Float
    lower_alpha: Float
    brightness: Float
    tint: Float
    skin_hue: Float
    follow: Float


def load_textures() -> MouthTextures:
    """The shipped textures, verified against the manifest."""
    return MouthTextures(**load(load_bytes("mouth")))


@dataclass(frozen=True)
class Light:
    """teeth: (3,) their colour in this photo, 0..255. colour: (3,) the brightness of teeth in the
    colour of the light, for red things. red: 0..1, how much of their own colour things keep."""

    teeth: Float
    colour: Float
    red: float


def light_of(image: Image, points: NDArray[np.float64], textures: MouthTextures) -> Light:
    """The light in this photo, by the skin of its cheeks.

    A photo without colour, or in shades of one, has skin of little colour: there, everything takes
    the skin's hue.
    """
    place = np.round(points[list(_SKIN)]).astype(int).clip(1, image.shape[0] - 2)
    samples = image[place[:, 1], place[:, 0]].astype(np.float32)
    skin = samples[np.argsort(samples.mean(1))][1:5].mean(0)  # the shaded half: a mouth is no cheek
    slope, level = textures.brightness.tolist()
    brightness = _SHADE * float(np.clip(slope * skin.mean() + level, 40, 235))
    hue = np.log(np.maximum(skin, 4) / max(4.0, float(skin.mean())))
    coloured = float(smoothstep(0.04, 0.18, np.array(hue[0] - hue[1])))  # red over green
    lamp = (textures.follow + _LAMP) * (hue - textures.skin_hue)
    teeth = brightness * np.exp((_WARMTH * textures.tint + lamp) * coloured + hue * (1 - coloured))
    colour = brightness * np.exp(lamp * coloured + hue * (1 - coloured))
    return Light(teeth.astype(np.float32), colour.astype(np.float32), coloured)


def lit(shade: Float, alpha: Float, light: Light) -> Float:
    """(h, w, 4) a texture in this light, premultiplied by alpha."""
    grey = shade.mean(2, keepdims=True)
    own = grey + light.red * (shade - grey)
    return np.concatenate([own * light.teeth * alpha[..., None], alpha[..., None]], 2).astype(
        np.float32
    )


def coloured(colour: Float, light: Light) -> Float:
    """(3,) a thing of this colour, relative to teeth, in this light."""
    grey = colour.mean()
    return np.asarray((grey + light.red * (colour - grey)) * light.colour, np.float32)
