"""The words of the pages in a sense that a reader may not know, explained in plain English.

The list stands here once: the pages fold it away at their end, and `make docs` writes it into docs/glossary.md.
"""

from __future__ import annotations

from tasks.report.markup import Markup, tag

PAGE_WORDS = {
    "Film": "The video file, and what was found in it.",
    "Frame": "One picture of the film. A film has some 25 or 30 of them a second.",
    "Working size": "The size in pixels at which frames are kept and looked at, smaller than in the file. All pixels "
    "on a page are of this size, unless it says otherwise.",
    "Detection": "One object found in one frame, by a box around it, with a class such as person or car.",
    "Score": "How sure the network is, from 0 to 1. It is not the share of cases in which it is right.",
    "Track": "One person or object followed through the film, under one number. Who is lost and found again may have "
    "two.",
    "Filled in": "A box of a frame in which the object was not found, put between those before and after.",
    "Window": "Some seconds of film for which one action is named.",
    "By appearance": "The action by what the picture looks like, with the 400 names of the collection Kinetics-400. "
    "Scenery counts as well as movement.",
    "By motion": "The action by how the pixels of one person move, without what they look like. Pretrained motions are "
    "walk, run, jump and a few others, learned from rendered figures: every movement gets the nearest of these names, "
    "whether it is one of them or not. Labels of your own take their place.",
    "Fused": "Appearance and motion taken together.",
    "Confident, unsure": "A name is confident where its probability reaches a limit and the person is filmed as those "
    "were that the limit was set for; else it is the best guess, and called unsure. A confident name can be wrong, "
    "above all of an action that is not in the list of names.",
    "Optical flow": "How far and where to each pixel moves from one frame to the next.",
    "Features": "Numbers that say what each small square of a frame looks like, so that squares of the same kind of "
    "thing have similar ones.",
    "Semantic match": "Two places in two frames that look like the same kind of thing.",
    "Cell": "One of the small squares, of 8 pixels a side, that features and semantic matches are made for.",
    "IoU": "How well two outlines agree: the area that both cover, as a share of what either covers. 1 is equal.",
    "Field": "A map of each frame that says which class every pixel belongs to.",
    "Pose": "The places of a person's joints in a frame.",
    "H, body height": "The unit of lengths where metres are not known: 1 H is the height of that person.",
    "Bend": "The angle of a joint from straight: 0° is a straight leg or arm.",
    "Heel strike, cadence": "The moment at which a foot touches the ground after its swing, and the number of steps "
    "per minute.",
    "Base": "Where somebody stands: the middle of the lower edge of the box.",
    "Cut, shot": "A jump to another picture, and the film between two of them, fades and dissolves included. Nothing "
    "is followed from one shot into the next.",
    "Damaged, lost": "A frame that came out of the file with errors, and one that did not come out at all.",
    "Recipe": "What a file was made of: inputs, parameters, models and program versions, so that it can be made again.",
}
"""Word to what it means on a page."""
GLOSSARY_HEADING = "## Words on the pages\n"
"""Of the last part of docs/glossary.md, which is written by `make docs`."""


def render_page_words() -> Markup:
    """The words as a list that is folded away."""
    rows = [tag("div", tag("dt", word), tag("dd", meaning)) for word, meaning in PAGE_WORDS.items()]
    return tag("details", tag("summary", tag("code", "What the words on this page mean")), tag("dl", *rows), id="words")


def write_glossary_part(glossary: str) -> str:
    """The text of docs/glossary.md with its last part as PAGE_WORDS say."""
    kept = glossary.partition(GLOSSARY_HEADING)[0].rstrip("\n")
    lead = "In plain English, as the pages of films explain them to readers. Written by `make docs` from\n"
    lead += "[tasks/report/page_words.py](../tasks/report/page_words.py)."
    words = [f"**{word}.** {meaning}" for word, meaning in PAGE_WORDS.items()]
    return "\n\n".join([kept, GLOSSARY_HEADING + "\n" + lead, *words]) + "\n"
