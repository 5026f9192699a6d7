// The lanes of the timeline: what each holds, how high it is, and how it is drawn.
semflow.makeLanes = (film, state, most) => {
  const lanes = [{ kind: "shots", label: "Shots, damage", height: 20 }];
  const words = { rgb: "appearance", flow: "motion", fused: "both streams" };
  const rows = new Map();
  for (const action of film.actions) {
    const key = `${action.stream} ${action.track}`;
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key).push(action);
  }
  const wholeFirst = [...rows.values()].sort((a, b) => (a[0].track ?? 0) - (b[0].track ?? 0));
  for (const actions of wholeFirst) {
    const [{ stream, track, nearest }] = actions;
    if (track !== null && state.picked !== null && track !== state.picked) continue;
    const who = track === null ? "Action" : `Person ${track}`;
    lanes.push({ kind: "actions", label: nearest ? `${who} moves like` : `${who} by ${words[stream]}`, height: 24, actions, track });
  }
  if (state.picked !== null) {
    const strikes = film.strikesOf(state.picked);
    for (const { label, numbers } of state.curves) {
      const series = numbers.map((number) => film.curveOf(state.picked, number)).filter(Boolean);
      if (series.length) lanes.push({ kind: "curve", label, ...describe(film.curveNames[numbers[0]]), height: 80, series, strikes });
    }
    if (!film.curveOf(state.picked, 0)) lanes.push({ kind: "curve", label: "speed in the picture", unit: "px/s", meaning: ", camera's included", height: 80,
      series: [speedInPicture(film, film.trackOf.get(state.picked))], strikes: [] });
  }
  const shown = [...film.tracks].sort((a, b) => b.seconds - a.seconds).slice(0, most);
  const picked = film.trackOf.get(state.picked);
  if (picked && !shown.includes(picked)) shown.push(picked);
  for (const track of shown.sort((a, b) => a.first - b.first || a.id - b.id))
    lanes.push({ kind: "track", label: `${track.class} ${track.id}`, height: 20, track });
  let top = 0;
  for (const lane of lanes) {
    lane.top = top;
    top += lane.height;
  }
  return lanes;

  function describe({ unit, note }) {
    return { unit, meaning: note ? `; ${note}` : "" };
  }

  // Speed of the box's centre, over a fifth of a second so that the jitter of boxes does not drown it.
  function speedInPicture(film, track) {
    const points = [];
    for (let frame = track.first; frame <= track.last; frame += track.stride) {
      const from = film.frameAt(film.edges[frame] - 0.1), to = film.frameAt(film.edges[frame] + 0.1);
      const [a, b] = [film.boxAt(track, from), film.boxAt(track, to)];
      const known = a && b && to > from && film.shots[from] === film.shots[to];
      const centre = ({ xyxy: [x1, y1, x2, y2] }) => [(x1 + x2) / 2, (y1 + y2) / 2];
      const [p, q] = known ? [centre(a), centre(b)] : [[NaN, NaN], [NaN, NaN]];
      points.push([frame, Math.hypot(q[0] - p[0], q[1] - p[1]) / (film.edges[to] - film.edges[from])]);
    }
    return { points, stride: track.stride };
  }
};

