import { AppError } from '../contract/errors.ts';

/** An opaque cursor: the sort key of the last row of a page. */
export function encodeCursor(position: Readonly<Record<string, string | number>>): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Reads a cursor with exactly these members. Throws `validation_failed` for anything else. */
export function decodeCursor<K extends string>(
  cursor: string | undefined,
  keys: readonly K[],
): Record<K, string> | undefined {
  if (cursor === undefined) return undefined;
  const position = parse(cursor);
  const complete = position && keys.every((key) => ['string', 'number'].includes(typeof position[key]));
  if (!complete) throw notACursor();
  return Object.fromEntries(keys.map((key) => [key, String(position[key])])) as Record<K, string>;
}

export const notACursor = () =>
  new AppError('validation_failed', {
    errors: [{ path: '/query/cursor', message: 'is not a cursor of this list' }],
  });

function parse(cursor: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The answer of a list whose service cuts the page and names the place after it. */
export function pageReply<T, K>(
  { items, next }: { items: readonly T[]; next?: K },
  positionOf: (next: K) => Readonly<Record<string, string | number>>,
  view: (item: T) => unknown = (item) => item,
) {
  const next_cursor = next === undefined ? null : encodeCursor(positionOf(next));
  return { status: 200, body: { items: items.map((item) => view(item)), next_cursor } };
}

/** One page: a row more was asked for than is shown, so that its presence says whether there is a next one. */
export function pageOf<T>(
  rows: T[],
  limit: number,
  positionOf: (row: T) => Readonly<Record<string, string | number>>,
) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next_cursor = rows.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null;
  return { items, next_cursor };
}

/** When something was made, and its id: the place of a row in a list by age. */
export interface AgePlace {
  created_at: Date;
  id: string;
}

/** The cursor behind this row of a list by age. */
export const agePlaceOf = ({ created_at, id }: AgePlace) => ({ created_at: created_at.toISOString(), id });

/** Reads a cursor of a list by age. Throws `validation_failed`. */
export function agePlaceAt(cursor: string | undefined): { created_at: string; id: string } | undefined {
  const place = decodeCursor(cursor, ['created_at', 'id']);
  if (place && (!UUID.test(place.id) || Number.isNaN(Date.parse(place.created_at)))) throw notACursor();
  return place;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
