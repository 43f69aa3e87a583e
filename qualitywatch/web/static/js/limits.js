// Which severity a figure deserves by the rules in force for everybody; rules of single peers show in their alerts.
import { isKnown } from "./format.js";
import { state } from "./state.js";

const LOWER_IS_WORSE = new Set(["mos", "r_factor"]);
const RANK = { info: 1, warning: 2, critical: 3 };

export function severityOf(metric, value) {
  if (!isKnown(value)) return null;
  let worst = null;
  for (const rule of state.rules) {
    for (const limit of rule.limits) {
      if (limit.metric !== metric) continue;
      const isOver = LOWER_IS_WORSE.has(metric) ? value <= limit.enter : value >= limit.enter;
      if (isOver && (worst === null || RANK[limit.severity] > RANK[worst])) worst = limit.severity;
    }
  }
  return worst;
}

// The higher of what is known; null: nothing is.
export function largest(...values) {
  const known = values.filter(isKnown);
  return known.length ? Math.max(...known) : null;
}

export function smallest(...values) {
  const known = values.filter(isKnown);
  return known.length ? Math.min(...known) : null;
}
