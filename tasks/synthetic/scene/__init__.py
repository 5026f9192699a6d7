"""Synthetic scenes with exact ground truth: positions and visibility of every point in every frame.

    from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene

    scene = make_scene(seed=0, settings=SceneSettings())
    scene.frames        (t, h, w, 3) uint8 RGB               scene.instances   (t, h, w) 0 background, 1 .. n
    scene.classes       (t, h, w) scene_layers.CLASS_NAMES   scene.depth       (t, h, w) distance of the layer
    scene.cameras       (t, 3, 3) background of a frame to frame 0
    scene.boxes         (n, t, 4) xyxy of the visible part of each instance, NaN where hidden; instance i is row i - 1
    scene.flow(a, b)    displacement of every pixel of frame a to frame b, and its visibility there
    scene.track_points(a, points)                the same for chosen points and all frames at once
    scene.render_without(frame, instance)        the frame rendered without that instance
    scene.find_visible_behind(frame, instance)   pixels whose background is visible in another frame

`scene_artifacts.py` makes the artifacts that stages read (frames, dense flow with noise, weak features) and labels.

A scene consists of flat textured layers at different depths before a moving pinhole camera. A layer translates,
rotates, scales and bends by functions with closed-form inverses, so the ground truth is exact, without
interpolation or search. Pixel centres lie at integers. `SCENE_VERSION` changes whenever scenes change; state it with
every result.
"""
