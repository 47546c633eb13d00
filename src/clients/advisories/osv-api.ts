import { advisoriesOf } from './advisories-of.ts';
import type { AdvisoryAnswer, AdvisorySource, PackageVersion } from '../../contract/advisory.ts';
import { packageKey } from './package-key.ts';
import { inParallel } from './in-parallel.ts';
import { type AdvisoryName, askBatch, MAX_QUERIES } from './osv-batch.ts';
import { type OsvDocument, readOsvDocument } from './osv-document.ts';
import { OsvFailure, type OsvHttp, osvHttp, type OsvHttpOptions } from './osv-http.ts';

export interface OsvApiOptions extends OsvHttpOptions {
  /** Advisories by id and time of their last change. */
  cache: { get(key: string): OsvDocument | undefined; set(key: string, document: OsvDocument): unknown };
  /** For all calls of one look-up. */
  time_ms?: number;
  /** Advisories that are told of in one look-up; each version that one concerns counts. */
  max_hits?: number;
}

interface Hit {
  one: PackageVersion;
  name: AdvisoryName;
}

const PARALLEL = 4;
const MAX_NAME_CHARS = 300;
const MAX_VERSION_CHARS = 100;
const LATE = 'The source of advisories did not answer in time.';

/** Advisories of a server that speaks the OSV API. Names and versions of packages leave for it, nothing else. */
export function osvApi(options: OsvApiOptions): AdvisorySource {
  const { cache, time_ms = 120_000, max_hits = 5_000 } = options;
  const http = osvHttp(options);

  return async (packages, signal) => {
    const deadline = AbortSignal.timeout(time_ms);
    const bounds = { parallel: PARALLEL, signal: AbortSignal.any([signal, deadline]) };
    const hits: Hit[] = [];
    // What is told of must not depend on how much the cache holds.
    const documents = new Map<string, OsvDocument>();
    const problems: string[] = [];
    let unread = 0;
    try {
      await inParallel(batchesOf(packages), bounds, (batch, ended) =>
        askBatch(http, { packages: batch, signal: ended }, (one, name) => {
          if (hits.length >= max_hits) throw new OsvFailure('More advisories are known than are looked at.');
          hits.push({ one, name });
        }),
      );
      await inParallel(namesOf(hits), bounds, async (name, ended) => {
        const key = keyOf(name);
        const document = cache.get(key) ?? (await askAdvisory(http, name, ended));
        if (!document) return void (unread += 1);
        documents.set(key, document);
        // Without that time nobody could tell when it changes.
        if (name.modified !== '') cache.set(key, document);
      });
    } catch (error) {
      signal.throwIfAborted();
      problems.push(problemOf(error, deadline));
    }
    if (unread > 0) problems.push(`Advisories that could not be read: ${unread}.`);
    return { advisories: told(hits, documents), problems };
  };
}

const keyOf = ({ id, modified }: AdvisoryName): string => `${id} ${modified}`;

function problemOf(error: unknown, deadline: AbortSignal): string {
  if (error instanceof OsvFailure) return error.message;
  if (deadline.aborted) return LATE;
  throw error;
}

/** Each version once. */
function batchesOf(packages: readonly PackageVersion[]): PackageVersion[][] {
  const fit = packages.filter(
    ({ name, version }) => name.length <= MAX_NAME_CHARS && version.length <= MAX_VERSION_CHARS,
  );
  const once = [...new Map(fit.map((one) => [`${packageKey(one)} ${one.version}`, one])).values()];
  const count = Math.ceil(once.length / MAX_QUERIES);
  return Array.from({ length: count }, (_, i) => once.slice(i * MAX_QUERIES, (i + 1) * MAX_QUERIES));
}

const namesOf = (hits: readonly Hit[]): AdvisoryName[] => [
  ...new Map(hits.map(({ name }) => [keyOf(name), name])).values(),
];

/** Undefined for one that is gone by now, or is none. */
async function askAdvisory(
  http: OsvHttp,
  { id }: AdvisoryName,
  signal: AbortSignal,
): Promise<OsvDocument | undefined> {
  try {
    const text = await http({ method: 'GET', path: `/v1/vulns/${encodeURIComponent(id)}` }, signal);
    const document = readOsvDocument(text);
    return document?.id === id ? document : undefined;
  } catch (error) {
    if (error instanceof OsvFailure && error.status === 404) return undefined;
    throw error;
  }
}

function told(
  hits: readonly Hit[],
  documents: ReadonlyMap<string, OsvDocument>,
): AdvisoryAnswer['advisories'] {
  const by_package = new Map<PackageVersion, OsvDocument[]>();
  for (const { one, name } of hits) {
    const document = documents.get(keyOf(name));
    const others = by_package.get(one);
    if (document && others) others.push(document);
    else if (document) by_package.set(one, [document]);
  }
  return [...by_package].flatMap(([one, of_one]) => advisoriesOf(one, of_one));
}
