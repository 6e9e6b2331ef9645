"""What the face takes from the speech: how much is being said, accents, ends of phrases."""

from dataclasses import dataclass, replace

from vasari.types import MOTION_FPS

ACCENT_REFRACTORY = round(0.44 * MOTION_FPS)
ACCENT_RISE = 0.10  # of the energy scale, above the running mean
PHRASE_END = round(0.16 * MOTION_FPS)  # a pause this long ends a phrase
PHRASE_MIN = round(0.6 * MOTION_FPS)  # speech shorter than this has no end worth marking

_FAST = 0.55  # share of the new value per frame, about 50 ms
_SLOW = 0.06  # about 0.65 s
_ATTACK = 0.16
_RELEASE = 0.05


@dataclass(frozen=True)
class CueState:
    """Running averages of energy and voice. Frames count from the last event."""

    fast: float = 0.0
    slow: float = 0.0
    talk_near: float = 0.0
    talk: float = 0.0
    above: bool = False
    since_accent: int = ACCENT_REFRACTORY
    spoken: int = 0
    silent: int = PHRASE_END + 1


@dataclass(frozen=True)
class Cues:
    """talk: 0..1, slow measure of speaking. accent: 0, or the strength 0..1 of one that begins."""

    talk: float
    accent: float
    phrase_end: bool


def step(state: CueState, energy: float, voiced: float) -> tuple[CueState, Cues]:
    """One motion frame. energy and voiced: 0..1."""
    fast = state.fast + _FAST * (energy - state.fast)
    slow = state.slow + _SLOW * (energy - state.slow)
    rate = _ATTACK if voiced > state.talk_near else _RELEASE
    near = state.talk_near + rate * (voiced - state.talk_near)
    talk = state.talk + 0.15 * (near - state.talk)

    speaking = voiced > 0.5
    rise = fast - slow
    above = rise > ACCENT_RISE
    begins = above and not state.above and speaking and state.since_accent >= ACCENT_REFRACTORY
    accent = min(1.0, 0.4 + 2.0 * (rise - ACCENT_RISE)) if begins else 0.0

    silent = 0 if speaking else state.silent + 1
    spoken = state.spoken + 1 if speaking else state.spoken
    phrase_end = silent == PHRASE_END and spoken >= PHRASE_MIN
    if silent >= PHRASE_END:
        spoken = 0
    new = replace(
        state,
        fast=fast,
        slow=slow,
        talk_near=near,
        talk=talk,
        above=above,
        since_accent=0 if begins else state.since_accent + 1,
        spoken=spoken,
        silent=silent,
    )
    return new, Cues(talk=talk, accent=accent, phrase_end=phrase_end)
