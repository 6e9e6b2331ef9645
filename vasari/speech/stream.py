"""Speech in chunks to features in chunks; offline is the same stream, collected.

The state is a value: `push` and `flush` return the next one and change nothing. The numbers do not
depend on how the sound was cut into chunks, bit for bit, because every window is made of the same
samples and runs through the networks alone.
"""

from dataclasses import dataclass, replace

import numpy as np

from vasari.runtime import Runtime
from vasari.speech.features import (
    FEATURE_DIM,
    FRAME,
    LOOKAHEAD,
    WINDOW,
    Encoder,
    encode_window,
    frames_in,
    window_of,
)
from vasari.speech.vad import (
    VAD_WINDOW,
    VadState,
    VoiceNetwork,
    init_vad,
    voice_network,
    voice_probability,
)
from vasari.types import Float, SpeechFeatures, check_array


@dataclass(frozen=True)
class SpeechState:
    """Where a stream of speech stands.

    audio: the samples kept; its first is sample number `start` of the stream (negative: the
    silence before it). received: samples pushed so far. frames: frames given so far.
    vad_windows: voice windows judged so far; voices: probabilities of the last of them.
    """

    audio: Float
    start: int
    received: int
    frames: int
    vad: VadState
    vad_windows: int
    voices: tuple[float, ...]


class SpeechStream:
    """Makes speech features. Holds the networks and no other state, so one serves many streams."""

    def __init__(self, encoder: Encoder, voice: VoiceNetwork) -> None:
        self._encoder = encoder
        self._voice = voice

    @classmethod
    def from_runtime(cls, runtime: Runtime, threads: int | None = None) -> "SpeechStream":
        """With the shipped networks."""
        model = runtime.model("whisper_encoder", threads=threads)
        return cls(lambda mel: model.run({"mel": mel})["tokens"], voice_network(runtime))

    def init_state(self) -> SpeechState:
        """The state before the first sample; silence lies before it."""
        start = window_of(0)[0]
        return SpeechState(np.zeros(-start, np.float32), start, 0, 0, init_vad(), 0, ())

    def push(self, state: SpeechState, pcm: Float) -> tuple[SpeechState, SpeechFeatures]:
        """Take (n,) mono samples at 16 kHz, -1..1; give the features of the frames now complete.

        Frame k is complete when sample 640 k + 1600 has come. Raises ValueError for samples that
        are not one-dimensional, finite float32.
        """
        check_array("pcm", pcm, (None,), np.float32)
        return self._advance(_extended(state, pcm))

    def flush(self, state: SpeechState) -> tuple[SpeechState, SpeechFeatures]:
        """Give the frames that are left, as if silence followed, and a fresh state.

        In all, n samples give ceil(n / 640) frames.
        """
        total = frames_in(state.received)
        if total == state.frames:
            return self.init_state(), _collect([], [])
        missing = window_of(total - 1)[1] - state.received
        state = _extended(state, np.zeros(max(0, missing), np.float32))
        _, chunk = self._advance(state, total)
        return self.init_state(), chunk

    def features(self, pcm: Float) -> SpeechFeatures:
        """The features of a whole recording: (n,) mono samples at 16 kHz."""
        state, first = self.push(self.init_state(), pcm)
        _, last = self.flush(state)
        values = np.concatenate([first.values, last.values])
        return SpeechFeatures(values, np.concatenate([first.voiced, last.voiced]))

    def _advance(
        self, state: SpeechState, until: int | None = None
    ) -> tuple[SpeechState, SpeechFeatures]:
        state = self._judge(state)
        values: list[Float] = []
        voiced: list[float] = []
        frame = state.frames
        while window_of(frame)[1] <= state.received and frame != until:
            first = window_of(frame)[0] - state.start
            values.append(encode_window(state.audio[first : first + WINDOW], self._encoder))
            voiced.append(_voice_of(state, frame))
            frame += 1
        return _trimmed(replace(state, frames=frame)), _collect(values, voiced)

    def _judge(self, state: SpeechState) -> SpeechState:
        """Voice activity of all windows that are complete."""
        vad, count, voices = state.vad, state.vad_windows, list(state.voices)
        while (count + 1) * VAD_WINDOW <= state.received:
            first = count * VAD_WINDOW - state.start
            samples = state.audio[first : first + VAD_WINDOW]
            vad, probability = voice_probability(vad, samples, self._voice)
            voices.append(probability)
            count += 1
        return replace(state, vad=vad, vad_windows=count, voices=tuple(voices))


def _voice_of(state: SpeechState, frame: int) -> float:
    """The loudest claim among the voice windows that touch the frame or end within its look-ahead.

    Voice counts a little before it sounds: lips part before the first sample.
    """
    first = frame * FRAME // VAD_WINDOW
    last = (frame * FRAME + LOOKAHEAD) // VAD_WINDOW
    known = state.vad_windows - len(state.voices)
    return max(state.voices[first - known : last - known])


def _extended(state: SpeechState, pcm: Float) -> SpeechState:
    audio = np.concatenate([state.audio, pcm])
    return replace(state, audio=audio, received=state.received + len(pcm))


def _trimmed(state: SpeechState) -> SpeechState:
    """Forget what no frame to come needs."""
    start = min(window_of(state.frames)[0], state.vad_windows * VAD_WINDOW)
    known = state.vad_windows - len(state.voices)
    spare = max(0, state.frames * FRAME // VAD_WINDOW - known)
    return replace(
        state,
        audio=state.audio[start - state.start :].copy(),
        start=start,
        voices=state.voices[spare:],
    )


def _collect(values: list[Float], voiced: list[float]) -> SpeechFeatures:
    stacked = np.stack(values) if values else np.zeros((0, FEATURE_DIM), np.float32)
    return SpeechFeatures(stacked, np.array(voiced, np.float32))
