from __future__ import annotations

import numpy as np

from tasks.classify.person_selection import select_longest_tracks, select_present
from tasks.streams.video_clips import ClipWindow


def test_of_people_present_as_long_the_earlier_identities_are_kept(make_frames, make_tracks) -> None:
    frames = make_frames(10)
    spans = [(n, 0, 8, "person") for n in (1, 2, 3)] + [(4, 0, 10, "person"), (5, 0, 10, "car")]
    people = select_longest_tracks(make_tracks(frames, *spans), 3)
    assert [person.track_id for person in people] == [1, 2, 4]
    assert people[2].frames.tolist() == list(range(10)) and people[2].xyxy.shape == (10, 4)
    assert select_longest_tracks(make_tracks(frames, *spans), 0) == ()


def test_a_person_is_judged_where_they_are_tracked_for_half_of_a_window(make_frames, make_tracks) -> None:
    (person,) = select_longest_tracks(make_tracks(make_frames(20), (1, 4, 12, "person")), 1)

    def window(first: int, stop: int) -> ClipWindow:
        return ClipWindow(np.arange(first, stop), looped=False, shot=(0, 19))

    assert len(select_present([person], window(0, 8))) == 1  # frames 4 to 7
    assert select_present([person], window(0, 7)) == []
    assert len(select_present([person], window(8, 16))) == 1
    assert select_present([person], window(12, 20)) == []


def test_across_a_cut_nothing_is_known_of_a_person(make_frames, make_tracks) -> None:
    """A track that goes on behind a cut may be anywhere there, and lead nowhere here."""
    (person,) = select_longest_tracks(make_tracks(make_frames(20), (1, 0, 20, "person")), 1)
    window = ClipWindow(np.arange(2, 10), looped=False, shot=(1, 11))
    (here,) = select_present([person], window)
    assert here.frames.tolist() == list(range(1, 12)) and (here.xyxy == person.xyxy[1:12]).all()
    beyond = ClipWindow(np.arange(12, 20), looped=False, shot=(12, 19))
    assert select_present([here], beyond) == []
