import { z } from 'zod';
import type { AgePlace } from '../contract/age-place.ts';
import { AppError } from '../contract/errors.ts';
import { moment, uuid } from './schemas/conventions.ts';

/** The sort key of a row. */
type Position = Readonly<Record<string, string | number | null>>;

/** An opaque cursor: the sort key of the last row of a page. */
export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Reads a cursor of these members. Throws `validation_failed` for anything else. */
export function decodeCursor<S extends z.ZodRawShape>(
  cursor: string | undefined,
  shape: S,
): z.output<z.ZodObject<S>> | undefined {
  if (cursor === undefined) return undefined;
  const { success, data } = z.object(shape).safeParse(parse(cursor));
  if (!success) throw notACursor();
  return data;
}

export const notACursor = () =>
  new AppError('validation_failed', {
    errors: [{ path: '/query/cursor', message: 'is not a cursor of this list' }],
  });

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The answer of a list whose service cuts the page and names the place after it. */
export function pageReply<T, K>(
  { items, next }: { items: readonly T[]; next?: K },
  positionOf: (next: K) => Position,
  view: (item: T) => unknown = (item) => item,
) {
  const next_cursor = next === undefined ? null : encodeCursor(positionOf(next));
  return { status: 200, body: { items: items.map((item) => view(item)), next_cursor } };
}

/** One page: a row more was asked for than is shown, so that its presence says whether there is a next one. */
export function pageOf<T>(rows: T[], limit: number, positionOf: (row: T) => Position) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next_cursor = rows.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null;
  return { items, next_cursor };
}

/** The cursor behind this row of a list by age. */
export const agePlaceOf = ({ created_at, id }: AgePlace) => ({ created_at: created_at.toISOString(), id });

/** Reads a cursor of a list by age. Throws `validation_failed`. */
export const agePlaceAt = (cursor: string | undefined): AgePlace | undefined =>
  decodeCursor(cursor, { created_at: moment, id: uuid });
