"""Controls in time: a change begins at a frame and takes a while, so that nothing jumps."""

from dataclasses import dataclass, replace

from vasari.motion.controls import blend
from vasari.types import Controls

FADE_FRAMES = 10
"""Motion frames (0.4 s) that a change takes."""


@dataclass(frozen=True)
class Fade:
    """Controls as a value in time; never changed in place.

    aim: what was asked for last and has begun. before: what held when that began, at frame `since`.
    coming: changes that have not begun, with their frames, in order.
    """

    aim: Controls
    before: Controls | None = None
    since: int = 0
    coming: tuple[tuple[int, Controls], ...] = ()

    def then(self, controls: Controls, frame: int) -> "Fade":
        """The same with another change from this frame on; later ones that were planned stay."""
        coming = sorted((*self.coming, (frame, controls)), key=lambda change: change[0])
        return replace(self, coming=tuple(coming))

    def at(self, frame: int, most: int) -> tuple["Fade", Controls, int]:
        """The controls of a frame, and for how many frames from there, up to most, they hold.

        Returns the state to go on with, too. Frames must not go back.
        """
        state = self
        while state.coming and state.coming[0][0] <= frame:
            begin, aim = state.coming[0]
            start = None if begin == 0 else state._now(begin)
            state = Fade(aim, start, begin, state.coming[1:])
        still = state.before is None or frame - state.since >= FADE_FRAMES
        count = most if still else 1
        if state.coming:
            count = min(count, state.coming[0][0] - frame)
        return state, state._now(frame), count

    def _now(self, frame: int) -> Controls:
        passed = (frame - self.since + 1) / (FADE_FRAMES + 1)
        if self.before is None or passed >= 1.0:
            return self.aim
        share = max(0.0, passed)
        return blend(self.before, self.aim, share * share * (3.0 - 2.0 * share))
