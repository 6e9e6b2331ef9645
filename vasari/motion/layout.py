"""The layout of a motion vector, and the landmark groups that give its numbers a place on a face.

| slice       | size | unit                                                                       |
|-------------|------|----------------------------------------------------------------------------|
| ROTATION    | 3    | radians: pitch, yaw, roll; convention in `vasari.motion.pose`              |
| TRANSLATION | 3    | x right, y down in face widths; log of scale (> 0 = nearer)                |
| MOUTH       | 24   | coefficients of the mouth basis, unit variance on speech, 0 = at rest      |
| UPPER       | 10   | coefficients of the brow, cheek and nose basis, same                       |
| LIDS        | 2    | opening, image-left eye then image-right eye: 0 closed, 1 at rest, > 1 wide |
| GAZE        | 2    | radians relative to the head: yaw (+ = image right), pitch (+ = down)      |
"""

import numpy as np
from numpy.typing import NDArray

LAYOUT_VERSION = 1

ROTATION = slice(0, 3)
TRANSLATION = slice(3, 6)
MOUTH = slice(6, 30)
UPPER = slice(30, 40)
LIDS = slice(40, 42)
GAZE = slice(42, 44)
DIM = 44

N_MOUTH = MOUTH.stop - MOUTH.start
N_UPPER = UPPER.stop - UPPER.start


def rest() -> NDArray[np.float32]:
    """(44,) the motion vector of a face at rest, looking straight ahead."""
    vector = np.zeros(DIM, np.float32)
    vector[LIDS] = 1.0
    return vector


def _ids(text: str) -> NDArray[np.intp]:
    return np.array(text.split(), dtype=np.intp)


# MediaPipe face mesh indices. "left" and "right" are the image's, not the subject's.
LIPS_OUTER_UPPER = _ids("61 185 40 39 37 0 267 269 270 409 291")
LIPS_OUTER_LOWER = _ids("61 146 91 181 84 17 314 405 321 375 291")
LIPS_INNER_UPPER = _ids("78 191 80 81 82 13 312 311 310 415 308")
LIPS_INNER_LOWER = _ids("78 95 88 178 87 14 317 402 318 324 308")
LIPS = np.unique(
    np.concatenate([LIPS_OUTER_UPPER, LIPS_OUTER_LOWER, LIPS_INNER_UPPER, LIPS_INNER_LOWER])
)

# Outer corner, lid margin, inner corner; upper and lower rows match point by point.
EYE_LEFT_UPPER = _ids("33 246 161 160 159 158 157 173 133")
EYE_LEFT_LOWER = _ids("33 7 163 144 145 153 154 155 133")
EYE_RIGHT_UPPER = _ids("263 466 388 387 386 385 384 398 362")
EYE_RIGHT_LOWER = _ids("263 249 390 373 374 380 381 382 362")
IRIS_LEFT = _ids("468 469 470 471 472")  # centre first
IRIS_RIGHT = _ids("473 474 475 476 477")

BROW_LEFT = _ids("70 63 105 66 107 46 53 52 65 55")
BROW_RIGHT = _ids("300 293 334 296 336 276 283 282 295 285")

FACE_OVAL = _ids(
    "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 148 176 149 150"
    " 136 172 58 132 93 234 127 162 21 54 103 67 109"
)
FACE_WIDTH = (234, 454)

# Points that do not move with expression: forehead, temples, bridge of the nose.
RIGID = _ids(
    "10 338 297 332 284 251 389 109 67 103 54 21 162 151 9 8 168 6 197 195 5 4 127 356 234 454"
    " 33 133 362 263"
)
