import { z } from 'zod';

/** What is read of an OSV document (schema 1.x); the rest is left out. */
export type OsvDocument = z.output<typeof osvDocument>;
export type Affected = OsvDocument['affected'][number];
export type AffectedRange = Affected['ranges'][number];
export type RangeEvent = AffectedRange['events'][number];

/** Of an advisory in any database: it is shown, and part of an address. */
export const ADVISORY_ID = /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}$/;
const MAX_SUMMARY_CHARS = 2_000;

const text = z.string().nullish().catch(null);
const shortText = text.transform((value) => value?.slice(0, MAX_SUMMARY_CHARS));
const version = z.string().max(256);
/** Databases write `null` for what they do not have. */
const listOf = <S extends z.ZodType>(item: S) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

/** What databases say besides has any form; only one word of it is known here. */
const ownWords = z.looseObject({ severity: text }).nullish().catch(null);
const severity = listOf(z.object({ type: z.string(), score: z.string().max(500) })).catch([]);

const range = z.object({
  type: z.string(),
  events: listOf(
    z.object({
      introduced: version.optional(),
      fixed: version.optional(),
      last_affected: version.optional(),
      limit: version.optional(),
    }),
  ),
});

const affected = z.object({
  package: z.object({ ecosystem: z.string().max(100), name: z.string().max(500) }).nullish(),
  ranges: listOf(range),
  versions: listOf(z.string()),
  severity,
  ecosystem_specific: ownWords.transform(severityWord),
  database_specific: ownWords.transform(severityWord),
});

const osvDocument = z.object({
  id: z.string().regex(ADVISORY_ID),
  withdrawn: text,
  aliases: listOf(z.string()),
  summary: shortText,
  details: shortText,
  severity,
  affected: listOf(affected),
  database_specific: ownWords.transform(severityWord),
});

/** The document in a JSON text, or undefined when there is none. */
export function readOsvDocument(json: string): OsvDocument | undefined {
  try {
    const parsed = osvDocument.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function severityWord(said: { severity?: string | null } | null | undefined): string | undefined {
  return said?.severity ?? undefined;
}
