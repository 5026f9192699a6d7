from __future__ import annotations

import numpy as np

from tasks.classify.person_selection import select_longest_tracks
from tasks.streams.video_clips import ClipWindow


def test_of_people_present_as_long_the_earlier_identities_are_kept(make_frames, make_tracks) -> None:
    frames = make_frames(10)
    spans = [(n, 0, 8, "person") for n in (1, 2, 3)] + [(4, 0, 10, "person"), (5, 0, 10, "car")]
    people = select_longest_tracks(make_tracks(frames, *spans), 3)
    assert [person.track_id for person in people] == [1, 2, 4]
    assert people[2].frames.tolist() == list(range(10)) and people[2].xyxy.shape == (10, 4)
    assert select_longest_tracks(make_tracks(frames, *spans), 0) == ()


def test_across_a_cut_nothing_is_known_of_a_person(make_frames, make_tracks) -> None:
    """A track that goes on behind a cut may be anywhere there, and lead nowhere here."""
    (person,) = select_longest_tracks(make_tracks(make_frames(20), (1, 0, 20, "person")), 1)
    here = person.restrict_to(ClipWindow(np.arange(2, 10), looped=False, shot=(1, 11)))
    assert here.frames.tolist() == list(range(1, 12)) and (here.xyxy == person.xyxy[1:12]).all()
    assert not here.is_in(ClipWindow(np.arange(12, 20), looped=False, shot=(12, 19)))
