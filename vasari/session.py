"""Session: speech in, frames out. The one place where the stages meet, offline and live.

Sans-I/O: nothing here reads a clock, a file or a socket. Push audio as it comes, take the frames
that are ready. `vasari.render` drives it with a whole file, a server with a microphone.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vasari.errors import InvalidInput, InvalidOption
from vasari.generator.lips import LipGenerator
from vasari.motion import controls as motion_controls
from vasari.motion import idle, layout, resample
from vasari.motion.basis import Basis, load_basis
from vasari.motion.brows import brow_direction
from vasari.motion.emotions import load_emotions
from vasari.motion.fade import Fade
from vasari.motion.retarget import frames_at
from vasari.provenance.consent import Consent
from vasari.renderer.compose import Renderer, RendererAssets, load_assets
from vasari.runtime import Runtime
from vasari.soundtrack import Loudness, Soundtrack
from vasari.speech.rate import To16k
from vasari.speech.stream import SpeechStream
from vasari.types import MOTION_FPS, Controls, Float, Frame, Motion, Portrait, SpeechFeatures

FPS_CHOICES = (25, 30, 40, 50, 60)
_INTERRUPT_FRAMES = 3
"""Motion frames (120 ms) over which the mouth moves to its new course after an interruption."""


@dataclass(frozen=True)
class Engine:
    """The models that all sessions of a process share; read-only once loaded."""

    runtime: Runtime
    basis: Basis
    generator: LipGenerator
    speech: SpeechStream
    assets: RendererAssets
    emotions: Float  # (7, 44) what each emotion adds, see `vasari.motion.emotions`

    @staticmethod
    def load(threads: int | None = None) -> "Engine":
        """Load and verify everything a session needs. threads: default all this process may use."""
        runtime = Runtime(threads)
        return Engine(
            runtime=runtime,
            basis=load_basis(),
            generator=LipGenerator(runtime),
            speech=SpeechStream.from_runtime(runtime),
            assets=load_assets(runtime),
            emotions=load_emotions(),
        )


def check_fps(fps: int) -> None:
    """Raise InvalidOption (bad_fps) unless output can have this many frames a second."""
    if fps not in FPS_CHOICES:
        choices = ", ".join(map(str, FPS_CHOICES))
        raise InvalidOption(f"fps is {fps}.", code="bad_fps", fix=f"Choose one of {choices}.")


class Session:
    """One face that speaks what is pushed.

    Args:
        portrait: the face, from `vasari.make_portrait`.
        engine: the shared models, from `Engine.load`.
        consent: on what ground this person's face is used.
        sample_rate_hz, channels: of the audio that will be pushed.
        fps: 25, 30, 40, 50 or 60.
        size: "crop" gives 512x512 frames, "photo" the whole photo at its own size.
        controls: may be changed at any time with `set_controls`.
        seed: same seed, same audio, same motion, bit for bit.
        motion: plays this motion instead of generating one; audio then only sets the length.
        lips: "audio" moves the lips to the sound all the same.

    Raises:
        InvalidOption: fps or a control is out of range.
    """

    def __init__(
        self,
        portrait: Portrait,
        engine: Engine,
        *,
        consent: Consent,
        sample_rate_hz: int,
        channels: int = 1,
        fps: int = 25,
        size: Literal["crop", "photo"] = "crop",
        controls: Controls | None = None,
        seed: int = 0,
        motion: Motion | None = None,
        lips: Literal["motion", "audio"] = "motion",
    ) -> None:
        check_fps(fps)
        self.consent = consent
        self.fps = fps
        self.sample_rate_hz = sample_rate_hz
        self.generation = 0
        self._portrait = portrait
        self._engine = engine
        self._size = size
        self._renderer = Renderer(portrait, engine.basis, engine.assets)
        self._brows = brow_direction(engine.basis.canonical, engine.basis.upper)
        motion_controls.validate(controls or Controls())
        self._controls = Fade(controls or Controls())
        self._audio = Soundtrack(channels)
        self._idle = idle.init_state(seed)
        self._frame = 0
        self._pending: deque[tuple[Float, bool]] = deque()
        self._driven = motion
        self._speaks = motion is None or lips == "audio"
        self._driven_frame = 0
        self._shown = portrait.motion
        self._ramp = 0
        self._speech = engine.speech.init_state()
        self._resampling = resample.init_state(fps)
        self._begin_segment(0)

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) px of the frames."""
        picture = self._portrait.photo if self._size == "photo" else self._portrait.image
        return picture.shape[1], picture.shape[0]

    def set_controls(self, controls: Controls, at_s: float | None = None) -> None:
        """Move as these controls say, from the next motion frame on or from a time on.

        The change takes 0.4 s, so that nothing jumps; before the first frame it is immediate.
        at_s: seconds of this session's sound at which the change begins.
        """
        motion_controls.validate(controls)
        frame = self._motion_frame if at_s is None else round(at_s * MOTION_FPS)
        self._controls = self._controls.then(controls, max(frame, self._motion_frame))

    def push_audio(self, samples: Float) -> None:
        """Append audio (n, channels) or (n,), float32 in -1..1, at the session's sample rate.

        Raises:
            InvalidInput: wrong shape, or NaN and infinity (code bad_audio).
        """
        block = np.asarray(samples, np.float32)
        block = block[:, None] if block.ndim == 1 else block
        if block.ndim != 2 or block.shape[1] != self._audio.channels:
            raise InvalidInput(
                f"Audio has shape {np.shape(samples)}.",
                code="bad_audio",
                fix=f"Push arrays of shape (n, {self._audio.channels}).",
            )
        if not bool(np.isfinite(block).all()):
            raise InvalidInput(
                "Audio holds NaN or infinity.", code="bad_audio", fix="Push finite samples."
            )
        self._audio.push(block)
        self._hear(block.mean(1), last=False)

    def end_segment(self) -> None:
        """The speech pushed so far is complete: make all of its frames ready."""
        samples = self._audio.end - self._segment_start
        if samples == 0:
            return
        self._hear(np.zeros(0, np.float32), last=True)
        self._speech, features = self._engine.speech.flush(self._speech)
        self._advance(features)
        total = -(-samples * self.fps // self.sample_rate_hz)
        self._resampling, values = resample.flush(self._resampling, total)
        self._pending.extend((vector, False) for vector in values)
        if self._pending:
            self._pending[-1] = (self._pending[-1][0], True)
        next_frame = self._frame + len(self._pending)
        boundary = next_frame * self.sample_rate_hz // self.fps
        self._audio.push(np.zeros((boundary - self._audio.end, self._audio.channels), np.float32))
        self._begin_segment(boundary)

    def clear_buffer(self) -> int:
        """Barge-in: drop audio and frames not yet taken; the mouth goes on from where it is shown.

        Returns:
            How many samples had been given out, counted from the session's start.
        """
        played = self._audio.start
        self.generation += 1
        self._pending.clear()
        self._audio = Soundtrack(self._audio.channels, start=played)
        self._ramp = _INTERRUPT_FRAMES
        self._begin_segment(played)
        return played

    def frames(self) -> Iterator[Frame]:
        """The frames that are ready now, oldest first; each is rendered as it is taken."""
        while self._pending:
            vector, last = self._pending.popleft()
            index, generation = self._frame, self.generation
            self._frame += 1
            self._shown = vector
            sound = self._audio.take((index + 1) * self.sample_rate_hz // self.fps)
            if self._size == "photo":
                image = self._renderer.render_photo(vector)
            else:
                image = self._renderer.render(vector)
            if generation == self.generation:
                yield Frame(index, image, sound, vector, end_of_segment=last)

    def _begin_segment(self, first_sample: int) -> None:
        self._segment_start = first_sample
        self._motion_frame = first_sample * MOTION_FPS // self.sample_rate_hz
        self._rate = To16k(self.sample_rate_hz)
        self._loudness = Loudness(self.sample_rate_hz)
        self._speech = self._engine.speech.init_state()
        self._lips = self._engine.generator.init_state()
        self._resampling = resample.init_state(self.fps)

    def _hear(self, mono: Float, last: bool) -> None:
        self._loudness.push(mono)
        pcm = self._rate.push(mono, last=last)
        self._speech, features = self._engine.speech.push(self._speech, pcm)
        self._advance(features)

    def _advance(self, features: SpeechFeatures) -> None:
        """Turn speech features into output frames waiting to be rendered."""
        n = len(features.voiced)
        if n == 0:
            return
        energy = idle.speech_energy(self._loudness.take(n))
        reference: Literal["portrait", "camera"] = "portrait"
        if self._driven is not None:
            values = frames_at(self._driven, self._driven_frame, n)
            reference = self._driven.pose_reference
            self._driven_frame += n
        else:
            self._idle, values = idle.idle(
                self._idle, energy, features.voiced, self._controls.aim, self._brows
            )
        if self._speaks:
            self._lips, spoken = self._engine.generator.generate(self._lips, features)
            values[:, layout.MOUTH] = spoken.values[:, layout.MOUTH]
        moved = self._ramped(self._controlled(values, reference))
        self._resampling, out = resample.push(self._resampling, moved)
        self._pending.extend((vector, False) for vector in out)

    def _controlled(self, values: Float, reference: Literal["portrait", "camera"]) -> Float:
        """Motion as the controls of each frame want it."""
        out = np.empty_like(values)
        done = 0
        while done < len(values):
            self._controls, now, count = self._controls.at(self._motion_frame, len(values) - done)
            out[done : done + count] = motion_controls.apply(
                values[done : done + count],
                now,
                self._portrait.motion,
                reference,
                self._engine.emotions,
            )
            self._motion_frame += count
            done += count
        return out

    def _ramped(self, moved: Float) -> Float:
        for row in moved[: self._ramp]:
            share = self._ramp / (_INTERRUPT_FRAMES + 1)
            row += share * (self._shown - row)
            self._ramp -= 1
        return moved