// Each draws one lane with `pen`; `x` turns a frame's beginning (or end) into a place, `style` holds the colours.
semflow.drawLane = {
  shots(pen, lane, film, x, style) {
    const middle = lane.top + lane.height / 2;
    let from = 0;
    film.shots.forEach((shot, frame) => {
      if (frame + 1 < film.count && film.shots[frame + 1] === shot) return;
      pen.fillStyle = shot % 2 ? style.faint : style.soft;
      pen.globalAlpha = 0.45;
      pen.fillRect(x(from) + 1, middle - 5, Math.max(1, x(frame + 1) - x(from) - 2), 10);
      pen.globalAlpha = 1;
      from = frame + 1;
    });
    // A fade or dissolve takes time: a wedge in from the old shot and one out into the new one; a cut is the gap alone.
    pen.fillStyle = style.ink;
    (film.transitions ?? []).forEach(({ kind, first, last }, number) => {
      if (kind === "cut" || first === undefined) return;
      const [left, right, at] = [x(first), x(last + 1), x(film.cuts[number])];
      pen.beginPath();
      for (const end of [left, right]) {
        pen.moveTo(end, middle + 5);
        pen.lineTo(at, kind === "fade" ? middle - 5 : middle);
        pen.lineTo(at, middle + 5);
      }
      pen.fill();
    });
    film.status.forEach((status, frame) => {
      if (!status) return;
      pen.fillStyle = status === 1 ? style.warn : style.bad;
      pen.fillRect(x(frame), lane.top + 2, Math.max(2, x(frame + 1) - x(frame)), lane.height - 4);
    });
  },

  actions(pen, lane, film, x, style) {
    pen.font = style.font;
    for (const action of lane.actions) {
      const left = x(action.first), width = Math.max(2, x(action.last + 1) - left - 1);
      pen.globalAlpha = action.confident ? 1 : 0.28;
      pen.fillStyle = style.accent;
      pen.fillRect(left, lane.top + 3, width, lane.height - 6);
      pen.globalAlpha = 1;
      // A text that is cut would say another number or label: the longest that fits whole, or none.
      const from = Math.max(left, 0) + 6, share = `${action.label} ${Math.round(100 * action.probability)}%`;
      const fitting = (action.confident ? [share, action.label] : [`${share}, unsure`, `${action.label}?`])
        .find((text) => from + pen.measureText(text).width + 6 <= left + width);
      if (!fitting) continue;
      pen.fillStyle = action.confident ? style.card : style.ink;
      pen.fillText(fitting, from, lane.top + lane.height / 2);
    }
  },

  track(pen, lane, film, x, style, picked) {
    const { track } = lane, middle = lane.top + lane.height / 2;
    pen.fillStyle = track.colour;
    pen.globalAlpha = picked === null || picked === track.id ? 0.7 : 0.3;
    pen.fillRect(x(track.first), middle - 0.5, Math.max(1, x(track.last + 1) - x(track.first)), 1);
    const dim = pen.globalAlpha + 0.3;
    for (const { first, last, seen } of (lane.segments ??= film.segments(track))) {
      pen.globalAlpha = seen ? dim : dim * 0.4;
      pen.fillRect(x(first), middle - 6, Math.max(1, x(last + 1) - x(first)), 12);
    }
    pen.globalAlpha = 1;
  },

  curve(pen, lane, film, x, style) {
    const known = lane.series.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
    if (!known.length) return;
    const lowest = known.reduce((a, b) => Math.min(a, b));
    const isAngle = lane.unit.startsWith("°");
    const low = lane.unit === "°" ? lowest : Math.min(0, lowest); // angles but bends have no floor that means much
    const high = known.reduce((a, b) => Math.max(a, b));
    const place = (value) => lane.top + lane.height - 8 - ((value - low) / (high - low || 1)) * (lane.height - 18);
    lane.series.forEach(({ points, stride }, number) => {
      pen.strokeStyle = lane.series.length > 1 && !number ? style.left : style.accent;
      pen.lineWidth = 1.75;
      pen.beginPath();
      let before = null;
      for (const [frame, value] of points) {
        const at = x(frame + 0.5);
        if (!Number.isFinite(value)) { before = null; continue; }
        const joined = before !== null && frame - before <= stride;
        joined ? pen.lineTo(at, place(value)) : pen.moveTo(at, place(value));
        before = frame;
      }
      pen.stroke();
    });
    const colours = { left: style.left, right: style.accent, unsided: style.faint };
    for (const [, frame, side] of lane.strikes) {
      pen.fillStyle = colours[side];
      pen.fillRect(x(frame + 0.5) - 1, lane.top + lane.height - 8, 2.5, 6);
    }
    const digits = high - low < 10 ? 2 : 0;
    lane.scale = `${low.toFixed(digits)} to ${high.toFixed(digits)}${isAngle ? "" : " "}${lane.unit}${lane.meaning}`;
  },
};
