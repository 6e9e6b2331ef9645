"""From speech features to motion. A generator keeps nothing: its state is a value."""

from typing import Protocol, TypeVar

from vasari.types import Motion, SpeechFeatures

State = TypeVar("State")


class Generator(Protocol[State]):
    """Anything that moves a face to speech; motion has 25 frames a second, one per feature."""

    def init_state(self) -> State:
        """The state before the first frame."""

    def generate(self, state: State, features: SpeechFeatures) -> tuple[State, Motion]:
        """The motion of the next frames (T, 44) and the state after them.

        The same frames in other chunks give the same motion, bit for bit.
        """
