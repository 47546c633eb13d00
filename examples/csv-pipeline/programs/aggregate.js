/**
 * Program of the node `aggregate`: one summary per station from the readings on stdin, `{ readings, turbidity_limit }`.
 * A station is flagged when its mean turbidity is above the limit.
 */
const { readFileSync } = require('node:fs');

const { readings, turbidity_limit } = JSON.parse(readFileSync(0, 'utf8'));
const stations = [...groupByStation(readings)].map(([station, rows]) => summary(station, rows));
stations.sort((a, b) => b.turbidity_ntu.mean - a.turbidity_ntu.mean);
console.log(
  JSON.stringify({
    turbidity_limit,
    stations,
    flagged: stations.filter((s) => s.flagged).map((s) => s.station),
  }),
);

function groupByStation(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.station, [...(groups.get(row.station) ?? []), row]);
  return groups;
}

function summary(station, rows) {
  const turbidity = statistics(rows.map((row) => row.turbidity_ntu));
  return {
    station,
    readings: rows.length,
    first_day: rows[0].day,
    last_day: rows.at(-1).day,
    temperature_c: statistics(rows.map((row) => row.temperature_c)),
    ph: statistics(rows.map((row) => row.ph)),
    oxygen_mg_l: statistics(rows.map((row) => row.oxygen_mg_l)),
    turbidity_ntu: turbidity,
    flagged: turbidity.mean > turbidity_limit,
  };
}

function statistics(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { min: Math.min(...values), mean: Math.round(mean * 100) / 100, max: Math.max(...values) };
}
