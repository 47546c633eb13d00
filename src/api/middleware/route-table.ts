import { AppError } from '../../contract/errors.ts';
import { BAD_ENCODING } from '../error-handler.ts';

export interface Match<T> {
  entry: T;
  params: Record<string, string>;
}

/** Finds the entry of a path in time that depends on the path alone, not on the number of routes. */
export interface RouteTable<T> {
  add(method: string, path: string, entry: T): void;
  /** The entry; or the methods the path would take; or nothing. `:name` segments come decoded. */
  find(method: string, pathname: string): Match<T> | { allow: string[] } | undefined;
}

interface Node<T> {
  fixed: Map<string, Node<T>>;
  param?: Node<T>;
  methods: Map<string, { entry: T; names: string[] }>;
}

const newNode = <T>(): Node<T> => ({ fixed: new Map(), methods: new Map() });

/** A fixed segment wins over a `:param`, whatever the order of registration. */
export function routeTable<T>(): RouteTable<T> {
  const root = newNode<T>();
  return {
    add(method, path, entry) {
      const segments = segmentsOf(path);
      const names = segments.filter((segment) => segment.startsWith(':')).map((segment) => segment.slice(1));
      let node = root;
      for (const segment of segments) node = child(node, segment);
      if (node.methods.has(method)) throw new Error(`The route ${method} ${path} is declared twice`);
      node.methods.set(method, { entry, names });
    },
    find(method, pathname) {
      const search: Search<T> = { method, segments: segmentsOf(pathname), values: [], allow: new Set() };
      const hit = walk(root, search, 0);
      if (hit) return { entry: hit.entry, params: paramsOf(hit.names, search.values) };
      return search.allow.size > 0 ? { allow: [...search.allow] } : undefined;
    },
  };
}

function segmentsOf(path: string): string[] {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
  return path.slice(1, end).split('/');
}

function child<T>(node: Node<T>, segment: string): Node<T> {
  if (segment.startsWith(':')) return (node.param ??= newNode());
  let next = node.fixed.get(segment);
  if (!next) node.fixed.set(segment, (next = newNode()));
  return next;
}

interface Search<T> {
  method: string;
  segments: string[];
  values: string[];
  allow: Set<string>;
  hit?: T;
}

function walk<T>(node: Node<T>, search: Search<T>, depth: number): { entry: T; names: string[] } | undefined {
  if (depth === search.segments.length) return methodOf(node, search);
  const segment = search.segments[depth]!;
  const fixed = node.fixed.get(segment);
  const hit = fixed && walk(fixed, search, depth + 1);
  if (hit || !node.param || segment === '') return hit;
  search.values.push(segment);
  const deeper = walk(node.param, search, depth + 1);
  if (!deeper) search.values.pop();
  return deeper;
}

function methodOf<T>(node: Node<T>, search: Search<T>): { entry: T; names: string[] } | undefined {
  const hit =
    node.methods.get(search.method) ?? (search.method === 'HEAD' ? node.methods.get('GET') : undefined);
  if (!hit) for (const method of node.methods.keys()) search.allow.add(method);
  return hit;
}

function paramsOf(names: string[], values: string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (let i = 0; i < names.length; i++) params[names[i]!] = decode(values[i]!);
  return params;
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AppError('malformed_request', { detail: BAD_ENCODING });
  }
}
