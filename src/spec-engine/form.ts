import { DURATION } from '../intents/durations.ts';
import type { Clause } from './clauses.ts';

const ID = '[A-Za-z_][\\w-]*';
const MARK = '[`"\'“”]?';
/** A length of time, of several parts too. */
export const TIME = `${DURATION}(?:,? (?:and )?${DURATION}){0,3}`;
const COUNT = '\\d{1,4}|once|twice|two|three|four|five|six|seven|eight|nine|ten';

/** How a step is named: `fetch`, `the step fetch`, `the fetch step`. */
const step = (group: string) => `(?:the )?(?:step |node )?${MARK}(?<${group}>${ID})${MARK}(?: step| node)?`;
const PARTS: Readonly<Record<string, string>> = {
  '<id>': step('id'),
  '<other>': step('other'),
  '<ids>': '(?<ids>[\\w ,`"\'“”-]+)',
  '<name>': `${MARK}(?<name>[A-Za-z_][\\w.-]*)${MARK}`,
  '<count>': `(?<count>${COUNT})`,
  '<time>': `(?<time>${TIME})`,
  '<pointer>': '(?<pointer>/\\S*)',
  '<path>': '(?<path>\\S+)',
  '<value>': '(?<value>.+)',
};

/**
 * A pattern for whole clauses, written with the parts `<id>`, `<other>`, `<ids>`, `<name>`, `<count>`, `<time>`, `<pointer>`, `<path>` and `<value>`
 * between plain regular expression.
 */
export function form(text: string): RegExp {
  const source = text.replaceAll(
    /(?<!\(\?)<(?:id|other|ids|name|count|time|pointer|path|value)>/g,
    (name) => PARTS[name]!,
  );
  return new RegExp(`^${source}$`, 'diu');
}

/** What stands in the parts of a form, as it was written; undefined when the clause has none of the forms. */
export function matchForm(clause: Clause, ...forms: readonly RegExp[]): Record<string, string> | undefined {
  for (const each of forms) {
    const found = each.exec(clause.masked)?.indices?.groups;
    if (!found) continue;
    const said = Object.fromEntries(
      Object.entries(found).flatMap(([name, at]) => (at ? [[name, clause.raw.slice(...at)]] : [])),
    );
    if (said['ids'] === undefined || idsOf(said['ids']).length > 0) return said;
  }
  return undefined;
}

const STEP = new RegExp(`^(?:the )?(?:steps? |nodes? )?${MARK}(${ID})${MARK}(?: steps?| nodes?)?$`, 'iu');

/** The steps of a list, each once; none for what is no list of names. */
export function idsOf(list: string): string[] {
  const ids = list.split(/, and |,? and |, /i).map((each) => STEP.exec(each.trim())?.[1]);
  return ids.every((id) => id !== undefined) ? [...new Set(ids)] : [];
}
