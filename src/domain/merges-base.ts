import type { JsonObject } from '../contract/json.ts';
import { AppError } from '../contract/errors.ts';
import { virtualBase } from './rules/merge.ts';
import { type History, mergeBases, type Version } from './rules/merge-base.ts';

/** Versions a base may be made of: a chain of criss-cross merges has a base in every link. */
const MAX_READS = 64;

/**
 * The one document that stands for the best common ancestors of a merge. Of several, the merge of them, on a base found
 * in the same way: then a change that both sides have already is no change, whichever ancestor brought it.
 * Throws `state_conflict` when too many versions would have to be read.
 */
export async function baseDocument(
  history: History,
  versions: readonly Version[],
  read: (version: Version) => Promise<JsonObject>,
): Promise<JsonObject> {
  let reads = 0;
  const fold = async ([first, ...others]: readonly Version[]): Promise<JsonObject> => {
    if (!first) return {};
    if (++reads > MAX_READS) throw tooCrossed();
    let document = await read(first);
    const merged = [first.id];
    for (const other of others) {
      const inner = await fold(mergeBases(history, merged, [other.id]));
      document = virtualBase(inner, document, await fold([other]));
      merged.push(other.id);
    }
    return document;
  };
  return fold(versions);
}

const tooCrossed = () =>
  new AppError('state_conflict', {
    detail: `The common ancestors come from more than ${MAX_READS} versions; name a base.`,
  });
