interface Field {
  name: string;
  min: number;
  max: number;
  /** Names of its values, from `min` on. */
  names?: readonly string[];
}

const SECOND: Field = { name: 'second', min: 0, max: 59 };
const YEAR: Field = { name: 'year', min: 2000, max: 2100 };
const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  // 7 is Sunday too.
  { name: 'day of week', min: 0, max: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];
/** Five fields; six with the year behind them; seven with the second before them as well. */
const LAYOUTS: Readonly<Record<number, readonly Field[]>> = {
  5: FIELDS,
  6: [...FIELDS, YEAR],
  7: [SECOND, ...FIELDS, YEAR],
};
const SHORTHAND = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/;
/** At least a second apart. */
const EVERY = /^@every [1-9]\d{0,6}[smhd](\/\d{1,7}[smhd])?$/;
const RANGE = /^(\*|[a-z\d]+)(?:-([a-z\d]+))?(?:\/(\d+))?$/i;

/** What is wrong with a cron expression, as Temporal reads it; undefined: nothing. */
export function cronProblem(cron: string): string | undefined {
  if (SHORTHAND.test(cron) || EVERY.test(cron)) return undefined;
  const parts = cron.split(/ +/);
  const layout = LAYOUTS[parts.length];
  if (cron.startsWith('@') || !layout) return 'must be a cron expression';
  const wrong = layout.find((field, i) => !parts[i]!.split(',').every((part) => isInField(part, field)));
  return wrong && `must be a cron expression: its ${wrong.name} is wrong`;
}

function isInField(part: string, field: Field): boolean {
  const [, first, last, step] = RANGE.exec(part) ?? [];
  if (first === undefined || (step !== undefined && Number(step) === 0)) return false;
  if (first === '*') return last === undefined;
  const from = valueOf(first, field);
  const to = last === undefined ? from : valueOf(last, field);
  return from !== undefined && to !== undefined && from <= to;
}

function valueOf(text: string, { min, max, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  const value = named >= 0 ? named + min : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}
