import type { Json, JsonObject } from '../../contract/json.ts';

export const FAN_OUT = 100;

/** Four light steps in a row. Input `{n}`, output `{d: {result: (n + 1) * 2}}`. */
export function lightDefinition(name: string): JsonObject {
  return definition(name, {
    a: transform('${{ input.n }}'),
    b: transform('${{ steps.a.output + 1 }}', ['a']),
    c: transform('${{ steps.b.output * 2 }}', ['b']),
    d: transform({ result: '${{ steps.c.output }}' }, ['c']),
  });
}

/** Four http steps in a row that call `url`; output: the sum of the four statuses. */
export function httpDefinition(name: string, url: string): JsonObject {
  const ids = ['a', 'b', 'c', 'd'];
  const nodes = ids.map((id, i) => {
    const needs = i === 0 ? [] : [ids[i - 1]!];
    return [id, { type: 'http', needs, config: { method: 'GET', url } }] as const;
  });
  const output = `\${{ ${ids.map((id) => `steps.${id}.output.status`).join(' + ')} }}`;
  return { ...definition(name, Object.fromEntries(nodes)), output };
}

/** A hundred light steps side by side. Input `{n}`, output `{f0: n, f1: n + 1, …}`. */
export function fanOutDefinition(name: string): JsonObject {
  const nodes = Array.from(
    { length: FAN_OUT },
    (_, i) => [`f${i}`, transform(`\${{ input.n + ${i} }}`)] as const,
  );
  return definition(name, Object.fromEntries(nodes));
}

/** Nodes in rows of ten, each row behind the one before; `changed` ones have another value. */
export function wideDefinition(
  name: string,
  count: number,
  changed: { from: number; to: number } = { from: 0, to: 0 },
): JsonObject {
  const nodes = Array.from({ length: count }, (_, i) => {
    const value = i >= changed.from && i < changed.to ? `changed ${i}` : `value ${i}`;
    return [`n${i}`, transform(value, i < 10 ? [] : [`n${i - 10}`])] as const;
  });
  return definition(name, Object.fromEntries(nodes));
}

/** One step that waits for `seconds`. */
export function waitDefinition(name: string, seconds: number): JsonObject {
  return definition(name, { wait: { type: 'wait', config: { duration_seconds: seconds } } });
}

function definition(name: string, nodes: Record<string, JsonObject>): JsonObject {
  return { schema_version: 1, name, nodes };
}

function transform(value: Json, needs: string[] = []): JsonObject {
  return { type: 'transform', needs, config: { value } };
}
