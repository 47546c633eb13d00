import type { Json, JsonObject } from '../../contract/json.ts';
import { isVerbOf, METHODS } from '../lexicon.ts';
import { methodIn, RESULT, spansOfPart, type Candidate, type Part } from '../part.ts';
import { unmask } from '../spans.ts';
import { stem } from '../stem.ts';
import { isRepository } from './repository.ts';

const WRITES: Readonly<Record<string, string>> = {
  post: 'POST',
  send: 'POST',
  submit: 'POST',
  put: 'PUT',
  patch: 'PATCH',
  delet: 'DELETE',
  remov: 'DELETE',
};
const WRITING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
/** Nothing but a request can be meant by these, even when the address is missing. */
const CERTAIN = new Set(['fetch', 'download', 'query', 'ping', 'retriev'].map(stem));
const HEALTH = /\b(answers?|returns?|responds?|status|reachable|is up|alive|available)\b/i;
const STATUS = /(?<![\p{L}\d.])([1-5]\d\d)(?![\p{L}\d.])/u;

/** A request to a server. */
export function recogniseHttp(part: Part): Candidate | undefined {
  const verb = stem(part.verb);
  const upper = methodIn(part);
  if (upper === undefined && !isVerbOf('http', part.verb)) return undefined;
  const urls = spansOfPart(part, 'url').map((span) => span.text);
  const method = upper ?? WRITES[verb] ?? 'GET';
  const certain = upper !== undefined || CERTAIN.has(verb);
  const of_items =
    part.each?.items?.every((item) => typeof item === 'string' && /^https?:\/\//i.test(item)) === true;
  if (urls.length === 0 && !of_items) return certain ? withoutUrl(part, method) : undefined;
  const base = { method, ...bodyOf(part, method), ...headersOf(part), ...expectedOf(part) };
  const writes = WRITING.has(method);
  const [first, ...more] = urls.map((url) => ({ ...base, url }));
  return {
    action: 'http',
    confidence: confidenceOf(part, certain, urls),
    parameters: first ?? { ...base, url: '' },
    more,
    ...(of_items ? { into: ['url'] } : writes ? { into: ['body'] } : {}),
    takes_result: takesResult(part, base),
    asks: asksOf(part, method, urls),
  };
}

function confidenceOf(part: Part, certain: boolean, urls: readonly string[]): number {
  if (certain || !isVerbOf('code_analysis', part.verb) || HEALTH.test(part.text)) return 0.95;
  return urls.some(isRepository) ? 0.6 : 0.8;
}

function withoutUrl(part: Part, method: string): Candidate {
  const question = `To which address is the ${method} request “${unmask(part.text, part.masked).trim()}” to go?`;
  return { action: 'http', confidence: 0.7, parameters: { method }, asks: [{ about: 'where', question }] };
}

/** `send … to …` with two addresses: the first may be what is sent, or where it is to be had. */
function asksOf(part: Part, method: string, urls: readonly string[]): Candidate['asks'] {
  if (method === 'GET' || urls.length < 2 || !/url\d+\uE001\s+to\s+\uE000url/.test(part.text)) return [];
  return [{ about: 'what', question: `Is the address ${urls[0]!} itself to be sent, or what it answers?` }];
}

function bodyOf(part: Part, method: string): { body?: Json } {
  if (!WRITING.has(method)) return {};
  const [json] = spansOfPart(part, 'json');
  if (json) return { body: json.value };
  const fields = fieldsOf(part.text);
  if (fields) return { body: fields };
  const [quoted] = spansOfPart(part, 'quoted');
  if (quoted && !/header/i.test(part.text)) return { body: quoted.text };
  const words = /^\S+ (?:request )?(?:(?:an?|the|some) )?([^\uE000]{2,200}?) to \uE000/i.exec(part.text)?.[1];
  if (words === undefined || METHODS.has(words) || RESULT.test(words)) return {};
  return { body: { message: words } };
}

const FIELD =
  /\b(?:with|and) (?:the |an? |my )?([a-z][a-z_]{1,40}) (?:of |= ?|: ?)?([^\s,;\uE000]{1,200})/giu;
const NO_FIELDS = /^(body|header|headers|request|query|method|timeout|result|response|answer|output|json)$/i;

/** `with the user anna and the password x`. */
function fieldsOf(text: string): JsonObject | undefined {
  const found = [...text.matchAll(FIELD)].filter(([, name]) => !NO_FIELDS.test(name!));
  return found.length === 0 ? undefined : Object.fromEntries(found.map(([, name, value]) => [name!, value!]));
}

function headersOf(part: Part): { headers?: JsonObject } {
  if (!/\bheaders?\b/i.test(part.text)) return {};
  const pairs = spansOfPart(part, 'quoted').flatMap(({ text }) => {
    const at = text.indexOf(':');
    return at > 0 ? [[text.slice(0, at).trim(), text.slice(at + 1).trim()] as const] : [];
  });
  return pairs.length === 0 ? {} : { headers: Object.fromEntries(pairs) };
}

function expectedOf({ text }: Part): { expect_status?: number } {
  const status = HEALTH.test(text) ? STATUS.exec(text)?.[1] : undefined;
  return status === undefined ? {} : { expect_status: Number(status) };
}

function takesResult(part: Part, { method, body }: { method: string; body?: Json }): boolean {
  return part.said.has_result && body === undefined && WRITING.has(method) && RESULT.test(part.text);
}
