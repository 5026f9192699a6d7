// The films in view, found, filtered and sorted from the data in the page; plots are of the films that are found.
(() => {
  const { films, across, down } = JSON.parse(document.getElementById("films-data").textContent);
  const form = document.querySelector(".filters"), list = document.querySelector(".films"), plots = document.querySelector(".plots");
  if (!films.length) return;
  form.hidden = plots.hidden = false;

  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const number = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const count = (amount, noun) => `${number(amount)} ${noun}${amount === 1 ? "" : "s"}`;
  const length = (seconds) => {
    if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
    return `${(seconds / 3600).toFixed(1)} h`;
  };
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null));
    return element;
  };
  for (const film of films) {
    film.total = sum(Object.values(film.tracks));
    film.hurt = (film.damaged ?? 0) + (film.lost ?? 0);
    film.words = [film.video, film.stage, film.error, ...Object.keys(film.tracks), ...Object.keys(film.actions)]
      .join(" ").toLowerCase();
  }

  const tally = (some, kind, weigh) => {
    const found = new Map();
    for (const film of some)
      for (const [name, amount] of Object.entries(film[kind])) found.set(name, (found.get(name) ?? 0) + weigh(amount));
    return [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  };
  for (const [field, kind] of [["class", "tracks"], ["action", "actions"]])
    for (const [name, amount] of tally(films, kind, () => 1)) form.elements[field].add(new Option(`${name} (${amount})`, name));

  const within = (value, range) => {
    if (!range) return true;
    const [from, to] = range.split("-");
    return value != null && value >= +from && (to === "" || value < +to);
  };
  const quality = {
    whole: (film) => film.state === "ok" && film.seconds !== undefined && !film.hurt,
    hurt: (film) => film.hurt > 0,
    failed: (film) => film.state === "failed",
  };
  const orders = {
    video: () => 0,
    seconds: (a, b) => (b.seconds ?? -1) - (a.seconds ?? -1),
    people: (a, b) => (b.people ?? -1) - (a.people ?? -1),
    tracks: (a, b) => b.total - a.total,
    hurt: (a, b) => b.hurt / (b.frames || 1) - a.hurt / (a.frames || 1),
  };

  let shown = films;
  function update() {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.words.toLowerCase().split(/\s+/).filter(Boolean);
    shown = films.filter((film) =>
      words.every((word) => film.words.includes(word)) &&
      (!wanted.class || wanted.class in film.tracks) && (!wanted.action || wanted.action in film.actions) &&
      within(film.people, wanted.people) && within(film.seconds, wanted.seconds) &&
      (!wanted.quality || quality[wanted.quality](film)));
    shown = [...shown].sort(orders[wanted.sort]);
    const seconds = sum(shown.map((film) => film.seconds ?? 0));
    const total = shown.length === films.length ? count(films.length, "video") : `${number(shown.length)} of ${count(films.length, "video")}`;
    form.querySelector(".found").textContent = `${total}, ${length(seconds)}`;
    list.replaceChildren();
    drawn.clear();
    drawPlots();
    drawList();
  }

  function drawPlots() {
    const bars = (title, rows, note, write = number) => {
      const most = Math.max(...rows.map(([, amount]) => amount), 1e-9);
      const items = rows.map(([name, amount]) => {
        const bar = make("i");
        bar.style.width = `${(100 * amount) / most}%`;
        return make("div", "", make("dt", "", name), make("dd", "", write(amount)), bar);
      });
      return make("div", "", make("h2", "", title), items.length ? make("dl", "", ...items) : make("p", "", "none"), note ? make("p", "", note) : null);
    };
    const bins = (value, limits) => limits.map(([name, from, to]) =>
      [name, shown.filter((film) => value(film) != null && value(film) >= from && value(film) < to).length]);
    const classes = tally(shown, "tracks", (amount) => amount), actions = tally(shown, "actions", (amount) => amount);
    const rest = (all, noun, write) => {
      const left = all.slice(6);
      if (!left.length) return "";
      const nouns = left.length === 1 ? noun : `${noun}${noun.endsWith("s") ? "es" : "s"}`;
      return `and ${left.length} more ${nouns}: ${write(sum(left.map(([, amount]) => amount)))}`;
    };
    plots.replaceChildren(
      bars("Videos by length", bins((film) => film.seconds, [["below 10 s", 0, 10], ["10 s to 1 min", 10, 60],
        ["1 to 10 min", 60, 600], ["10 min and more", 600, Infinity]])),
      bars("Videos by people at once", bins((film) => film.people, [["none", 0, 1], ["1", 1, 2], ["2", 2, 3],
        ["3 to 9", 3, 10], ["10 and more", 10, Infinity]])),
      bars("Tracks by class", classes.slice(0, 6), rest(classes, "class", (amount) => count(amount, "track"))),
      bars("Windows by confident action", actions.slice(0, 6), [rest(actions, "action", length),
        "Seconds of the windows whose label is confident; several people at once add up. A label by motion is the nearest of the few motions that were learned"].filter(Boolean).join(". "), length),
      drawMap());
  }

  function drawMap() {
    const cells = new Array(across * down).fill(0);
    let counted = 0;
    for (const { presence, frames } of shown) {
      if (!presence.length) continue;
      counted++;
      presence.forEach((amount, cell) => (cells[cell] += amount / (frames || 1))); // each film counts the same
    }
    const most = Math.max(...cells, 1e-9);
    const map = make("div", "map", ...cells.map((amount) => {
      const cell = make("span");
      cell.style.opacity = Math.sqrt(amount / most).toFixed(3);
      return cell;
    }));
    map.style.gridTemplateColumns = `repeat(${across}, 1fr)`;
    const busiest = cells.indexOf(Math.max(...cells));
    const place = counted ? `mostly ${["top", "middle", "bottom"][Math.floor((3 * Math.floor(busiest / across)) / down)]} ` +
      ["left", "centre", "right"][Math.floor((3 * (busiest % across)) / across)] : "nobody";
    map.setAttribute("role", "img");
    map.setAttribute("aria-label", `Where people are in the picture: ${place}`);
    return make("div", "", make("h2", "", "Where people are in the picture"), map,
      make("p", "", counted ? `${count(counted, "video")}; ${place}` : "nobody was tracked"));
  }

  // A film is drawn when it comes into view, so that a thousand of them cost no more than a screenful.
  const drawn = new Map();
  function drawList() {
    const high = matchMedia("(max-width: 820px)").matches ? 200 : 128;
    list.style.height = `${high * shown.length}px`;
    const top = list.getBoundingClientRect().top;
    const few = shown.length <= 60; // all of them: they print, and the browser's own search finds them
    const first = few ? 0 : Math.max(0, Math.floor((-top - 400) / high));
    const last = few ? shown.length : Math.min(shown.length, Math.ceil((innerHeight - top + 400) / high));
    for (const [place, row] of drawn)
      if (place < first || place >= last) {
        row.remove();
        drawn.delete(place);
      }
    for (let place = first; place < last; place++) {
      const row = drawn.get(place) ?? list.appendChild(drawFilm(shown[place], place));
      row.style.top = `${high * place}px`;
      drawn.set(place, row);
    }
    if (!shown.length && !list.children.length) list.append(make("p", "none", "No video is like this."));
    if (!shown.length) list.style.height = "";
  }

  function drawFilm(film, place) {
    const row = make("div", film.state === "failed" ? "film failed" : "film");
    row.setAttribute("role", "listitem");
    row.setAttribute("aria-setsize", shown.length);
    row.setAttribute("aria-posinset", place + 1);
    const picture = make(film.thumbnail ? "img" : "div", "thumb");
    if (film.thumbnail) Object.assign(picture, { src: `data:image/jpeg;base64,${film.thumbnail}`, alt: "" });
    const name = make("h2", "", film.link ? Object.assign(make("a", "", film.video), { href: film.link }) : film.video);
    const named = Object.entries(film.tracks).slice(0, 4), others = film.total - sum(named.map(([, amount]) => amount));
    const kinds = named.map(([kind, amount]) => `${number(amount)} ${kind}`).join(", ") + (others ? ` and ${number(others)} more` : "");
    const actions = Object.keys(film.actions), unnamed = actions.length - 3;
    const surest = actions.slice(0, 3).map((label) => `${label} ${length(film.actions[label])}`).join(", ");
    const labels = surest && `named for moments: ${surest}${unnamed > 0 ? ` and ${unnamed} more` : ""}`;
    if (film.state === "failed") {
      row.append(picture, make("div", "name", name), make("p", "", make("b", "hurt", `failed${film.stage ? ` in ${film.stage}` : ""}`),
        film.error ? `: ${film.error}` : ""), make("p"));
      return row;
    }
    const known = film.seconds !== undefined;
    row.append(picture, make("div", "name", name, make("p", "", known ? length(film.seconds) : "")),
      make("p", "", known ? `${film.size[0]} × ${film.size[1]}, ${+film.fps.toFixed(2)} frames per second${film.varying ? " (varying)" : ""}` : "",
        make("br"), known ? count(film.frames, "frame") : "", film.damaged ? make("span", "damaged", `, ${number(film.damaged)} damaged`) : null,
        film.lost ? make("span", "hurt", `, ${number(film.lost)} lost`) : null),
      make("p", "", make("b", "", count(film.total, "track")), kinds ? `: ${kinds}` : "", labels ? make("br") : null, labels));
    return row;
  }

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("scroll", drawList, { passive: true });
  addEventListener("resize", drawList);
  update();
  document.documentElement.dataset.ready = "true";
})();
