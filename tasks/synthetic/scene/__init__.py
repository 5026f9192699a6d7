"""A scene that is drawn from a seed and known exactly: where every point is in every frame, and whether it is seen.

    from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene

    scene = make_scene(seed=0, settings=SceneSettings())
    scene.frames        (t, h, w, 3) uint8 RGB               scene.instances   (t, h, w) 0 background, 1 .. n
    scene.classes       (t, h, w) see `cast.CLASS_NAMES`     scene.depth       (t, h, w) distance of the layer
    scene.cameras       (t, 3, 3) background of a frame to frame 0
    scene.boxes         (n, t, 4) xyxy of what is seen of each instance, NaN where nothing is; instance i is row i - 1
    scene.flow(a, b)    displacement of every pixel of frame a to frame b, and where that point is seen there
    scene.follow(a, points)           the same for chosen points and all frames at once
    scene.without(frame, instance)    the frame as it would be without that instance
    scene.seen_without(frame, instance)   where what it hides is seen in some other frame

`inputs.py` gives the artifacts that stages read (frames, dense flow as exact as wanted, weak features) and labels;
`clip.py` writes a video file. `camera`, `motion`, `outline`, `texture`, `layer` and `cast` hold an idea each.

Flat textured layers, one behind the other, before a moving pinhole camera. A layer moves, turns, grows and bends by
closed forms that are inverted in closed form, so nothing of the truth is chained, sampled or searched. Pixel centres
lie at integers. `scene.VERSION` changes with whatever changes a scene, and belongs into every result measured on one.
"""
