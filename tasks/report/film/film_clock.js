// The frame that a video shows: exact where the browser tells (requestVideoFrameCallback), else by its current time.
semflow.FilmClock = class {
  constructor(video, film) {
    this.video = video;
    this.film = film;
    this.frame = 0;
    this.listeners = [];
    this.exact = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
    const update = (seconds) => this.show(film.frameAt(seconds + 0.0005)); // times are rounded to microseconds
    if (this.exact) {
      const take = (_, shown) => {
        if (!video.seeking) update(shown.mediaTime); // a frame of an earlier seek comes late where two follow closely
        video.requestVideoFrameCallback(take);
      };
      video.requestVideoFrameCallback(take);
    } else {
      const follow = () => {
        update(video.currentTime);
        if (!video.paused) requestAnimationFrame(follow);
      };
      video.addEventListener("play", follow);
    }
    // A paused film shows the frame that was told last, which may lie ahead of its current time.
    const events = this.exact ? ["seeked", "loadeddata"] : ["seeked", "loadeddata", "pause"];
    for (const event of events) video.addEventListener(event, () => video.seeking || update(video.currentTime));
    for (const event of ["play", "pause", "ended"]) video.addEventListener(event, () => this.tell());
  }

  get seconds() {
    return this.film.edges[this.frame];
  }

  get playing() {
    return !this.video.paused && !this.video.ended;
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  show(frame) {
    if (frame === this.frame) return;
    this.frame = frame;
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener(this.frame);
  }

  // The middle of a frame's time: at its beginning a player may still show the one before.
  seekFrame(frame) {
    const wanted = Math.max(0, Math.min(this.film.count - 1, Math.round(frame)));
    this.video.currentTime = (this.film.edges[wanted] + this.film.edges[wanted + 1]) / 2;
    this.show(wanted);
  }

  seek(seconds) {
    this.seekFrame(this.film.frameAt(seconds + 1e-6));
  }

  step(frames) {
    this.video.pause();
    this.seekFrame(this.frame + frames);
  }

  toggle() {
    if (this.playing) this.video.pause();
    else this.video.play().catch(() => {}); // refused, or ended by a seek: the button still shows what is
  }
};
