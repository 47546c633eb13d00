import type { JsonObject } from '../contract/json.ts';
import { isObject } from './draft.ts';
import { form, matchForm } from './form.ts';
import { stepNamed, type Instruction } from './instruction.ts';
import { Unclear } from './unclear.ts';
import { readCount, readSeconds } from './values.ts';

const APART =
  '(?:,? (?:every|with|waiting|at intervals of|after|at) <time>(?: apart| between(?: (?:them|attempts|tries))?)?)?';
const DOUBLING = '(?<doubling>,? (?:doubling(?: each time)?|with (?:exponential )?back-?off))?';
const RETRY = [
  form(`(?:retry|try) <id>(?: again)?(?: up to| at most)? <count>(?: times)?${APART}${DOUBLING}`),
  form(`give <id> <count> (?:attempts|tries)${APART}${DOUBLING}`),
];
const NO_RETRY = [
  form("(?:do not|don['’]t|never) (?:retry|try) <id>(?: again)?"),
  form('stop (?:retrying|trying) <id>(?: again)?'),
];

export const retrying: Instruction = {
  how: [
    'retry fetch 5 times',
    'retry fetch 5 times every 10 seconds',
    'retry fetch 5 times every 2 seconds doubling',
    'do not retry fetch',
  ],
  follow(clause, editing) {
    const never = matchForm(clause, ...NO_RETRY);
    const found = never ?? matchForm(clause, ...RETRY);
    if (!found) return undefined;
    const step = stepNamed(found['id']!, editing);
    const old = editing.steps.require(step)['retry'];
    const max_attempts = never ? 1 : readCount(found['count']!);
    const kept: JsonObject = isObject(old) && !never ? old : {};
    const doubles = found['doubling'] !== undefined;
    const interval: JsonObject =
      found['time'] === undefined
        ? doubles
          ? { backoff: 2 }
          : {}
        : { initial_interval_ms: Math.round(readSeconds(found['time']) * 1_000), backoff: doubles ? 2 : 1 };
    editing.draft.set(['nodes', step, 'retry'], { ...kept, max_attempts, ...interval });
    return {
      said: `“${step}” is tried at most ${max_attempts === 1 ? 'once' : `${max_attempts} times`}`,
      step,
    };
  },
};

const TIMEOUT = [
  form('set (?:the )?time-?out (?:of|for|on) <id> (?:to|at) <time>'),
  form('(?:time out|limit) <id> (?:after|to) <time>'),
  form('give <id> (?:a )?(?:time-?out|time limit) of <time>'),
];
const VAGUE_TIMEOUT = form('set (?:the )?time-?out (?:of|for|on) <id> (?:to|at) <value>');
const NO_TIMEOUT = form('(?:remove|delete|drop) (?:the )?time-?out (?:of|for|from|on) <id>');

export const timeouts: Instruction = {
  how: ['set timeout of fetch to 30 seconds', 'remove the timeout of fetch'],
  follow(clause, editing) {
    const none = matchForm(clause, NO_TIMEOUT);
    const found = none ?? matchForm(clause, ...TIMEOUT);
    const vague = found ? undefined : matchForm(clause, VAGUE_TIMEOUT)?.['value'];
    if (vague !== undefined) throw new Unclear(`“${vague}” is no length of time, such as 30 seconds.`);
    if (!found) return undefined;
    const step = stepNamed(found['id']!, editing);
    editing.steps.require(step);
    const at = ['nodes', step, 'timeout_seconds'];
    if (none) {
      editing.draft.drop(at);
      return { said: `“${step}” has no time limit of its own`, step };
    }
    const seconds = readSeconds(found['time']!);
    editing.draft.set(at, seconds);
    return { said: `“${step}” has ${seconds} seconds`, step };
  },
};

const IGNORE = [
  form(
    '(?:continue|go on)(?: the run)? (?:on|after|despite) (?:an? |the )?(?:errors?|failures?) (?:of|in) <id>',
  ),
  form('(?:ignore|tolerate) (?:the )?(?:errors?|failures?) (?:of|in|from) <id>'),
  form('(?:continue|go on)(?: even)? (?:if|when) <id> fails'),
];
const HEED = [
  form(
    "(?:do not|don['’]t) (?:continue|go on) (?:on|after|despite) (?:an? |the )?(?:errors?|failures?) (?:of|in) <id>",
  ),
  form("(?:do not|don['’]t) (?:ignore|tolerate) (?:the )?(?:errors?|failures?) (?:of|in|from) <id>"),
  form('stop(?: the run)? (?:if|when) <id> fails'),
];

export const failures: Instruction = {
  how: ['continue on error of fetch', 'stop when fetch fails'],
  follow(clause, editing) {
    const heeded = matchForm(clause, ...HEED);
    const found = heeded ?? matchForm(clause, ...IGNORE);
    if (!found) return undefined;
    const step = stepNamed(found['id']!, editing);
    const at = ['nodes', step, 'continue_on_error'];
    if (editing.steps.require(step)['continue_on_error'] !== undefined || !heeded)
      editing.draft.set(at, !heeded);
    return {
      said: heeded ? `a failure of “${step}” ends the run` : `the run goes on when “${step}” fails`,
      step,
    };
  },
};
