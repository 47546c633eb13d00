import { AppError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';

export interface PatchLimits {
  /** Operations in one patch. */
  operations: number;
  /** JSON text of the document, at any moment while it is patched. */
  bytes: number;
  /** Levels of nesting. */
  depth: number;
}

export const PATCH_LIMITS: PatchLimits = { operations: 1_000, bytes: 1_048_576, depth: 64 };

/** For a patch that was held to the limits when it was stored: the document need not be measured again. */
export const UNBOUNDED: PatchLimits = { operations: Infinity, bytes: Infinity, depth: Infinity };

/** A patch may read through `copy` and deep moves this many times the size of the largest document. */
const WORK_FACTOR = 16;

/** Follows the size of a document through a patch; every method throws `patch_invalid` beyond a limit. */
export interface SizeGuard {
  /** A value from the patch comes in below `depth` tokens. */
  bring(value: Json, depth: number): Json;
  /** A value of the document comes in once more; answers a copy that shares nothing with it. */
  copy(value: Json, depth: number): Json;
  /** A value goes. */
  drop(value: Json): void;
  /** A value moves `deeper` levels down (or up), to below `depth` tokens. */
  sink(value: Json, deeper: number, depth: number): void;
}

/**
 * Five hundred `copy` operations can double a document five hundred times, and moving a large value to and fro costs
 * its size each time: so size, depth and work are bounded while the patch runs and not when it is done.
 */
export function sizeGuard(document: Json, limits: PatchLimits): SizeGuard {
  // Measuring costs the size of the document, where the patch itself costs what it touches.
  let bytes = limits.bytes === Infinity ? 0 : sizeOf(document);
  let work = 0;
  const grow = (by: number, value: Json, depth: number) => {
    bytes += by;
    if (bytes > limits.bytes) throw tooMuch(`the document grows beyond ${limits.bytes} bytes`);
    deep(value, depth);
  };
  const deep = (value: Json, depth: number) => {
    if (!fits(value, limits.depth - depth))
      throw tooMuch(`the document nests deeper than ${limits.depth} levels`);
  };
  const spend = (size: number) => {
    work += size;
    if (work > limits.bytes * WORK_FACTOR) throw tooMuch('the patch copies and moves too much');
  };
  return {
    bring: (value, depth) => {
      grow(sizeOf(value), value, depth);
      return value;
    },
    copy: (value, depth) => {
      const text = JSON.stringify(value);
      spend(text.length);
      grow(Buffer.byteLength(text), value, depth);
      return JSON.parse(text) as Json;
    },
    drop: (value) => {
      bytes -= sizeOf(value);
    },
    sink: (value, deeper, depth) => {
      if (deeper <= 0 || typeof value !== 'object' || value === null) return;
      spend(sizeOf(value));
      deep(value, depth);
    },
  };
}

const sizeOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

/** True when the value has at most `levels` levels of containers. */
function fits(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return levels >= 0;
  return levels > 0 && Object.values(value).every((inner) => fits(inner, levels - 1));
}

const tooMuch = (message: string) => new AppError('patch_invalid', { errors: [{ path: '/path', message }] });
