const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const TIME = '(?: at (?:noon|midnight|\\d{1,2}(?:[:.]\\d\\d)? ?(?:am|pm|o.clock)?(?![\\d\\p{L}])))?';
const EVERY = new RegExp(
  `(?<![\\p{L}])(?:every|each) (?:(\\d{1,5}) )?(minutes?|hours?|days?|weekdays?|weeks?|months?|night|morning|evening|${DAYS.join('|')})s?(?![\\p{L}])(${TIME})[,]?`,
  'iu',
);
const ADVERB = new RegExp(
  `(?<![\\p{L}])(hourly|daily|weekly|monthly)(?![\\p{L}-])(${TIME})[,]?(?=\\s*$|\\s*[.,;])`,
  'iu',
);
const CRON =
  /(?:cron|schedule)[^\n]{0,40}?((?:@(?:hourly|daily|weekly|monthly|yearly))|(?:[\d*/,-]{1,20} ){4}[\d*/,a-z-]{1,20})/i;

const PER =
  /\b(once|twice|thrice|\p{L}{3,5} times|\d{1,5} times) (?:a|an|per|each|every) (minute|hour|day|week|month)\b/giu;

export interface Scheduled {
  rest: string;
  /** Cron expressions, in UTC. */
  schedules: string[];
  /** What could not be told. */
  unclear: string[];
}

/** Takes out of a text what says how often all of it is to be done. */
export function takeSchedule(text: string): Scheduled {
  const schedules: string[] = [];
  const unclear: string[] = [];
  const note = (cron: string | undefined, words: string) => {
    if (cron === undefined) unclear.push(words);
    else schedules.push(cron);
    return '';
  };
  const rest = text
    .replace(PER, (words, count: string, unit: string) =>
      note(/once/i.test(count) ? cronOf(1, unit.toLowerCase(), '') : undefined, words),
    )
    .replace(CRON, (words, cron: string) => note(cron.toLowerCase(), words))
    .replace(EVERY, (words, count: string | undefined, unit: string, time: string) =>
      note(cronOf(count === undefined ? 1 : Number(count), unit.toLowerCase(), time), words),
    )
    .replace(ADVERB, (words, unit: string, time: string) =>
      note(cronOf(1, ADVERBS[unit.toLowerCase()]!, time), words),
    );
  return { rest, schedules, unclear };
}

const ADVERBS: Readonly<Record<string, string>> = {
  hourly: 'hour',
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
};
/** Where no hour is named. */
const HOURS: Readonly<Record<string, number>> = { morning: 6, evening: 18 };

function cronOf(count: number, unit: string, time: string): string | undefined {
  const single = unit.replace(/s$/, '');
  if (count < 1) return undefined;
  if (single === 'minute') return count === 1 ? '* * * * *' : `@every ${count}m`;
  if (single === 'hour') return count === 1 ? '0 * * * *' : `@every ${count}h`;
  const at = timeOf(time, HOURS[single] ?? 0);
  if (!at) return undefined;
  const clock = `${at.minute} ${at.hour}`;
  if (count > 1) return single === 'day' && time === '' ? `@every ${count}d` : undefined;
  if (single === 'weekday') return `${clock} * * 1-5`;
  if (single === 'week') return `${clock} * * 1`;
  if (single === 'month') return `${clock} 1 * *`;
  const day = DAYS.indexOf(single);
  return day >= 0 ? `${clock} * * ${day}` : `${clock} * * *`;
}

function timeOf(text: string, otherwise: number): { hour: number; minute: number } | undefined {
  if (text === '') return { hour: otherwise, minute: 0 };
  if (/noon/i.test(text)) return { hour: 12, minute: 0 };
  if (/midnight/i.test(text)) return { hour: 0, minute: 0 };
  const [, hours = '', minutes = '0', half] = /(\d{1,2})(?:[:.](\d\d))? ?(am|pm)?/i.exec(text) ?? [];
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (/pm/i.test(half) ? 12 : 0);
  return hour < 24 && Number(minutes) < 60 ? { hour, minute: Number(minutes) } : undefined;
}
