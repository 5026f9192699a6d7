// What the viewer chose: layers, the picked track, whether it is followed. Listeners hear of every change.
semflow.ViewState = class {
  constructor(film) {
    this.film = film;
    this.layers = { boxes: true, names: true, trails: true, skeletons: true, field: false, masks: true, arrows: false };
    this.picked = null;
    this.following = false;
    this.listeners = [];
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  change(changes) {
    Object.assign(this, changes);
    for (const listener of this.listeners) listener(this);
  }

  toggleLayer(name) {
    this.change({ layers: { ...this.layers, [name]: !this.layers[name] } });
  }

  // Picking the picked track again, or none, puts it back.
  pick(id) {
    const picked = id === this.picked || !this.film.trackOf.has(id) ? null : id;
    this.change({ picked, following: this.following && picked !== null });
  }

  // The next or previous track among those in the frame, by its id.
  pickNeighbour(step, frame) {
    const ids = semflow.present(this.film, frame).map(([track]) => track.id).sort((a, b) => a - b);
    if (!ids.length) return;
    const at = ids.indexOf(this.picked);
    const next = at < 0 ? (step > 0 ? 0 : ids.length - 1) : (at + step + ids.length) % ids.length;
    this.change({ picked: ids[next] });
  }
};
