// Buttons, keyboard, the panel beside the film, and links to a moment: `#t=3.2&track=4`.
semflow.connectPlayer = (root, film, clock, state, timeline) => {
  const find = (what) => root.querySelector(what);
  const every = (what) => [...root.querySelectorAll(what)];
  for (const part of every(".panel, .controls, .timeline")) part.hidden = false;

  const actions = {
    play: () => clock.toggle(),
    back: () => clock.step(-1),
    on: () => clock.step(1),
    follow: () => state.change({ following: !state.following && state.picked !== null }),
    full: () => (document.fullscreenElement ? document.exitFullscreen() : find(".screen").requestFullscreen?.()),
    link: async () => {
      const button = find('[data-do="link"]');
      writeLink();
      try {
        await navigator.clipboard.writeText(location.href);
        button.textContent = "Copied";
      } catch {
        button.textContent = "In the address"; // no clipboard here
      }
      setTimeout(() => (button.textContent = "Link"), 1500);
    },
    keys: () => {
      const list = find(".keys");
      list.hidden = !list.hidden;
      find('[data-do="keys"]').setAttribute("aria-expanded", !list.hidden);
    },
  };
  for (const [name, action] of Object.entries(actions)) find(`[data-do="${name}"]`).onclick = () => action();
  for (const button of every("[data-layer]")) button.onclick = () => state.toggleLayer(button.dataset.layer);
  for (const button of every("[data-speed]"))
    button.onclick = () => {
      clock.video.playbackRate = +button.dataset.speed;
      for (const other of every("[data-speed]")) other.setAttribute("aria-pressed", other === button);
    };

  const keys = {
    " ": actions.play, k: actions.play, ",": actions.back, ".": actions.on, f: actions.follow, l: actions.link,
    c: () => find('[data-do="compare"]').click(),
    ArrowLeft: actions.back, ArrowRight: actions.on, "?": actions.keys,
    "+": () => timeline.zoom(2, clock.seconds), "-": () => timeline.zoom(0.5, clock.seconds), 0: () => timeline.zoom(0),
    "[": () => state.pickNeighbour(-1, clock.frame), "]": () => state.pickNeighbour(1, clock.frame),
    Escape: () => state.change({ picked: null, following: false }),
    Home: () => clock.seekFrame(0), End: () => clock.seekFrame(film.count - 1),
  };
  every("[data-layer]").forEach((button, place) => (keys[place + 1] = () => button.disabled || button.click()));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, pre, .scroll, .strip")) return;
    const arrow = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (arrow && event.shiftKey) clock.seek(Math.max(0, clock.seconds + arrow));
    else if (event.key === " " && event.target.closest("button, summary, a")) return;
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });

  const select = find("#pick");
  for (const track of film.tracks)
    select.add(new Option(`${track.class} ${track.id} · from ${semflow.clockText(film.edges[track.first], 0)}`, track.id));
  select.onchange = () => {
    state.change({ picked: select.value ? +select.value : null, following: state.following && select.value !== "" });
    const track = film.trackOf.get(state.picked);
    if (track && (clock.frame < track.first || clock.frame > track.last)) clock.seekFrame(track.first);
  };

  const choice = find(".curve-choice");
  const curveSelect = document.createElement("select");
  curveSelect.setAttribute("aria-label", "Curves of the picked person");
  const numbers = Object.fromEntries(film.curveNames.map(({ label }, number) => [label, number]));
  const single = (label) => ({ label, numbers: [numbers[label]] });
  const both = (joint) => ({ label: `${joint}s, left and right`, numbers: [numbers[`${joint} left`], numbers[`${joint} right`]] });
  const speed = () => single("speed of the hips");
  if (film.curveNames.length) {
    const sets = [["Speed and knees", [speed(), both("knee")]], ["Hips and knees", [both("hip"), both("knee")]],
      ["Knees and ankles", [both("knee"), both("ankle")]], ["Shoulders and elbows", [both("shoulder"), both("elbow")]],
      ["Speed and trunk", [speed(), single("trunk lean")]],
      ["All", [speed(), ...["hip", "knee", "ankle", "shoulder", "elbow"].map(both), single("trunk lean")]]];
    sets.forEach(([label], place) => curveSelect.add(new Option(label, place)));
    curveSelect.onchange = () => state.change({ curves: sets[curveSelect.value][1] });
    choice.append(curveSelect);
    state.curves = sets[0][1];
  }

  function showChoices() {
    for (const button of every("[data-layer]")) button.setAttribute("aria-pressed", state.layers[button.dataset.layer]);
    const follow = find('[data-do="follow"]');
    follow.setAttribute("aria-pressed", state.following);
    follow.disabled = state.picked === null;
    follow.title = follow.disabled ? "Pick a track first: click a box in the film" : "Enlarge the picture around the picked track (f)";
    select.value = state.picked ?? "";
    choice.hidden = !film.trackOf.get(state.picked)?.posed;
    for (const row of document.querySelectorAll("[data-track]"))
      row.classList.toggle("chosen", +row.dataset.track === state.picked);
    showMoment();
  }

  const picked = find(".picked"), hint = picked.innerHTML;
  function showMoment() {
    const { frame } = clock;
    const status = ["", " · damaged", " · lost"][film.status[frame]];
    find(".clock").textContent = `${semflow.clockText(clock.seconds, 2)} · frame ${frame}${status}`;
    find('[data-do="play"]').textContent = clock.playing ? "Pause" : "Play";
    const now = film.actions.filter(({ first, last, track }) =>
      frame >= first && frame <= last && (track === null || track === state.picked));
    const words = { rgb: "By appearance", flow: "By motion", fused: "By both" };
    find(".now").replaceChildren(...now.map(({ stream, label, probability, confident, nearest }) => {
      const item = document.createElement("li");
      item.append(`${words[stream]}: `, Object.assign(document.createElement("b"), { textContent: label }),
        ` ${Math.round(100 * probability)} %${confident ? nearest ? ", the nearest of a few names" : "" : ", unsure"}`);
      return item;
    }));
    const track = film.trackOf.get(state.picked);
    if (!track) {
      if (picked.innerHTML !== hint) picked.innerHTML = hint;
      return;
    }
    const facts = [["seen", `${semflow.clockText(film.edges[track.first], 1)} to ${semflow.clockText(film.edges[track.last + 1], 1)}`]];
    film.curveNames.forEach(({ label, unit }, number) => {
      if (!state.curves.some(({ numbers: shown }) => shown.includes(number))) return;
      const value = semflow.valueAt(film, track.id, number, frame);
      if (value !== undefined) facts.push([label, Number.isFinite(value) ? `${value.toFixed(number ? 0 : 2)}${unit.startsWith("°") ? "" : " "}${unit}` : "not seen"]);
    });
    const list = document.createElement("dl");
    for (const [name, text] of facts) {
      const row = list.appendChild(document.createElement("div"));
      row.append(Object.assign(document.createElement("dt"), { textContent: name }),
        Object.assign(document.createElement("dd"), { textContent: text }));
    }
    picked.replaceChildren(Object.assign(document.createElement("b"), { textContent: `${track.class} ${track.id}` }), list);
  }

  function writeLink() {
    const track = state.picked === null ? "" : `&track=${state.picked}`;
    history.replaceState(null, "", `#t=${clock.seconds.toFixed(3)}${track}`);
  }

  function readLink() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has("track")) state.change({ picked: film.trackOf.has(+wanted.get("track")) ? +wanted.get("track") : null });
    if (wanted.has("t") && Number.isFinite(+wanted.get("t"))) clock.seek(+wanted.get("t") + 0.0006); // it is rounded
    else if (wanted.has("track") && state.picked !== null) clock.seekFrame(film.trackOf.get(state.picked).first);
  }

  let writing = null, touched = false; // the address stays as it was opened until the viewer does something
  for (const event of ["pointerdown", "keydown"])
    document.addEventListener(event, () => (touched = true), { once: true, capture: true });
  const planLink = () => {
    clearTimeout(writing);
    if (touched && !clock.playing) writing = setTimeout(writeLink, 300);
  };
  clock.listen(() => {
    showMoment();
    planLink();
  });
  state.listen(() => {
    showChoices();
    planLink();
  });
  addEventListener("hashchange", readLink);
  showChoices();
  return readLink;
};

semflow.valueAt = (film, id, number, frame) => {
  const curve = film.curveOf(id, number);
  if (!curve) return undefined;
  const found = curve.points.findLast(([at]) => at <= frame);
  return found && frame - found[0] <= curve.stride ? found[1] : NaN;
};
