import type { Definition } from '../contract/definition.ts';
import { DEFINITION_LIMITS } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import { AppError, type Problem } from '../contract/errors.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { contentHash } from './rules/content-hash.ts';
import { countEdges, countNodes, validateDefinition } from './rules/definition.ts';

/** A JSON value as it is stored and what it is called. */
export interface Encoded {
  cas_id: string;
  bytes: Buffer;
}

export interface EncodedDefinition extends Encoded {
  document: Definition;
  nodes_count: number;
  edges_count: number;
}

/** RFC 8785 bytes and their hash. Throws `validation_failed` for a value that has no canonical form. */
export function encodeJson(value: Json): Encoded {
  const bytes = Buffer.from(canonical(value), 'utf8');
  return { cas_id: contentHash(bytes), bytes };
}

/** Validates a definition and encodes it as sent. Throws `definition_invalid` with every problem at once. */
export function encodeDefinition(document: unknown): EncodedDefinition {
  refuse(validateDefinition(document));
  const valid = document as Definition;
  const encoded = encodeJson(document as Json);
  const { bytes } = DEFINITION_LIMITS;
  if (encoded.bytes.length > bytes)
    refuse([{ path: '', message: `the definition has more than ${bytes} bytes` }]);
  return { ...encoded, document: valid, nodes_count: countNodes(valid), edges_count: countEdges(valid) };
}

function refuse(errors: Problem[]): void {
  if (errors.length > 0) throw new AppError('definition_invalid', { errors });
}

function canonical(value: Json): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AppError('validation_failed', { errors: [{ path: '', message: error.message }], cause: error });
  }
}
