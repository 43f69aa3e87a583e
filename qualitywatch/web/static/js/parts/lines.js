// From points of the API to lines of a chart: one row of times for all, and a hole where nobody measured.
import { isKnown } from "../format.js";

const HOLE = 1.5; // so many lengths of a stretch without a word break the line

// wanted: [{direction, field}]; returns {times, values: one array for each wanted}.
export function linesOf(points, wanted) {
  const rows = new Map();
  let length_s = 0;
  for (const point of points) {
    const at = point.at + point.seconds / 2;
    wanted.forEach(({ direction, field }, index) => {
      if (point.direction !== direction || !isKnown(point[field])) return;
      if (!rows.has(at)) rows.set(at, new Array(wanted.length).fill(null));
      rows.get(at)[index] = point[field];
      length_s = Math.max(length_s, point.seconds);
    });
  }
  const times = [];
  const values = wanted.map(() => []);
  const put = (at, row) => {
    times.push(at);
    values.forEach((line, index) => line.push(row ? row[index] : null));
  };
  let before = null;
  for (const at of [...rows.keys()].sort((a, b) => a - b)) {
    if (before !== null && at - before > HOLE * length_s) put((before + at) / 2, null);
    put(at, rows.get(at));
    before = at;
  }
  return { times, values };
}
