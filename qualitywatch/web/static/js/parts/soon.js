// Something that is done as news come, but not more often than every few seconds: a PBX at work has news every second.
const REST_MS = 3000;

export class Soon {
  constructor(act) {
    this.act = act;
    this.timer = null;
    this.actedAt = -Infinity;
  }

  now() {
    this.actedAt = performance.now();
    this.act();
  }

  ask() {
    if (this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.now();
    }, Math.max(0, REST_MS - (performance.now() - this.actedAt)));
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}
