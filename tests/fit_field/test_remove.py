"""A thing taken out, and layers that move by themselves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.fit_field.clip import Motion
from tasks.fit_field.layer import affine_of, places
from tasks.fit_field.layers import layers_of
from tasks.fit_field.remove import Window, removed

HEIGHT, WIDTH, FRAMES = 60, 96, 9


def painted(seed: int, light: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
    return np.clip(light + 60 * cv2.GaussianBlur(noise, (0, 0), 1.5) / 0.2, 0, 255).astype(np.uint8)


def block(left: int, top: int, side: int = 18) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[top : top + side, max(0, left) : left + side] = True
    return mask


@pytest.fixture(scope="module")
def film() -> dict:
    """A ground that the camera passes by 1 px a frame, and a block that moves the other way by 4."""
    ground, cloth = painted(0, 90), painted(1, 160)
    masks = [block(4 + 4 * frame, 20) for frame in range(FRAMES)]
    clean = [np.roll(ground, -frame, axis=1) for frame in range(FRAMES)]
    images = [np.where(mask[..., None], np.roll(cloth, 4 * n, axis=1), back) for n, (mask, back) in
              enumerate(zip(masks, clean, strict=True))]  # fmt: skip
    motions = {}
    for frame in range(FRAMES - 1):
        now, after = masks[frame], masks[frame + 1]
        forward, backward = np.zeros((2, HEIGHT, WIDTH, 2), np.float32)
        forward[..., 0], backward[..., 0] = np.where(now, 4, -1), np.where(after, -4, 1)
        motions[frame] = Motion(forward, backward, now | ~after, after | ~now)
    camera = np.array([[1, 0, -1], [0, 1, 0], [0, 0, 1.0]])
    return {
        "images": images,
        "masks": masks,
        "clean": clean,
        "motions": motions,
        "cameras": dict.fromkeys(motions, camera),
    }


def window(film: dict, **changed: object) -> Window:
    given = {name: film[name] for name in ("images", "motions", "cameras", "masks")} | changed
    return Window(**given)


def error(found: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    return float(((found.astype(float) - truth)[where] ** 2).mean())


def test_what_other_frames_see_takes_the_place_of_the_thing(film: dict) -> None:
    frame = 4
    ((number, found),) = removed(window(film), [frame])
    mask = film["masks"][frame]
    filled = cv2.inpaint(film["images"][frame], mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    assert number == frame
    assert error(found, film["clean"][frame], mask) < 0.05 * error(filled, film["clean"][frame], mask)
    away = ~window(film).hidden[frame]
    assert (found[away] == film["images"][frame][away]).all()


def test_light_that_changes_is_allowed_for(film: dict) -> None:
    darker = [image if n != 4 else (image * 0.6).astype(np.uint8) for n, image in enumerate(film["images"])]
    ((_, found),) = removed(window(film, images=darker), [4])
    mask = film["masks"][4]
    assert error(found, film["clean"][4] * 0.6, mask) < 0.1 * error(found, film["clean"][4], mask)


def test_a_frame_without_the_thing_stays(film: dict) -> None:
    masks = [np.zeros_like(mask) for mask in film["masks"]]
    ((_, found),) = removed(window(film, masks=masks), [2])
    assert (found == film["images"][2]).all()


def test_what_no_frame_sees_is_filled_from_its_surroundings(film: dict) -> None:
    alone = window(film, motions={}, cameras={})
    ((_, found),) = removed(alone, [4])
    hole = alone.hidden[4].astype(np.uint8)
    assert (found == cv2.inpaint(film["images"][4], hole, 3, cv2.INPAINT_TELEA)).all()


def test_a_layer_is_followed_from_frame_to_frame_and_beyond(film: dict) -> None:
    nothing = {frame: np.zeros((HEIGHT, WIDTH), np.bool_) for frame in range(FRAMES)}
    (layer,) = layers_of(film["motions"], film["cameras"], nothing, FRAMES)
    assert sorted(layer.masks) == [*range(FRAMES)]
    at = places(layer.way(2, 12), HEIGHT, WIDTH)  # ten frames on, four of them unseen
    assert np.allclose(at[30, 20], [20 + 40, 30], atol=0.01)
    back = places(layer.way(12, 2) @ layer.way(2, 12), HEIGHT, WIDTH)
    assert np.allclose(back[30, 20], [20, 30], atol=1e-3)


def test_an_affine_motion_is_found_though_some_vectors_are_wrong() -> None:
    truth = np.array([[1.05, -0.04, 2.0], [0.03, 0.97, -1.0], [0, 0, 1.0]])
    grid = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=2)
    flow = (places(truth, HEIGHT, WIDTH) - grid).astype(np.float32)
    flow[::7] = 20
    assert np.allclose(affine_of(flow, block(30, 20)), truth, atol=0.01)
