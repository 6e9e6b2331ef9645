"""The names of ARKit's 52 blend shapes, as Live Link Face and the face landmarker order them."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SHAPES: tuple[str, ...] = _names(
    "EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft"
    " EyeWideLeft EyeBlinkRight EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight"
    " EyeSquintRight EyeWideRight JawForward JawRight JawLeft JawOpen MouthClose MouthFunnel"
    " MouthPucker MouthRight MouthLeft MouthSmileLeft MouthSmileRight MouthFrownLeft"
    " MouthFrownRight MouthDimpleLeft MouthDimpleRight MouthStretchLeft MouthStretchRight"
    " MouthRollLower MouthRollUpper MouthShrugLower MouthShrugUpper MouthPressLeft MouthPressRight"
    " MouthLowerDownLeft MouthLowerDownRight MouthUpperUpLeft MouthUpperUpRight BrowDownLeft"
    " BrowDownRight BrowInnerUp BrowOuterUpLeft BrowOuterUpRight CheekPuff CheekSquintLeft"
    " CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut"
)
"""The 52 ARKit shapes in the order and spelling of Live Link Face."""

ANGLES: tuple[str, ...] = _names(
    "HeadYaw HeadPitch HeadRoll LeftEyeYaw LeftEyePitch LeftEyeRoll RightEyeYaw RightEyePitch"
    " RightEyeRoll"
)
"""Radians. ARKit's axes: yaw + = towards the right of the picture, pitch + = down, roll + =
counter-clockwise in the picture (the opposite of `vasari.motion.pose`)."""

HEADER: tuple[str, ...] = ("Timecode", "BlendShapeCount", *SHAPES, *ANGLES)
"""Time, count, and the 61 numbers of Live Link Face."""

MEDIAPIPE: tuple[str, ...] = _names(
    "_neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff"
    " cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight"
    " eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight"
    " eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight"
    " mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel"
    " mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker"
    " mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft"
    " mouthSmileRight mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight"
    " noseSneerLeft noseSneerRight"
)
"""The 52 outputs of the face landmarker; the first is not a shape, and TongueOut is not among
them."""
