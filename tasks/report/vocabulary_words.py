"""What the pages say of the lists of names that actions are chosen from, and of what a name is worth."""

from __future__ import annotations

from tasks.synthetic.figures.figure_motions import MOTIONS

PRETRAINED = "synthetic"
"""Vocabulary of the motion stream without labels of a team's own."""
VOCABULARY_WORDS = {"kinetics-400": "Kinetics-400", PRETRAINED: "pretrained motions", "team": "your labels"}
NEAREST_OF = f"nearest of {len(MOTIONS)} pretrained motions"
*_BEFORE, _LAST = MOTIONS
PRETRAINED_WORDS = (
    f"Motions are named by the nearest of {len(MOTIONS)}: {', '.join(_BEFORE)} and {_LAST}, learned from rendered "
    "figures. A movement that is none of them, or looks unlike theirs, gets one of these names too, at times with 99%: "
    "who swings the arms may be called jump. Look at the film before you believe a name; ten labelled stretches of "
    "film teach names of your own."
)
