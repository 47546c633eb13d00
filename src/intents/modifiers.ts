import { DURATION, durationIn, numberOf } from './durations.ts';

/** What is said of how a step is done, whatever it does. */
export interface Modifiers {
  max_attempts?: number;
  timeout_seconds?: number;
}

/** What a step's time limit may be. */
const [MIN_SECONDS, MAX_SECONDS] = [0.001, 31_536_000];
const COUNT = '(\\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)';
const ATTEMPTS = [
  new RegExp(
    `\\b(?:with )?(?:retry|retrying|retries|try|repeat)(?: it| this| that| them)?(?: up to| at most)? ${COUNT}(?: times)?\\b`,
    'iu',
  ),
  new RegExp(`\\b(?:with |and |for )?(?:up to |at most )?${COUNT} (?:retries|attempts|tries)\\b`, 'iu'),
];
const TIMEOUT = new RegExp(
  `\\b(?:with |and )?(?:(?:a )?time(?:out| limit)(?: of| after)?|(?:at most|within|for no more than)) (${DURATION})`,
  'iu',
);

/** Takes the modifiers out of a clause. */
export function takeModifiers(text: string): { rest: string; modifiers: Modifiers } {
  const modifiers: Modifiers = {};
  let rest = text.replace(TIMEOUT, (_all, duration: string) => {
    modifiers.timeout_seconds = Math.min(
      MAX_SECONDS,
      Math.max(MIN_SECONDS, durationIn(duration) ?? MAX_SECONDS),
    );
    return '';
  });
  for (const pattern of ATTEMPTS) {
    rest = rest.replace(pattern, (_all, count: string) => {
      modifiers.max_attempts = Math.max(1, numberOf(count));
      return '';
    });
  }
  return { rest: rest.trim(), modifiers };
}
