import { DEFINITION_LIMITS } from '../../contract/definition.ts';
import type { Problem } from '../../contract/errors.ts';
import { createReport } from './definition-shape.ts';
import type { Site } from './definition-shape.ts';

/** JSON can say what text cannot hold: PostgreSQL takes no U+0000, and RFC 8785 no lone surrogate. */
// eslint-disable-next-line no-control-regex
const UNSTORABLE = /\u0000|\p{Surrogate}/u;

export interface LimitReport {
  /** True when the document may be walked recursively and in full. */
  walkable: boolean;
  problems: Problem[];
}

/** The limits that must hold before anything else looks at the document: depth, size, characters. */
export function checkLimits(document: unknown): LimitReport {
  const report = createReport();
  const tooDeep = firstTooDeep(document);
  if (tooDeep !== undefined) {
    placeOf(tooDeep, report.root).report(`is nested deeper than ${DEFINITION_LIMITS.depth}`);
    return { walkable: false, problems: report.problems() };
  }
  const text = JSON.stringify(document) ?? '';
  if (text.length > DEFINITION_LIMITS.bytes || Buffer.byteLength(text) > DEFINITION_LIMITS.bytes) {
    report.root.report(`is larger than ${DEFINITION_LIMITS.bytes} bytes`);
    return { walkable: false, problems: report.problems() };
  }
  // JSON.stringify writes both kinds of character as an escape, so most documents need no second look.
  if (/\\u(?:0000|d)/.test(text)) checkTexts(document, report.root);
  return { walkable: true, problems: report.problems() };
}

interface Place {
  value: object;
  depth: number;
  key: string;
  parent: Place | undefined;
}

/** Iterative, so that no depth can exhaust the stack; it stops at the first value that is too deep. */
function firstTooDeep(document: unknown): Place | undefined {
  const pending: Place[] = isCompound(document)
    ? [{ value: document, depth: 1, key: '', parent: undefined }]
    : [];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    if (place.depth > DEFINITION_LIMITS.depth) return place;
    const depth = place.depth + 1;
    for (const [key, value] of Object.entries(place.value)) {
      if (isCompound(value)) pending.push({ value, depth, key, parent: place });
    }
  }
  return undefined;
}

function placeOf(place: Place, root: Site): Site {
  return place.parent === undefined ? root : placeOf(place.parent, root).at(place.key);
}

function checkTexts(value: unknown, site: Site): void {
  if (typeof value === 'string') checkText(value, site);
  if (!isCompound(value)) return;
  for (const [key, member] of Object.entries(value)) {
    if (!Array.isArray(value)) checkText(key, site.at(key));
    checkTexts(member, site.at(key));
  }
}

function checkText(value: string, site: Site): void {
  if (UNSTORABLE.test(value))
    site.report('has a character that cannot be stored (U+0000 or a lone surrogate)');
}

function isCompound(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
