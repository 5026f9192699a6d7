// The picture with its layers: a canvas over the video that keeps to its size, picks tracks and follows one.
semflow.FilmStage = class {
  constructor(root, film, clock, state) {
    this.view = root.querySelector(".view");
    this.canvas = root.querySelector("canvas");
    this.film = film;
    this.clock = clock;
    this.state = state;
    this.zoom = 1;
    new ResizeObserver(() => this.draw()).observe(root);
    root.addEventListener("click", (event) => state.pick(this.trackUnder(event)));
    clock.listen(() => this.draw());
    state.listen(() => this.draw());
  }

  // The smallest box under the pointer; null beside all boxes.
  trackUnder(event) {
    const { film } = this;
    const area = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - area.left) / area.width) * film.filmWidth;
    const y = ((event.clientY - area.top) / area.height) * film.filmHeight;
    const size = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
    const hit = semflow.present(film, this.clock.frame)
      .filter(([, { xyxy: [x1, y1, x2, y2] }]) => x >= x1 && x <= x2 && y >= y1 && y <= y2)
      .sort((a, b) => size(a[1].xyxy) - size(b[1].xyxy))[0];
    return hit ? hit[0].id : null;
  }

  draw() {
    const { canvas, film, state, clock: { frame } } = this;
    this.follow(frame);
    const width = this.view.offsetWidth, height = this.view.offsetHeight;
    const dots = Math.min(4, (window.devicePixelRatio || 1) * this.zoom);
    const [wide, high] = [Math.round(width * dots), Math.round(height * dots)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const pen = canvas.getContext("2d");
    pen.setTransform(wide / film.filmWidth, 0, 0, high / film.filmHeight, 0, 0);
    pen.clearRect(0, 0, film.filmWidth, film.filmHeight);
    pen.px = film.filmWidth / Math.max(1, width) / this.zoom;
    pen.lineJoin = pen.lineCap = "round";
    for (const name of ["field", "masks", "arrows", "trails", "skeletons", "boxes", "names"])
      if (state.layers[name]) semflow.layers[name](pen, film, frame, state.picked);
  }

  // Enlarges the picture around the picked track, as far as the picture reaches.
  follow(frame) {
    const { film, state } = this;
    const track = state.following && film.trackOf.get(state.picked);
    const box = track && film.boxAt(track, frame);
    if (track && !box) return; // away for a moment: the picture stays where it is
    if (!box) {
      this.zoom = 1;
      this.view.style.transform = "";
      return;
    }
    const [x1, y1, x2, y2] = box.xyxy;
    this.zoom = Math.max(1, Math.min(4, 0.6 / film.largestShare(track))); // one zoom per track: it does not pump
    const shift = (centre) => Math.max(1 - this.zoom, Math.min(0, 0.5 - this.zoom * centre));
    const across = shift((x1 + x2) / 2 / film.filmWidth), down = shift((y1 + y2) / 2 / film.filmHeight);
    this.view.style.transform = `translate(${100 * across}%, ${100 * down}%) scale(${this.zoom})`;
  }
};
