import type { Json } from '../../contract/json.ts';
import { durationIn } from '../durations.ts';
import { isVerbOf } from '../lexicon.ts';
import { spansOfPart, type Candidate, type Part } from '../part.ts';

/** The longest that a step may wait: a year. */
const MAX_SECONDS = 31_536_000;
const TIME = /(?<!\d)(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))/;
const EVENT = /\b(?:events?|signals?|messages?) (?:called |named )?([\p{L}][\p{L}\p{N}._-]{0,100})/iu;
const NO_NAMES = /^(comes?|arrives?|is|has|happens?|occurs?|to|in|that|from)$/i;

/** A pause of some length, until a time, or until an event. */
export function recogniseWait(part: Part): Candidate | undefined {
  return isVerbOf('wait', part.verb) && !/\b(approv\w{0,4}|signs? off)\b/i.test(part.text)
    ? waitOf(part, 0.95)
    : undefined;
}

/** What `after …` makes one wait for, when that is no step. */
export function recogniseWaitedFor(part: Part): Candidate | undefined {
  const found = waitOf(part, 0.9);
  return found.asks?.length === 0 ? found : undefined;
}

function waitOf(part: Part, confidence: number): Candidate {
  const event = eventOf(part);
  const until = TIME.exec(part.text)?.[1];
  const duration = durationIn(part.text);
  const parameters: Record<string, Json> =
    event !== undefined
      ? { event }
      : until !== undefined
        ? { until }
        : duration !== undefined
          ? { duration_seconds: duration }
          : {};
  const known = Object.keys(parameters).length > 0 && (duration ?? 0) <= MAX_SECONDS;
  const question = 'How long is to be waited, or until which time or event?';
  return { action: 'wait', confidence, parameters, asks: known ? [] : [{ about: 'when', question }] };
}

function eventOf(part: Part): string | undefined {
  const [quoted] = spansOfPart(part, 'quoted');
  if (quoted && /\b(event|signal|message|until|for|comes|arrives)\b/i.test(part.text))
    return quoted.text.slice(0, 200);
  const name = EVENT.exec(part.text)?.[1];
  return name === undefined || NO_NAMES.test(name) ? undefined : name;
}
