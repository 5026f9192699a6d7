// The film's data (film.js beside the page) as objects that answer: what is where in frame n?
semflow.load = async (raw) => {
  const { unpack } = semflow;
  const optional = (part, ...names) => (part ? Promise.all(names.map((name) => unpack(part[name]))) : []);
  const [edges, status, boxes, poses, curves, field, masks, arrows] = await Promise.all([
    unpack(raw.edges), unpack(raw.status), optional(raw.tracks, "frame", "xyxy", "seen"),
    optional(raw.poses, "frame", "xy", "known"), optional(raw.curves, "frame", "values", "known"),
    optional(raw.field, "frame", "maps"), optional(raw.masks, "frame", "maps"), optional(raw.arrows, "frame", "vectors"),
  ]);
  const film = { ...raw, status, edges: Float64Array.from(edges, (tick) => tick / raw.ticks) };
  film.count = status.length;
  film.span = film.edges.length ? film.edges[film.edges.length - 1] : 0;
  film.frameAt = (seconds) => Math.max(0, Math.min(film.count - 1, lastUpTo(film.edges, seconds, 0, film.edges.length)));
  film.shots = new Int32Array(film.count);
  for (const cut of raw.cuts) for (let frame = cut; frame < film.count; frame++) film.shots[frame]++;

  // A group of rows for each track: rows a..b of the series, in order of time.
  const group = (list, frames, stride) => {
    let next = 0;
    const found = new Map();
    for (const one of list) {
      const from = next;
      next += one.rows;
      found.set(one.id, { ...one, from, to: next, first: frames[from], last: frames[next - 1], stride });
    }
    return found;
  };
  film.tracks = [...group(raw.tracks.list, boxes[0], raw.tracks.stride).values()];
  film.trackOf = new Map(film.tracks.map((track) => [track.id, track]));
  film.boxFrames = boxes[0];
  film.boxAt = (track, frame) => {
    const found = between(boxes[0], track, frame);
    if (!found) return null;
    const [row, next, share] = found;
    const xyxy = [0, 1, 2, 3].map((k) => mix(boxes[1][4 * row + k], boxes[1][4 * next + k], share) / raw.tracks.scale);
    return { xyxy, seen: boxes[2][row] > 0 };
  };
  // Its largest box over the picture's size, along the side where it takes more.
  film.largestShare = (track) => {
    if (track.share) return track.share;
    for (let row = track.from; row < track.to; row++) {
      const [x1, y1, x2, y2] = boxes[1].subarray(4 * row, 4 * row + 4);
      const share = Math.max((x2 - x1) / film.width, (y2 - y1) / film.height) / raw.tracks.scale;
      track.share = Math.max(track.share ?? 0, share);
    }
    return track.share;
  };
  film.segments = (track) => runs(track, boxes[0], boxes[2]);

  const people = raw.poses ? group(raw.poses.people, poses[0], raw.poses.stride) : new Map();
  film.poseAt = (id, frame) => {
    const person = people.get(id);
    const found = person && between(poses[0], person, frame);
    if (!found) return null;
    const [row, next, share] = found;
    const width = raw.poses.xy.columns;
    return Array.from({ length: width / 2 }, (_, k) => {
      const a = row * width + 2 * k, b = next * width + 2 * k;
      if (!poses[2][a] || !poses[2][b]) return null;
      return [mix(poses[1][a], poses[1][b], share), mix(poses[1][a + 1], poses[1][b + 1], share)];
    });
  };
  film.bones = raw.poses ? raw.poses.edges : [];

  const moving = raw.curves ? group(raw.curves.people, curves[0], raw.curves.stride) : new Map();
  film.curveNames = raw.curves ? raw.curves.names : [];
  film.curveOf = (id, number) => {
    const person = moving.get(id);
    if (!person) return null;
    const width = film.curveNames.length, scale = film.curveNames[number].scale;
    const points = [];
    for (let row = person.from; row < person.to; row++) {
      const at = row * width + number;
      points.push([curves[0][row], curves[2][at] ? curves[1][at] / scale : NaN]);
    }
    return { points, stride: person.stride };
  };
  film.strikesOf = (id) => (raw.curves ? raw.curves.strikes.filter((strike) => strike[0] === id) : []);

  const nearest = (frames, frame) => {
    const row = Math.max(0, lastUpTo(frames, frame, 0, frames.length));
    return row + 1 < frames.length && frames[row + 1] - frame < frame - frames[row] ? row + 1 : row;
  };
  const sameShot = (a, b) => film.shots[a] === film.shots[b];
  // The label map or the masks nearest in time, of the same shot.
  film.mapAt = (kind, frame) => {
    if (!raw[kind]) return null;
    const [frames, maps] = kind === "field" ? field : masks;
    const row = nearest(frames, frame), size = raw[kind].width * raw[kind].height;
    if (!sameShot(frames[row], frame)) return null;
    return { row, frame: frames[row], values: maps.subarray(row * size, (row + 1) * size) };
  };
  film.arrowsAt = (frame) => {
    if (!raw.arrows) return null;
    const row = nearest(arrows[0], frame), size = raw.arrows.vectors.columns;
    if (!sameShot(arrows[0][row], frame)) return null;
    return { values: arrows[1].subarray(row * size, (row + 1) * size), frame: arrows[0][row] };
  };
  return film;

  // The rows around `frame` of one group, and how far it is from the first to the second; null where there is none.
  function between(frames, { from, to, first, last, stride }, frame) {
    if (frame < first || frame > last) return null;
    const row = lastUpTo(frames, frame, from, to);
    if (frames[row] === frame) return [row, row, 0];
    const gap = frames[row + 1] - frames[row];
    return gap <= stride ? [row, row + 1, (frame - frames[row]) / gap] : null;
  }

  function runs({ from, to, stride }, frames, seen) {
    const found = [];
    for (let row = from; row < to; row++) {
      const last = found[found.length - 1];
      if (last && frames[row] - last.last <= stride && last.seen === seen[row]) last.last = frames[row];
      else {
        if (last && frames[row] - last.last <= stride) last.last = frames[row] - 1;
        found.push({ first: frames[row], last: frames[row], seen: seen[row] });
      }
    }
    return found;
  }

  function mix(a, b, share) {
    return a + (b - a) * share;
  }

  // The last place in [from, to) whose value is no more than `wanted`; from - 1 where all are more.
  function lastUpTo(values, wanted, from, to) {
    let low = from, high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] <= wanted) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
};
