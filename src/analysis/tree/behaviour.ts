import type { FindingRule, FunctionFact } from '../../contract/findings.ts';
import { N_PLUS_ONE } from '../performance/queries.ts';
import { ownRule } from '../rule-hit.ts';
import { PATH_TRAVERSAL, SSRF } from '../security/request-flows.ts';
import { type Calls, eachCall, type Place, reachedFrom } from './calls.ts';
import type { TreeHit } from './tree-hit.ts';

const SYNC_IN_HANDLER = ownRule('performance', 'sync-in-handler', 'warning', {
  cwe: 'CWE-1088',
  help: 'Use the call that gives a promise, or do it once at the start.',
});
const FLOATING = ownRule('static', 'floating-promise', 'error', {
  help: 'Await it, return it, or say by `void` that nobody waits.',
});
const PROMISE_AS_VALUE = ownRule('static', 'promise-as-value', 'error', {
  help: 'Await it: a promise is always true.',
});

const SINK_RULES = new Map<string, FindingRule>([PATH_TRAVERSAL, SSRF].map((rule) => [rule.rule_id, rule]));

/** Blocking calls in what answers requests, however many functions lie between. */
export function findBlocking(calls: Calls): TreeHit[] {
  const handlers = calls.places.filter(({ file, fact }) => fact.is_handler && !file.is_test);
  const reached = reachedFrom(calls, handlers);
  return calls.places.flatMap(({ file, fact }) => {
    const handler = reached.get(fact);
    if (!handler || file.is_test) return [];
    return fact.sync_calls.map(({ name, span, snippet }) => ({
      path: file.path,
      rule: SYNC_IN_HANDLER,
      message: `${name} stops all other requests while one is answered${handler.fact === fact ? '' : ` (by ${handler.fact.name} in ${handler.file.path})`}.`,
      span,
      symbol: fact.name,
      snippet,
    }));
  });
}

/** Calls in loops of functions that ask a database, themselves or by others. */
export function findQueriesInLoops(calls: Calls): TreeHit[] {
  const asking = askers(calls);
  return hitsOfCalls(calls, ({ place, call }) => {
    const target =
      call.in_loop &&
      !place.file.is_test &&
      calls.targets(place.file, call.target).find(({ fact }) => asking.has(fact));
    return target
      ? { rule: N_PLUS_ONE, message: `${target.fact.name} asks a database or a server, once for each item.` }
      : undefined;
  });
}

/** Promises that nobody waits for, or that are taken for what they promise. */
export function findLostPromises(calls: Calls): TreeHit[] {
  return hitsOfCalls(calls, ({ place, call }) => {
    if (call.use !== 'floating' && call.use !== 'value') return undefined;
    const targets = calls.targets(place.file, call.target);
    if (targets.length === 0 || !targets.every(({ fact }) => fact.is_async)) return undefined;
    const name = call.target.name;
    return call.use === 'floating'
      ? { rule: FLOATING, message: `Nobody waits for ${name}, nor takes its error.` }
      : { rule: PROMISE_AS_VALUE, message: `${name} gives a promise, not its value.` };
  });
}

/** Text of a request that is handed on until it names a file or an address. */
export function findFlows(calls: Calls): TreeHit[] {
  const hits: TreeHit[] = [];
  const seen = new Set<string>();
  const waiting: { place: Place; parameter: number }[] = [];
  const handOn = (place: Place, from: 'request' | number): void => {
    for (const call of place.fact.calls)
      for (const flow of call.flows)
        if (flow.from === from)
          for (const target of calls.targets(place.file, call.target))
            waiting.push({ place: target, parameter: flow.argument });
  };
  for (const place of calls.places) if (!place.file.is_test) handOn(place, 'request');
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { place, parameter } = next;
    const key = `${place.file.path}\n${place.fact.name}\n${place.fact.span.line}\n${parameter}`;
    if (seen.has(key)) continue;
    seen.add(key);
    hits.push(...sinksOf(place, parameter));
    handOn(place, parameter);
  }
  return hits;
}

function sinksOf({ file, fact }: Place, parameter: number): TreeHit[] {
  return fact.parameter_sinks
    .filter((sink) => sink.parameter === parameter)
    .flatMap(({ rule_id, span, snippet }) => {
      const rule = SINK_RULES.get(rule_id);
      const message = `What a request says gets into ${fact.name} and decides what is reached.`;
      return rule ? [{ path: file.path, rule, message, span, symbol: fact.name, snippet }] : [];
    });
}

/** Functions that ask, and those that call them. */
function askers(calls: Calls): ReadonlySet<FunctionFact> {
  const callers = new Map<FunctionFact, FunctionFact[]>();
  for (const { place, call } of eachCall(calls)) {
    for (const { fact } of calls.targets(place.file, call.target)) {
      const known = callers.get(fact) ?? [];
      callers.set(fact, known);
      known.push(place.fact);
    }
  }
  const waiting = calls.places.map(({ fact }) => fact).filter((fact) => fact.queries);
  const asking = new Set(waiting);
  for (let fact = waiting.pop(); fact; fact = waiting.pop()) {
    const further = (callers.get(fact) ?? []).filter((one) => !asking.has(one));
    for (const one of further) asking.add(one);
    waiting.push(...further);
  }
  return asking;
}

type Judge = (at: Parameters<typeof toHit>[0]) => { rule: FindingRule; message: string } | undefined;
type CallAt = ReturnType<typeof eachCall> extends Generator<infer T> ? T : never;

function hitsOfCalls(calls: Calls, judge: Judge): TreeHit[] {
  return [...eachCall(calls)].flatMap((at) => {
    const found = judge(at);
    return found ? [{ ...toHit(at), ...found }] : [];
  });
}

function toHit({ place, call }: CallAt): Omit<TreeHit, 'rule' | 'message'> {
  return { path: place.file.path, span: call.span, symbol: place.fact.name, snippet: call.snippet };
}
