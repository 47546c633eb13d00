import type { IntentCatalogue, IntentRisk, IntentStep, RiskKind } from '../contract/intent.ts';
import { spansIn, type Masked } from './spans.ts';

const DELETION =
  /\b(delet\w{1,4}|remov\w{1,4}|wip(?:e|es|ed|ing)|drop(?:s|ped|ping)?|purg\w{1,4}|eras\w{1,4}|destroy\w{0,4}|truncat\w{1,4})\b/i;
const DELETING_CODE =
  /\brm\s+-[a-z]*[rf]|\brmSync\b|\brmdir|\bunlink|\brmtree\b|\bos\.remove\b|\bdrop\s+(?:table|database)\b|\bdelete\s+from\b|\btruncate\s+table\b/i;
const SPENDING =
  /\b(refund\w{0,3}|pay|pays|paying|payment|payments|charg(?:e|es|ing)|buy|buys|buying|purchas\w{1,4}|transfer (?:the )?(?:money|funds)|payout|spend\w{0,4}|invoic(?:e|es|ing) (?:the )?customers?)\b/i;
const SECRETS =
  /\b(password|passwd|passphrase|api[ _-]?key|secret key|access key|private key|access token|bearer|auth token|credentials?|client secret)\b/i;
const SECRET_VALUE =
  /\b(?:gh[opsu]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|sk-[A-Za-z0-9_-]{16,255}|AKIA[A-Z0-9]{16}|xox[abp]-[A-Za-z0-9-]{10,255})\b|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----|[?&](?:token|api_key|apikey|access_token|password|secret)=/i;
const PRODUCTION = /\b(production|prod)\b/i;

const MESSAGES: Readonly<Record<RiskKind, string>> = {
  production: 'It changes production.',
  deletion: 'It deletes something.',
  spending: 'It may cost or move money.',
  secrets: 'It carries a secret in clear, and so would everything that keeps the plan.',
};

/** What a person should know before the steps are done. */
export function risksOf(
  steps: readonly IntentStep[],
  masked: Masked,
  { workflows }: IntentCatalogue,
): IntentRisk[] {
  const described = new Map(workflows.map(({ name, description = '' }) => [name, description]));
  const of_steps = steps.flatMap((step) => {
    const { workflow } = step.parameters;
    const run = step.action === 'run' && typeof workflow === 'string' ? workflow : '';
    return kindsOf(step, `${run} ${described.get(run) ?? ''}`).map((kind) => risk(kind, step.id));
  });
  const whole = [masked.text, ...masked.spans.map(({ text }) => text)].join('\n');
  const of_text = kindsInText(whole, masked).filter((kind) => !of_steps.some((found) => found.kind === kind));
  return [...of_steps, ...of_text.map((kind) => risk(kind))];
}

function risk(kind: RiskKind, step?: string): IntentRisk {
  return { kind, message: MESSAGES[kind], ...(step === undefined ? {} : { step }) };
}

function kindsOf({ action, parameters, text }: IntentStep, workflow: string): RiskKind[] {
  const carried = JSON.stringify(parameters);
  const source = typeof parameters['source'] === 'string' ? parameters['source'] : '';
  const kinds: [RiskKind, boolean][] = [
    [
      'production',
      parameters['environment'] === 'production' || (action === 'run' && PRODUCTION.test(carried + workflow)),
    ],
    [
      'deletion',
      parameters['method'] === 'DELETE' || DELETION.test(`${text} ${workflow}`) || DELETING_CODE.test(source),
    ],
    ['spending', SPENDING.test(`${withoutQuoted(text)} ${workflow}`)],
    [
      'secrets',
      SECRETS.test(text) ||
        SECRET_VALUE.test(carried) ||
        hasUserInfo(parameters['url'] ?? parameters['repository']),
    ],
  ];
  return kinds.flatMap(([kind, is]) => (is ? [kind] : []));
}

/** The name of an event or a text to translate moves no money. */
function withoutQuoted(text: string): string {
  return text.replace(/"[^"]{0,2000}"/g, '');
}

function kindsInText(whole: string, masked: Masked): RiskKind[] {
  const urls = spansIn(masked.text, masked).flatMap((span) => (span.kind === 'url' ? [span.text] : []));
  const found: [RiskKind, boolean][] = [
    ['deletion', DELETION.test(masked.text)],
    ['secrets', SECRET_VALUE.test(whole) || urls.some(hasUserInfo)],
  ];
  return found.flatMap(([kind, is]) => (is ? [kind] : []));
}

function hasUserInfo(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && new URL(url).password !== '';
}
