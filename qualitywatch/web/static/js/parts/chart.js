// <qw-chart>: lines over time with limits, drawn by uPlot. Zoomed by dragging; what it shows is also said in words.
import { isDark } from "../theme.js";
import { currentLanguage } from "../words.js";

const HEIGHT = 190;
const SYNC = "qualitywatch";
const SQUEEZED = 8; // a limit so many times higher than the line is told in words only

class Chart extends HTMLElement {
  // shown: {from, to, times, lines: [{label, values, colour, dash}], limits: [{value, severity, label}],
  //         low?, high?, format(value), formatAxis(value), formatTime(unix), timeLabel, spoken, onZoom(from, to), onZoomOut()}
  set shown(shown) {
    const before = this.is;
    this.is = shown;
    if (!this.isConnected) return;
    if (this.plot && before && this.looks === this.look()) this.refill();
    else this.build();
  }

  connectedCallback() {
    this.observer = new ResizeObserver(() => {
      if (this.plot && this.clientWidth && this.clientWidth !== this.plot.width) {
        this.plot.setSize({ width: this.clientWidth, height: HEIGHT });
      }
    });
    this.observer.observe(this);
    if (this.is) this.build();
  }

  disconnectedCallback() {
    this.observer.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  // What needs a new plot when it changes.
  look() {
    return JSON.stringify([currentLanguage(), isDark(), this.is.lines.map((line) => line.label), this.is.limits]);
  }

  colour(name) {
    return getComputedStyle(this).getPropertyValue(`--${name}`).trim();
  }

  refill() {
    this.plot.batch(() => {
      this.plot.setData([this.is.times, ...this.is.lines.map((line) => line.values)], false);
      this.plot.setScale("x", { min: this.is.from, max: this.is.to });
    });
    this.speak();
  }

  speak() {
    const canvas = this.querySelector("canvas");
    canvas?.setAttribute("role", "img");
    canvas?.setAttribute("aria-label", this.is.spoken);
  }

  build() {
    this.plot?.destroy();
    this.looks = this.look();
    const { lines } = this.is;
    const axis = { stroke: this.colour("quiet"), grid: { stroke: this.colour("grid"), width: 1 }, ticks: { show: false } };
    this.plot = new window.uPlot({
      width: this.clientWidth || 300,
      height: HEIGHT,
      scales: { x: { time: true, range: (_, low, high) => [low, high] }, y: { range: (_, low, high) => this.yRange(low, high) } },
      axes: [
        { ...axis, space: 70, size: 30, values: (_, splits, __, ___, step) => splits.map((split) => this.tick(split, step)) },
        { ...axis, size: 62, values: (_, splits) => splits.map((split) => this.is.formatAxis(split)) },
      ],
      series: [
        { label: this.is.timeLabel, value: (_, value) => (value === null ? "–" : this.is.formatTime(value)) },
        ...lines.map((line) => ({
          label: line.label,
          stroke: this.colour(line.colour),
          width: line.dash ? 1.6 : 2,
          dash: line.dash,
          points: { size: 5 },
          value: (_, value) => this.is.format(value),
        })),
      ],
      cursor: { sync: { key: SYNC, setSeries: false }, drag: { x: true, y: false, setScale: false }, bind: this.bound() },
      select: { show: true },
      hooks: { setSelect: [(plot) => this.zoomTo(plot)], draw: [(plot) => this.drawLimits(plot)] },
      legend: { live: true, markers: { width: 2, dash: (_, index) => this.borderOf(lines[index - 1]?.dash) } },
    }, [this.is.times, ...lines.map((line) => line.values)], this);
    this.plot.setScale("x", { min: this.is.from, max: this.is.to });
    this.speak();
  }

  bound() {
    return { dblclick: () => () => this.is.onZoomOut() };
  }

  // The legend's marker looks like its line.
  borderOf(dash) {
    if (!dash) return "solid";
    return dash[0] > dash[1] ? "dashed" : "dotted";
  }

  zoomTo(plot) {
    if (plot.select.width < 4) return;
    const from = plot.posToVal(plot.select.left, "x");
    const to = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.is.onZoom(from, to);
  }

  // Room for the mildest limit, so that a glance says how far it is; unless that would press the line to the ground.
  yRange(low, high) {
    const { low: least, high: most, limits } = this.is;
    if (least !== undefined && most !== undefined) return [least, most];
    const nearest = limits.length ? Math.min(...limits.map((limit) => limit.value)) : 0;
    const top = (high ?? 0) * 1.15;
    return [least ?? 0, Math.max(top, top * SQUEEZED >= nearest ? nearest * 1.15 : 0, 1)];
  }

  tick(unix, step_s) {
    const date = new Date(unix * 1000);
    const pad = (value) => String(value).padStart(2, "0");
    if (step_s >= 86_400) return `${pad(date.getDate())}.${pad(date.getMonth() + 1)}`;
    const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
    return step_s < 60 ? `${clock}:${pad(date.getSeconds())}` : clock;
  }

  drawLimits(plot) {
    const { ctx, bbox } = plot;
    const [low, high] = [plot.scales.y.min, plot.scales.y.max];
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.lineWidth = devicePixelRatio;
    for (const limit of this.is.limits) {
      if (limit.value < low || limit.value > high) continue;
      const y = Math.round(plot.valToPos(limit.value, "y", true));
      ctx.strokeStyle = ctx.fillStyle = this.colour(limit.severity);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(limit.label, bbox.left + 4 * devicePixelRatio, y - 3 * devicePixelRatio);
    }
    ctx.restore();
  }
}

customElements.define("qw-chart", Chart);
