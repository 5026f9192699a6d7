// The timeline: lanes on a canvas beside their names, a ruler above; it zooms, scrubs and seeks.
semflow.Timeline = class {
  constructor(root, film, clock, state) {
    Object.assign(this, { root, film, clock, state, start: 0, end: Math.max(film.span, 1e-3) });
    this.ruler = root.querySelector(".ruler");
    this.canvas = root.querySelector(".lanes");
    this.names = root.querySelector(".lane-names");
    this.scroller = root.querySelector(".timeline-body");
    this.most = +root.dataset.rows;
    new ResizeObserver(() => this.draw()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    clock.listen(() => this.onFrame());
    state.listen(() => this.update());
    for (const canvas of [this.ruler, this.canvas]) this.listenTo(canvas);
    for (const button of root.querySelectorAll("[data-zoom]"))
      button.addEventListener("click", () => this.zoom(+button.dataset.zoom, clock.seconds));
    this.update();
  }

  // Pressing and dragging scrubs; with Ctrl or Cmd the wheel zooms, sideways it pans.
  listenTo(canvas) {
    const seek = (event) => this.clock.seek(Math.max(0, Math.min(this.film.span, this.timeAt(event))));
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.clock.video.pause();
      const lane = canvas === this.canvas && this.laneUnder(event);
      if (lane?.kind === "track" && lane.track.id !== this.state.picked) this.state.pick(lane.track.id);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) seek(event);
      else this.explain(event, canvas);
    });
    canvas.addEventListener("wheel", (event) => {
      const seconds = this.end - this.start;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.zoom(2 ** (-event.deltaY / 200), this.timeAt(event));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        this.setView(this.start + (event.deltaX / canvas.clientWidth) * seconds, seconds);
      }
    }, { passive: false });
  }

  timeAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.start + ((event.clientX - box.left) / box.width) * (this.end - this.start);
  }

  laneUnder(event) {
    const y = event.clientY - this.canvas.getBoundingClientRect().top;
    return this.lanes.find(({ top, height }) => y >= top && y < top + height);
  }

  explain(event, canvas) {
    const lane = canvas === this.canvas && this.laneUnder(event);
    const frame = this.film.frameAt(this.timeAt(event));
    const action = lane?.actions?.find(({ first, last }) => frame >= first && frame <= last);
    const values = (lane?.series ?? []).map(({ points }) => points.findLast(([at]) => at <= frame)?.[1]);
    const words = [semflow.clockText(this.timeAt(event), 2), `frame ${frame}`];
    if (lane?.kind === "shots") words.push(...this.describeShot(frame));
    if (action) words.push(`${action.label}, ${Math.round(100 * action.probability)} %`);
    for (const value of values.filter(Number.isFinite)) words.push(`${value.toFixed(value < 10 ? 2 : 0)} ${lane.unit}`);
    canvas.title = words.join(" · ");
  }

  describeShot(frame) {
    const { shots, cuts, count, transitions } = this.film;
    const within = (transitions ?? []).find(({ first, last }) => first !== undefined && frame >= first && frame <= last);
    return [`shot ${shots[Math.min(frame, count - 1)] + 1} of ${cuts.length + 1}`, ...(within ? [within.kind] : [])];
  }

  zoom(factor, centre) {
    if (!factor) return this.setView(0, this.film.span);
    const seconds = (this.end - this.start) / factor;
    this.setView(centre - ((centre - this.start) / (this.end - this.start)) * seconds, seconds);
  }

  setView(start, seconds) {
    const span = Math.max(this.film.span, 1e-3);
    const length = Math.max(Math.min(span, 0.2), Math.min(span, seconds));
    this.start = Math.max(0, Math.min(span - length, start));
    this.end = this.start + length;
    this.draw();
  }

  onFrame() {
    const { seconds, playing } = this.clock;
    if (seconds < this.start || seconds > this.end) {
      const length = this.end - this.start;
      this.setView(playing ? seconds : seconds - length / 2, length);
    } else this.draw();
  }

  update() {
    const { film, state, names } = this;
    this.lanes = semflow.makeLanes(film, state, this.most);
    names.replaceChildren(...this.lanes.map((lane) => {
      const element = document.createElement(lane.kind === "track" ? "button" : "span");
      element.style.height = `${lane.height}px`;
      element.textContent = lane.label;
      element.title = lane.label;
      if (lane.kind === "curve") lane.note = element.appendChild(document.createElement("small"));
      if (lane.kind === "track") {
        element.type = "button";
        element.style.setProperty("--dot", lane.track.colour);
        element.setAttribute("aria-pressed", lane.track.id === state.picked);
        element.onclick = () => {
          state.pick(lane.track.id);
          const { first, last } = lane.track;
          if (state.picked !== null && (this.clock.frame < first || this.clock.frame > last)) this.clock.seekFrame(first);
        };
      }
      return element;
    }));
    const hidden = film.tracks.filter((track) => !this.lanes.some((lane) => lane.track === track)).length;
    this.root.querySelector(".left-out").textContent =
      hidden ? `${hidden} shorter ${hidden === 1 ? "track has" : "tracks have"} no row: pick one to see it.` : "";
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.paint();
    });
  }

  paint() {
    const { film, canvas, ruler, lanes, state } = this;
    const width = this.scroller.clientWidth - this.names.offsetWidth;
    const last = lanes[lanes.length - 1];
    const style = semflow.readColours(this.root);
    const timeOf = (frame) => {
      const whole = Math.floor(frame), rest = frame - whole;
      return film.edges[whole] + (rest ? rest * (film.edges[whole + 1] - film.edges[whole]) : 0);
    };
    const x = (frame) => ((timeOf(frame) - this.start) / (this.end - this.start)) * width;
    const pen = prepare(canvas, width, last.top + last.height);
    pen.textBaseline = "middle";
    const step = semflow.tickStep(this.end - this.start, width / 90);
    const ticks = [];
    for (let tick = Math.ceil(this.start / step); tick * step <= this.end; tick++)
      ticks.push([tick * step, ((tick * step - this.start) / (this.end - this.start)) * width]);
    pen.fillStyle = style.line; // first, so that no line runs through a text
    for (const [, at] of ticks) pen.fillRect(at, 0, 1, canvas.height);
    for (const lane of lanes) {
      pen.fillStyle = style.line;
      pen.fillRect(0, lane.top + lane.height - 0.5, width, 0.5);
      semflow.drawLane[lane.kind](pen, lane, film, x, style, state.picked);
      if (lane.note) lane.note.textContent = lane.scale ?? "not known";
    }
    const top = prepare(ruler, width, 24);
    top.font = style.font;
    for (const [seconds, at] of ticks) {
      top.fillStyle = style.soft;
      top.fillText(semflow.clockText(seconds, step < 0.1 ? 2 : step < 1 ? 1 : 0), at + 4, 15);
      top.fillRect(at, 6, 1, 18);
    }
    for (const [context, height] of [[pen, last.top + last.height], [top, 24]]) {
      context.fillStyle = style.bad;
      context.fillRect(x(this.clock.frame + 0.5) - 0.75, 0, 1.5, height);
    }
    ruler.setAttribute("aria-valuemax", film.span.toFixed(2));
    ruler.setAttribute("aria-valuenow", this.clock.seconds.toFixed(2));
    ruler.setAttribute("aria-valuetext", `${semflow.clockText(this.clock.seconds, 2)}, frame ${this.clock.frame}`);

    function prepare(board, wide, high) {
      const dots = window.devicePixelRatio || 1;
      board.style.width = `${wide}px`;
      board.style.height = `${high}px`;
      board.width = Math.round(wide * dots);
      board.height = Math.round(high * dots);
      const context = board.getContext("2d");
      context.scale(dots, dots);
      return context;
    }
  }
};

semflow.readColours = (root) => {
  const found = getComputedStyle(root);
  const names = ["ink", "soft", "faint", "line", "accent", "warn", "bad", "card", "left"];
  const colours = Object.fromEntries(names.map((name) => [name, found.getPropertyValue(`--${name}`).trim()]));
  return { ...colours, font: `12px ${found.fontFamily}` };
};

semflow.tickStep = (seconds, most) => {
  const steps = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
  return steps.find((step) => seconds / step <= most) ?? 14400;
};

semflow.clockText = (seconds, decimals) => {
  const units = Math.floor(seconds * 10 ** decimals + 1e-6), whole = Math.floor(units / 10 ** decimals);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const part = decimals ? `.${String(units % 10 ** decimals).padStart(decimals, "0")}` : "";
  const two = (value) => String(value).padStart(2, "0");
  return (hours ? `${hours}:${two(minutes)}` : `${minutes}`) + `:${two(rest)}${part}`;
};
