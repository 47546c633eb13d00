import { z } from 'zod';
import { secret } from './config-secret.ts';

/** What a setting says about itself, besides its type and default: read by the environment reader and the docs test. */
export interface FieldMeta {
  /** One sentence for docs/configuration.md. */
  about: string;
  /** Further environment names, weaker than the canonical one. */
  aliases?: readonly string[];
  /** What the docs print for a default that is worked out. */
  default_text?: string;
  secret?: boolean;
}

/** Attaches what the environment reader and the docs need to know. */
export function field<S extends z.ZodType>(schema: S, about: string, more: Omit<FieldMeta, 'about'> = {}): S {
  return schema.meta({ about, ...more });
}

/** A section of the file; a section that is missing has all its defaults. */
export function section<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape, { error: sectionMessage }));
}

const sectionMessage: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' ? 'must be a mapping of settings' : undefined;

/** A whole number; environment values arrive as text. */
export const integer = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value),
    z.number('must be a whole number').int('must be a whole number').min(min).max(max),
  );

export const flag = z.preprocess(
  (value) => (typeof value === 'string' ? (FLAGS[value.toLowerCase()] ?? value) : value),
  z.boolean('must be true or false'),
);
const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  false: false,
  '0': false,
  no: false,
};

/** A list: a YAML list, or text separated by commas. */
export const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : value,
  z.array(z.string('must be a list of texts').min(1), 'must be a list'),
);

/** Texts by name: a YAML mapping, or `name=value` separated by commas. */
export const labels = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? Object.fromEntries(
          value
            .split(',')
            .filter((pair) => pair.trim() !== '')
            .map((pair) => pair.split('=', 2).map((part) => part.trim()) as [string, string]),
        )
      : value,
  z.record(
    z.string().min(1, 'must have a name').max(200),
    z.string('must be name=value, separated by commas').max(200),
    'must be a mapping',
  ),
);

export const word = z.string('must be text').trim().min(1, 'must not be empty');

export const httpUrl = word.refine(
  (text) => /^https?:$/.test(protocolOf(text)),
  'must be an http or https URL',
);

/** `host:port`, as drivers take it. */
export const address = word.regex(/^[^\s/]+:\d{1,5}$/, 'must be host:port');

export const databaseUrl = word
  .refine((text) => /^postgres(ql)?:$/.test(protocolOf(text)), 'must be a postgres:// URL')
  .transform(secret);

export const secretText = (min_length: number) =>
  z.string('must be text').min(min_length, `must have at least ${min_length} characters`).transform(secret);

/** A token as the header `Authorization: Bearer` can carry it. */
export const bearerToken = z
  .string('must be text')
  .min(32, 'must have at least 32 characters')
  .regex(/^[A-Za-z0-9\-._~+/]*=*$/, 'may have letters, digits and -._~+/ only')
  .transform(secret);

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : '';
}
