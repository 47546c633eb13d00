import type { IntentAction } from '../contract/intent.ts';
import type { JsonObject } from '../contract/json.ts';

const MAX_CHARS = 48;
const PREFIX: Readonly<Record<IntentAction, string>> = {
  http: 'call',
  wait: 'wait',
  approval: 'approve',
  agent: 'agent',
  run: 'run',
  transform: 'combine',
  code_execution: 'execute',
  code_analysis: 'analyse',
  code_review: 'review',
  deployment: 'deploy',
};

/** Names steps so that a person knows them again: `fetch_rates`, `deploy_staging`; each only once. */
export function stepNames(): (action: IntentAction, parameters: JsonObject) => string {
  const taken = new Set<string>();
  return (action, parameters) => {
    const base = slug(`${verbOf(action, parameters)}_${subjectOf(action, parameters)}`);
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}_${count}`;
    taken.add(name);
    return name;
  };
}

function verbOf(action: IntentAction, { method }: JsonObject): string {
  if (action !== 'http' || typeof method !== 'string') return PREFIX[action];
  return method === 'GET' ? 'fetch' : method.toLowerCase();
}

function subjectOf(action: IntentAction, parameters: JsonObject): string {
  const { url, event, workflow, environment, language, capability, repository } = parameters;
  const subject =
    action === 'http'
      ? lastOf(url)
      : action === 'wait' && event !== undefined
        ? `for ${text(event)}`
        : action === 'code_analysis' || action === 'code_review'
          ? lastOf(repository)
          : (workflow ?? environment ?? language ?? capability);
  return text(subject);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The last part of an address's path, or its host. */
function lastOf(url: unknown): string {
  if (typeof url !== 'string' || !URL.canParse(url)) return '';
  const { pathname, hostname } = new URL(url);
  const segment = pathname.split('/').findLast((part) => part !== '') ?? hostname;
  return segment.replace(/\.git$/, '');
}

function slug(name: string): string {
  const plain = name.normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '_');
  return plain
    .slice(0, MAX_CHARS)
    .toLowerCase()
    .replace(/^_+|_+$/g, '');
}
