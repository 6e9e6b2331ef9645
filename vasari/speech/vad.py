"""Voice activity: the probability of voice in windows of 32 ms, by the silero-vad network (MIT)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vasari.runtime import Runtime
from vasari.types import SPEECH_RATE_HZ, Float, check_array

VAD_WINDOW = 512
VAD_CONTEXT = 64
SILENCE_DBFS = -50.0
"""A window whose root mean square is below this is silence, whatever the network thinks."""

VoiceNetwork = Callable[[Float, Float], tuple[float, Float]]
"""(1, 576) samples and the state (2, 1, 128) to the probability of voice and the next state."""


@dataclass(frozen=True)
class VadState:
    """hidden: (2, 1, 128), the network's memory; context: (64,) the samples before."""

    hidden: Float
    context: Float

    def __post_init__(self) -> None:
        check_array("hidden", self.hidden, (2, 1, 128), np.float32)
        check_array("context", self.context, (VAD_CONTEXT,), np.float32)


def init_vad() -> VadState:
    """The state before the first sample."""
    return VadState(np.zeros((2, 1, 128), np.float32), np.zeros(VAD_CONTEXT, np.float32))


def voice_network(runtime: Runtime) -> VoiceNetwork:
    """The shipped network, at 16 kHz."""
    model = runtime.model("voice_activity", threads=1)
    rate = np.array(SPEECH_RATE_HZ, np.int64)

    def network(samples: Float, hidden: Float) -> tuple[float, Float]:
        out = model.run({"input": samples, "state": hidden, "sr": rate})
        return float(out["output"].reshape(-1)[0]), np.asarray(out["stateN"], np.float32)

    return network


def voice_probability(
    state: VadState, samples: Float, network: VoiceNetwork
) -> tuple[VadState, float]:
    """The probability, 0..1, that one window of (512,) samples at 16 kHz holds voice."""
    probability, hidden = network(np.concatenate([state.context, samples])[None], state.hidden)
    power = float(np.mean(samples.astype(np.float64) ** 2))
    if power < 10 ** (SILENCE_DBFS / 10):
        probability = 0.0
    return VadState(hidden, samples[-VAD_CONTEXT:].copy()), probability
