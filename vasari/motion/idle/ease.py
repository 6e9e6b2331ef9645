"""Smooth steps and bumps: position, speed and acceleration without jumps."""

from dataclasses import dataclass


def smooth_step(u: float) -> float:
    """0 for u <= 0, 1 for u >= 1, the minimum-jerk polynomial between (Flash & Hogan 1985)."""
    if u <= 0.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


@dataclass(frozen=True)
class Bump:
    """Goes from 0 to `size` in `rise` frames and back in `fall` frames, from frame `start` on."""

    start: int
    rise: float
    fall: float
    size: tuple[float, ...]

    def at(self, frame: int) -> float:
        """Height at a frame, 0..1; multiply by `size`."""
        t = frame - self.start
        return smooth_step(t / self.rise) - smooth_step((t - self.rise) / self.fall)

    def over(self, frame: int) -> bool:
        """Whether it is back at 0 for good."""
        return frame - self.start >= self.rise + self.fall


def total(bumps: tuple[Bump, ...], frame: int, width: int) -> list[float]:
    """Sum of bumps at a frame, one number per component of `size`."""
    sums = [0.0] * width
    for bump in bumps:
        height = bump.at(frame)
        for i in range(width):
            sums[i] += height * bump.size[i]
    return sums
