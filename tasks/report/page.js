// The page is whole without this: it adds the player, seeking, a playhead in every chart, sorting and copying.
const all = (what) => document.querySelectorAll(what);

// Seeking: anything with data-t, and any place in a chart over time. A film out of view comes along, small.
semflow.connectPage = (clock, state) => {
  const screen = document.querySelector(".screen");
  const seek = (seconds, track) => {
    clock.video.pause();
    if (track) state.change({ picked: track });
    clock.seek(seconds);
    const box = screen.getBoundingClientRect();
    if (box.bottom < 120 || box.top > innerHeight - 80) screen.classList.add("away");
  };
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-t]");
    if (mark) return seek(+mark.dataset.t, +mark.closest("[data-track]")?.dataset.track);
    const plot = event.target.closest("svg.plot");
    if (!plot) return;
    const box = plot.getBoundingClientRect();
    const start = +(plot.dataset.start ?? 0); // of a chart that shows a part of the film
    const seconds = start + ((event.clientX - box.left) / box.width) * plot.dataset.span;
    seek(Math.max(start, Math.min(seconds, start + +plot.dataset.span)));
  });
  new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting) screen.classList.remove("away");
  }, { threshold: 0.5 }).observe(screen);
  document.querySelector(".undock").onclick = (event) => {
    event.stopPropagation();
    screen.classList.remove("away");
  };
  const heads = [...all(".playhead")];
  clock.listen(() => {
    document.documentElement.classList.add("moving");
    for (const head of heads) {
      const { start = 0, span } = head.parentNode.dataset;
      const share = (clock.seconds - start) / span; // a chart may be of a part of the film: now may be outside it
      head.style.display = share >= 0 && share <= 1 ? "" : "none";
      const place = `${Math.max(0, Math.min(100, 100 * share))}%`;
      head.setAttribute("x1", place);
      head.setAttribute("x2", place);
    }
  });
};

semflow.openFilm = async () => {
  const player = document.getElementById("player");
  if (!player) return;
  if (!window.semflowFilm) return report("film.js is missing beside this page: copy the whole folder.");
  if (!("DecompressionStream" in window)) return report("This browser is too old to draw over the film (2023 or later is needed).");
  const film = await semflow.load(window.semflowFilm);
  const video = player.querySelector("video");
  video.controls = false;
  const clock = new semflow.FilmClock(video, film);
  if (video.error) reportMissing();
  else video.addEventListener("error", reportMissing, { once: true });
  const state = new semflow.ViewState(film);
  state.curves = [];
  new semflow.FilmStage(player.querySelector(".screen"), film, clock, state);
  new semflow.CompareView(player, film, clock, state);
  const timeline = new semflow.Timeline(player.querySelector(".timeline"), film, clock, state);
  const readLink = semflow.connectPlayer(player, film, clock, state, timeline);
  semflow.connectPage(clock, state);
  readLink();
  player.dataset.ready = "true";

  function reportMissing() {
    report("film.mp4 is missing beside this page, or cannot be played: copy the whole folder. Pictures below are stills.");
  }
  function report(words) {
    player.append(Object.assign(document.createElement("p"), { className: "nothing", textContent: words }));
  }
};
semflow.openFilm();

// Sorting: numbers as numbers, words as words; a second click turns the order round.
for (const button of all("table.sortable th button"))
  button.onclick = () => {
    const head = button.parentNode;
    const body = head.closest("table").tBodies[0];
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const value = (row) => row.cells[head.cellIndex].dataset.v;
    const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
    body.append(...[...body.rows].sort((a, b) => sign * compare(value(a), value(b))));
    for (const other of head.parentNode.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  };

for (const button of all(".copy"))
  button.onclick = async () => {
    const text = button.closest("figure").querySelector("code");
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text); // no clipboard here: marked, ready for the keyboard
      button.textContent = "Selected";
    }
  };
