"""The lips of one frame of speech at a time, shut and still where nobody speaks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vasari.motion import layout
from vasari.runtime import Runtime
from vasari.types import MOTION_FPS, Float, Motion, SpeechFeatures, check_array

HIDDEN = 192
"""Size of the network's memory."""

_VOICE_ON, _VOICE_OFF = 0.5, 0.45
"""Probability of voice at which the mouth starts to move, and under which it stops."""
_RISE, _FALL = 1 / 3, 1 / 4
"""Share of the way per frame: 120 ms to open, 160 ms to shut."""
_HOLD = 2
"""Frames (80 ms) of no voice that still count as speech: a stop's closure, a soft fricative."""

LipNetwork = Callable[[Float, Float], tuple[Float, Float]]
"""(1, 2304) features and the memory (1, 1, 192) to the mouth (1, 24) and the next memory."""


@dataclass(frozen=True)
class LipState:
    """hidden: (1, 1, 192) memory of the network. gate: 0 shut to 1 speaking.

    speaking: whether there is voice now. held: frames since there was, 0..3.
    """

    hidden: Float
    gate: float = 0.0
    speaking: bool = False
    held: int = 0

    def __post_init__(self) -> None:
        check_array("hidden", self.hidden, (1, 1, HIDDEN), np.float32)


class LipGenerator:
    """Moves the mouth to speech. Holds the network and no other state: one serves many streams.

    Args:
        runtime: makes the network `lips`. network: another one, for tests.
    """

    def __init__(self, runtime: Runtime | None = None, network: LipNetwork | None = None) -> None:
        if network is None:
            if runtime is None:
                raise ValueError("a LipGenerator needs a runtime or a network")
            network = _shipped(runtime)
        self._network = network

    def init_state(self) -> LipState:
        """The state before the first frame: at rest."""
        return LipState(np.zeros((1, 1, HIDDEN), np.float32))

    def generate(self, state: LipState, features: SpeechFeatures) -> tuple[LipState, Motion]:
        """Motion of the next frames at 25 frames a second, at rest except for MOUTH.

        Frames run through the network one at a time, so that chunks cannot change a bit.
        """
        values = np.tile(layout.rest(), (len(features.voiced), 1))
        for row, heard, voiced in zip(
            values, features.values, features.voiced.tolist(), strict=True
        ):
            mouth, hidden = self._network(heard[None], state.hidden)
            state = _gated(hidden, state, voiced)
            row[layout.MOUTH] = _eased(state.gate) * mouth[0]
        return state, Motion(values, float(MOTION_FPS), "portrait", source="vasari lips")


def _gated(hidden: Float, state: LipState, voiced: float) -> LipState:
    """The next state; the gate opens at once with voice and shuts after the hold."""
    speaking = voiced >= (_VOICE_OFF if state.speaking else _VOICE_ON)
    held = 0 if speaking else min(_HOLD + 1, state.held + 1)
    open_now = speaking or (held <= _HOLD and state.gate > 0)
    gate = min(1.0, state.gate + _RISE) if open_now else max(0.0, state.gate - _FALL)
    return LipState(hidden, gate, speaking, held)


def _eased(gate: float) -> np.float32:
    """Smooth start and end of a ramp."""
    return np.float32(gate * gate * (3 - 2 * gate))


def _shipped(runtime: Runtime) -> LipNetwork:
    # A frame takes half a million multiplications: threads would cost more than they save.
    model = runtime.model("lips", threads=1)

    def network(features: Float, hidden: Float) -> tuple[Float, Float]:
        out = model.run({"features": features, "h_in": hidden})
        return np.asarray(out["mouth"], np.float32), np.asarray(out["h_out"], np.float32)

    return network
