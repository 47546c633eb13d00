import type { Roots } from '../../contract/plan.ts';
import { ExpressionError } from '../../language/expression-error.ts';
import type { NodeSet } from '../../language/graph.ts';
import { wholeExpression } from '../../language/placeholders.ts';
import { callsAlways, compileTemplate, rootsOf, sourcesOf } from '../../language/template.ts';
import type { Site } from './definition-shape.ts';

/** What the expressions of one place may read. */
export interface Reach {
  /** Undefined = any step, and `steps` as a whole. */
  ancestors?: NodeSet;
  /** Every node of the document. */
  nodes: ReadonlySet<string>;
  /** How messages call the place. */
  place: string;
  item: boolean;
  secrets: boolean | 'not in args';
  always: boolean;
  /** `input` and `params` only: there is no run yet. */
  beforeRun?: boolean;
}

/** Checks every expression in the strings of a value; `value` must be shallow enough for recursion (64). */
export function checkExpressions(value: unknown, site: Site, reach: Reach): void {
  if (typeof value === 'string') {
    if (value.includes('${{')) checkText(value, site, reach);
  } else if (Array.isArray(value)) {
    value.forEach((item, i) => checkExpressions(item, site.at(i), reach));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) checkExpressions(item, site.at(key), reach);
  }
}

/** A guard must be one expression: text around it could never be true or false. */
export function checkGuard(value: unknown, site: Site, reach: Reach): void {
  if (typeof value !== 'string') return site.report('must be a string');
  guarded(site, () => {
    const source = wholeExpression(value);
    if (source === undefined) site.report('must be one expression: ${{ … }}');
    else checkSource(source, site, { ...reach, always: true });
  });
}

function checkText(value: string, site: Site, reach: Reach): void {
  guarded(site, () => {
    for (const source of sourcesOf(compileTemplate(value))) checkSource(source, site, reach);
  });
}

/** A text may hold several expressions: each is reported for itself. */
function checkSource(source: string, site: Site, reach: Reach): void {
  guarded(site, () => {
    checkRoots(rootsOf(source), site, reach);
    if (callsAlways(source) && !reach.always) site.report('always() may only be called in `if`');
  });
}

function guarded(site: Site, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    site.report(`bad expression: ${error.message}`);
  }
}

function checkRoots(roots: Roots, site: Site, reach: Reach): void {
  if (reach.beforeRun === true && (roots.run || roots.item || roots.steps.length > 0)) {
    site.report('may only read `input` and `params`');
  }
  if (roots.item && !reach.item) site.report('`item` is only there inside a `map`');
  if (roots.secrets.length > 0) checkSecrets(roots.secrets, site, reach);
  if (reach.beforeRun !== true) for (const step of roots.steps) checkStep(step, site, reach);
}

function checkSecrets(names: readonly string[], site: Site, reach: Reach): void {
  if (reach.secrets === false) site.report('`secrets` may only be read in the config of http and code nodes');
  else if (reach.secrets === 'not in args')
    site.report(
      '`secrets` may not be read in `args`, which others on the machine can see: use `env` or `stdin`',
    );
  else if (names.includes('*')) site.report('`secrets` must be followed by a name');
}

function checkStep(step: string, site: Site, { ancestors, nodes, place }: Reach): void {
  if (step === '*') {
    // What else has ended by then depends on timing, so the value would too.
    if (ancestors !== undefined) site.report('`steps` must be followed by the name of a step');
  } else if (!nodes.has(step)) {
    site.report(`there is no step "${step}"`);
  } else if (ancestors !== undefined && !ancestors.has(step)) {
    site.report(`step "${step}" is not an ancestor of ${place}: add it to \`needs\``);
  }
}
