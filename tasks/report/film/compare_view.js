// Two moments or two people side by side: a second picture of the same film, held at its distance from the first.
semflow.CompareView = class {
  constructor(root, film, clock, state) {
    Object.assign(this, { root, film, clock, state, offset: 0 });
    this.button = root.querySelector('[data-do="compare"]');
    this.button.onclick = () => (this.pane ? this.close() : this.open(clock.frame, state.picked));
    clock.listen(() => this.keepUp());
    state.listen(() => this.other?.change({ layers: state.layers }));
  }

  open(frame, track) {
    const { root, film, clock, state } = this;
    const screen = root.querySelector(".screen").cloneNode(true);
    screen.classList.remove("away");
    screen.querySelector(".undock").remove();
    screen.querySelector(".view").style.transform = "";
    const video = screen.querySelector("video");
    video.muted = true;
    this.pane = document.createElement("div");
    this.pane.className = "compare";
    this.pane.append(screen, this.makeControls());
    root.querySelector(".screen").after(this.pane);
    root.classList.add("comparing");
    this.button.setAttribute("aria-pressed", true);
    this.other = new semflow.ViewState(film);
    this.other.change({ layers: state.layers, picked: track });
    this.second = new semflow.FilmClock(video, film);
    this.second.frame = -1; // nothing is shown yet
    this.stage = new semflow.FilmStage(screen, film, this.second, this.other);
    this.second.listen(() => this.explain());
    this.other.listen(() => this.explain());
    this.offset = frame - clock.frame;
    const begin = () => this.second.seekFrame(frame);
    if (video.readyState >= 1) begin();
    else video.addEventListener("loadedmetadata", begin, { once: true });
    this.second.frame = frame;
    this.explain();
  }

  makeControls() {
    const bar = document.createElement("div");
    bar.className = "compare-controls";
    const add = (text, label, action) => {
      const button = bar.appendChild(document.createElement("button"));
      Object.assign(button, { type: "button", textContent: text, onclick: action });
      button.setAttribute("aria-label", label);
    };
    add("‹", "Second picture one frame back", () => this.shift(-1));
    add("›", "Second picture one frame on", () => this.shift(1));
    this.words = bar.appendChild(document.createElement("output"));
    this.select = bar.appendChild(document.createElement("select"));
    this.select.setAttribute("aria-label", "Track of the second picture");
    this.select.add(new Option("none picked", ""));
    for (const track of this.film.tracks) this.select.add(new Option(`${track.class} ${track.id}`, track.id));
    this.select.onchange = () => this.pick(this.select.value ? +this.select.value : null);
    add("×", "Close the second picture", () => this.close());
    return bar;
  }

  // Another person: the second picture goes to that person's beginning where it shows nothing of it.
  pick(id) {
    this.other.change({ picked: id });
    const track = this.film.trackOf.get(id);
    if (track && (this.second.frame < track.first || this.second.frame > track.last)) this.shift(track.first - this.second.frame);
  }

  shift(frames) {
    this.offset += frames;
    this.second.seekFrame(this.clock.frame + this.offset);
  }

  keepUp() {
    if (!this.pane) return;
    const { clock, second, offset } = this;
    const wanted = Math.max(0, Math.min(this.film.count - 1, clock.frame + offset));
    if (clock.playing) {
      second.video.playbackRate = clock.video.playbackRate;
      if (!second.playing && wanted < this.film.count - 1) second.video.play().catch(() => {});
      if (Math.abs(second.frame - wanted) > 4) second.seekFrame(wanted); // two players drift apart
    } else {
      second.video.pause();
      if (second.frame !== wanted) second.seekFrame(wanted);
    }
  }

  explain() {
    const later = this.film.edges[this.second.frame] - this.clock.seconds;
    const distance = Math.abs(later) < 1e-6 ? "same moment" : `${Math.abs(later).toFixed(2)} s ${later < 0 ? "earlier" : "later"}`;
    this.words.textContent = `${semflow.clockText(this.second.seconds, 2)} · frame ${this.second.frame} · ${distance}`;
    this.select.value = this.other.picked ?? "";
  }

  close() {
    this.second.video.pause();
    this.pane.remove();
    this.pane = this.other = null;
    this.root.classList.remove("comparing");
    this.button.setAttribute("aria-pressed", false);
  }
};
