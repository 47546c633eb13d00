import type { Json, JsonObject } from '../../src/contract/json.ts';

type Node = JsonObject;

/** A definition document of these nodes. */
export function definition(name: string, nodes: Record<string, Node>, more: JsonObject = {}): JsonObject {
  return { schema_version: 1, name, nodes, ...more };
}

export function transform(value: Json, more: JsonObject = {}): Node {
  return { type: 'transform', config: { value }, ...more };
}

export function wait(duration_seconds: number, more: JsonObject = {}): Node {
  return { type: 'wait', config: { duration_seconds }, ...more };
}

/** As long as a program may have: on a busy machine the usual ten seconds may pass before a test gets to its next line. */
export const AMPLE = { wall_ms: 300_000 };

export function bash(source: string, more: JsonObject = {}): Node {
  return { type: 'code', config: { language: 'bash', source, limits: AMPLE }, ...more };
}

/** Four light steps in a row: the shape of the statement budget and the benchmark. */
export function fourLightSteps(name: string): JsonObject {
  return definition(name, {
    a: transform('${{ input.n }}'),
    b: transform('${{ steps.a.output + 1 }}', { needs: ['a'] }),
    c: transform('${{ steps.b.output * 2 }}', { needs: ['b'] }),
    d: transform({ result: '${{ steps.c.output }}' }, { needs: ['c'] }),
  });
}
