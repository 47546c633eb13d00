import { z } from 'zod';
import type { PackageVersion } from '../../contract/advisory.ts';
import { ADVISORY_ID } from './osv-document.ts';
import { OsvFailure, type OsvHttp } from './osv-http.ts';

/** An advisory as a batch names it. */
export interface AdvisoryName {
  id: string;
  /** Another value is another text. */
  modified: string;
}

/** Of one call of the API. */
export const MAX_QUERIES = 1_000;
const MAX_PAGES = 20;

const batchAnswer = z.object({
  results: z.array(
    z
      .object({
        vulns: z
          .array(
            z
              .object({ id: z.string().regex(ADVISORY_ID), modified: z.string().max(100).nullish() })
              .nullish(),
          )
          .nullish(),
        next_page_token: z.string().max(10_000).nullish(),
      })
      .nullish(),
  ),
});

interface Query {
  one: PackageVersion;
  page_token?: string;
}

/**
 * Tells `found` every advisory that the server names for these versions, at most 1,000 of them, page by page. Rejects
 * with `OsvFailure` and the reason of the signal; what was found until then was told.
 */
export async function askBatch(
  http: OsvHttp,
  { packages, signal }: { packages: readonly PackageVersion[]; signal: AbortSignal },
  found: (one: PackageVersion, name: AdvisoryName) => void,
): Promise<void> {
  let open: Query[] = packages.map((one) => ({ one }));
  for (let page = 0; open.length > 0; page += 1) {
    if (page >= MAX_PAGES) throw new OsvFailure('The source of advisories has more pages than are read.');
    const results = await askPage(http, open, signal);
    open = open.flatMap(({ one }, i) => {
      const { vulns, next_page_token } = results[i] ?? {};
      for (const vuln of vulns ?? []) if (vuln) found(one, { id: vuln.id, modified: vuln.modified ?? '' });
      return next_page_token ? [{ one, page_token: next_page_token }] : [];
    });
  }
}

async function askPage(http: OsvHttp, open: readonly Query[], signal: AbortSignal) {
  const queries = open.map(({ one: { ecosystem, name, version }, page_token }) => ({
    package: { name, ecosystem },
    version,
    ...(page_token === undefined ? {} : { page_token }),
  }));
  const text = await http({ method: 'POST', path: '/v1/querybatch', body: { queries } }, signal);
  const parsed = batchAnswer.safeParse(jsonOf(text));
  // Results are told apart by their place only.
  if (!parsed.success || parsed.data.results.length !== open.length)
    throw new OsvFailure('The source of advisories gave an answer of another form.');
  return parsed.data.results;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
