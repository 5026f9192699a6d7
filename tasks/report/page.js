// The page is whole without this: it adds seeking, a playhead in every chart, sorting and copying.
(() => {
  const all = (what) => document.querySelectorAll(what);
  const video = document.querySelector("video");
  const screen = document.querySelector(".screen");

  // Seeking: anything with data-t, and any place in a chart over time. A video out of view comes along, small.
  const seek = (seconds) => {
    if (!video) return;
    video.currentTime = seconds + 0.001; // the start of a frame is where the one before it may still show
    const box = screen.getBoundingClientRect();
    if (box.bottom < 120 || box.top > innerHeight - 80) screen.classList.add("away");
  };
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-t]");
    if (mark) return seek(+mark.dataset.t);
    const plot = event.target.closest("svg.plot");
    if (!plot) return;
    const box = plot.getBoundingClientRect();
    const start = +(plot.dataset.start ?? 0); // of a chart that shows a part of the video
    let seconds = start + ((event.clientX - box.left) / box.width) * plot.dataset.span;
    const track = event.target.closest(".track");
    if (track && (seconds < +track.dataset.from || seconds > +track.dataset.to)) seconds = +track.dataset.from;
    seek(Math.max(start, Math.min(seconds, start + +plot.dataset.span)));
  });

  if (video) {
    new IntersectionObserver(([entry]) => {
      if (entry.isIntersecting) screen.classList.remove("away");
    }, { threshold: 0.5 }).observe(screen);
    document.querySelector(".undock").onclick = () => screen.classList.remove("away");

    const heads = [...all(".playhead")];
    const follow = () => {
      document.documentElement.classList.add("moving");
      for (const head of heads) {
        const { start = 0, span } = head.parentNode.dataset;
        const place = `${Math.max(0, Math.min(100, (100 * (video.currentTime - start)) / span))}%`;
        head.setAttribute("x1", place);
        head.setAttribute("x2", place);
      }
      if (!video.paused) requestAnimationFrame(follow);
    };
    for (const event of ["play", "seeked", "timeupdate"]) video.addEventListener(event, follow);

    const step = (seconds) => {
      video.pause();
      video.currentTime += seconds;
    };
    for (const button of all("[data-step]")) button.onclick = () => step(+button.dataset.step);
    for (const button of all("[data-speed]"))
      button.onclick = () => {
        video.playbackRate = +button.dataset.speed;
        for (const other of all("[data-speed]")) other.setAttribute("aria-pressed", other === button);
      };
    document.addEventListener("keydown", (event) => {
      const button = { ",": 0, ".": 1 }[event.key];
      if (button !== undefined && !event.ctrlKey && !event.metaKey) all("[data-step]")[button].click();
    });
  }

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
})();
