// Figures of a trunk's calls over a whole time, from the stretches the API tells of.
export function summed(kpis, name) {
  let [count, total] = [0, 0];
  for (const kpi of kpis) {
    if (kpi.kpi !== name) continue;
    count += kpi.count;
    total += kpi.count * kpi.mean;
  }
  return { count, mean: count ? total / count : null };
}

export function kpisOf(series) {
  const answered = summed(series.kpis, "answered");
  return {
    attempts: answered.count,
    asr: answered.mean === null ? null : 100 * answered.mean,
    ner: share(series, "delivered"),
    acd: summed(series.kpis, "call_duration_s").mean,
    pdd: summed(series.kpis, "post_dial_delay_s").mean,
    up: share(series, "up"),
  };
}

function share(series, name) {
  const { mean } = summed(series.kpis, name);
  return mean === null ? null : 100 * mean;
}
