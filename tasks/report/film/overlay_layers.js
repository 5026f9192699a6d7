// What is drawn over the picture, layer by layer, in working-size pixels; `pen.px` is one pixel of the screen.
semflow.layers = {
  field: (pen, film, frame) => drawMap(pen, film, frame, "field"),
  masks: (pen, film, frame) => drawMap(pen, film, frame, "masks"),

  arrows(pen, film, frame) {
    const found = film.arrowsAt(frame);
    if (!found) return;
    const { x, y, scale } = film.arrows;
    const longer = 3; // times the motion to the next frame, so that slow motion is seen
    pen.lineWidth = 1.5 * pen.px;
    for (let row = 0; row < y.length; row++)
      for (let column = 0; column < x.length; column++) {
        const at = 2 * (row * x.length + column);
        const dx = (longer * found.values[at]) / scale, dy = (longer * found.values[at + 1]) / scale;
        const length = Math.hypot(dx, dy);
        if (length < 1.5) continue;
        const head = Math.min(6 * pen.px, length / 2);
        const [ux, uy] = [dx / length, dy / length];
        const [ex, ey] = [x[column] + dx, y[row] + dy];
        pen.strokeStyle = `hsl(${(Math.atan2(dy, dx) * 180) / Math.PI + 360} 90% 65%)`;
        pen.beginPath();
        pen.moveTo(x[column], y[row]);
        pen.lineTo(ex, ey);
        pen.lineTo(ex - head * (ux + uy * 0.6), ey - head * (uy - ux * 0.6));
        pen.moveTo(ex, ey);
        pen.lineTo(ex - head * (ux - uy * 0.6), ey - head * (uy + ux * 0.6));
        pen.stroke();
      }
  },

  trails(pen, film, frame, picked) {
    for (const track of film.tracks) {
      if (track.first > frame || track.last < frame) continue;
      pen.strokeStyle = track.colour;
      pen.globalAlpha = fade(track, picked);
      pen.lineWidth = (track.id === picked ? 3 : 2) * pen.px;
      pen.beginPath();
      let drawing = false;
      // The picked track shows its whole way up to here, the others the recent part of theirs.
      const from = track.id === picked ? track.first : Math.max(track.first, frame - film.trail);
      for (let at = from; at <= frame; at++) {
        const found = film.shots[at] === film.shots[frame] && film.boxAt(track, at);
        if (!found) { drawing = false; continue; }
        const [x1, y1, x2, y2] = found.xyxy;
        drawing ? pen.lineTo((x1 + x2) / 2, (y1 + y2) / 2) : pen.moveTo((x1 + x2) / 2, (y1 + y2) / 2);
        drawing = true;
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
  },

  skeletons(pen, film, frame, picked) {
    const sides = { left: "#ffb048", right: "#6ec1ff", middle: "#f5f5f2" }; // apart for colour-blind eyes too
    for (const track of film.tracks) {
      const points = track.posed && film.poseAt(track.id, frame);
      if (!points) continue;
      pen.globalAlpha = fade(track, picked);
      for (const [ground, extra] of [[true, 2], [false, 0]])
        for (const [a, b, side] of film.bones) {
          if (!points[a] || !points[b]) continue;
          pen.strokeStyle = ground ? "rgb(10 12 16 / .6)" : sides[side];
          pen.lineWidth = (2 + extra) * pen.px;
          pen.beginPath();
          pen.moveTo(...points[a]);
          pen.lineTo(...points[b]);
          pen.stroke();
        }
    }
    pen.globalAlpha = 1;
  },

  boxes(pen, film, frame, picked) {
    for (const [track, { xyxy: [x1, y1, x2, y2], seen }] of semflow.present(film, frame)) {
      pen.globalAlpha = fade(track, picked);
      pen.setLineDash(seen ? [] : [6 * pen.px, 5 * pen.px]);
      pen.strokeStyle = track.colour;
      pen.lineWidth = (track.id === picked ? 3.5 : 2) * pen.px;
      pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  },

  names(pen, film, frame, picked) {
    const size = 12 * pen.px;
    pen.font = `600 ${size}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    for (const [track, { xyxy: [x1, y1] }] of semflow.present(film, frame)) {
      const text = `${track.class} ${track.id}`;
      const width = pen.measureText(text).width + size, height = 1.5 * size;
      const left = Math.max(0, Math.min(x1, film.width - width)), top = Math.max(0, y1 - height);
      pen.globalAlpha = fade(track, picked);
      pen.fillStyle = track.colour;
      pen.fillRect(left, top, width, height);
      pen.fillStyle = "#121418";
      pen.fillText(text, left + size / 2, top + height / 2);
    }
    pen.globalAlpha = 1;
  },
};

// [track, box] of every track in the frame, those that reach further down later: they are nearer.
semflow.present = (film, frame) => {
  const found = [];
  for (const track of film.tracks) {
    if (track.first > frame || track.last < frame) continue;
    const box = film.boxAt(track, frame);
    if (box) found.push([track, box]);
  }
  return found.sort((a, b) => a[1].xyxy[3] - b[1].xyxy[3]);
};

// A map of small size over the whole picture, from a board that is painted again only when another map is due.
function drawMap(pen, film, frame, kind) {
  const found = film.mapAt(kind, frame);
  if (!found) return;
  const { width, height, labels } = film[kind];
  const board = ((semflow.boards ??= {})[kind] ??= { canvas: document.createElement("canvas"), row: -1 });
  if (board.row !== found.row) {
    Object.assign(board.canvas, { width, height });
    const context = board.canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const colours = labels.map(({ colour }) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    found.values.forEach((value, i) => {
      if (value) image.data.set([...colours[value], 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
    board.row = found.row;
  }
  pen.save();
  pen.globalAlpha = found.frame === frame ? 0.5 : 0.25; // what moves is no longer where the map of another frame has it
  pen.imageSmoothingEnabled = false;
  pen.drawImage(board.canvas, 0, 0, film.width, film.height);
  pen.restore();
}

function fade(track, picked) {
  return picked === null || track.id === picked ? 1 : 0.3;
}
