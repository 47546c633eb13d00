import type { Request } from 'express';
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { Route, WholeBody } from '../route.ts';
import { announcedLength, assertMediaType, readBody, tooLarge } from './body.ts';
import { parseJson } from './json-guard.ts';
import { validator, type Validator } from './validate.ts';

export interface ReadBody {
  value: unknown;
  /** What came over the wire; `undefined` when the handler reads it itself. */
  bytes: Buffer | undefined;
}

export type BodyReader = (req: Request) => ReadBody | Promise<ReadBody>;

export interface BodyLimits {
  body_bytes: number;
  blob_bytes: number;
  bundle_bytes: number;
  heartbeat_bytes: number;
  json_depth: number;
}

const NOTHING: ReadBody = { value: undefined, bytes: Buffer.alloc(0) };
const JSON_TYPES = ['application/json'];
/** A write without fields of its own takes no body or `{}`, and refuses anything else. */
const NO_FIELDS = z.strictObject({}).optional();

/** How the body of one route is read. */
export function bodyReader(row: Route, limits: BodyLimits): BodyReader {
  if (row.raw_body) return rawReader(row, limits);
  if (row.whole_body) return wholeReader(row, limits);
  if (row.body === undefined && (row.method === 'get' || row.method === 'head')) return () => NOTHING;
  return jsonReader(row, limits);
}

function rawReader(row: Route, limits: BodyLimits): BodyReader {
  const limit = limits[row.raw_limit ?? 'blob_bytes'];
  return (req) => {
    if (row.body_media_types) assertMediaType(req, row.body_media_types);
    if ((announcedLength(req) ?? 0) > limit) throw tooLarge(req, limit);
    return { value: undefined, bytes: undefined };
  };
}

function wholeReader(row: Route, { body_bytes, json_depth }: BodyLimits): BodyReader {
  const media_types = row.body_media_types ?? JSON_TYPES;
  return async (req) => {
    if (announcedLength(req) !== 0) assertMediaType(req, media_types);
    const bytes = await readBody(req, body_bytes);
    const json = () => (bytes.length === 0 ? {} : parseJson(bytes, json_depth));
    return { value: { bytes, json } satisfies WholeBody, bytes };
  };
}

function jsonReader(row: Route, limits: BodyLimits): BodyReader {
  const schema = row.body ?? NO_FIELDS;
  const validate = validator(schema, '');
  const media_types = row.body_media_types ?? JSON_TYPES;
  const limit = limits[row.body_limit ?? 'body_bytes'];
  const whenEmpty = emptyBody(schema, validate);
  return async (req) => {
    if (announcedLength(req) === 0) return { value: whenEmpty(), bytes: NOTHING.bytes };
    assertMediaType(req, media_types);
    const bytes = await readBody(req, limit);
    const value = bytes.length === 0 ? whenEmpty() : validate(parseJson(bytes, limits.json_depth));
    return { value, bytes };
  };
}

/** An empty body stands for `undefined` or `{}` where the schema is content with that. */
function emptyBody(schema: z.ZodType, validate: Validator): () => unknown {
  for (const stand_in of [undefined, {}]) {
    if (schema.safeParse(stand_in).success) return () => validate(stand_in);
  }
  return () => {
    throw new AppError('malformed_request', { detail: 'A JSON body is needed.' });
  };
}
