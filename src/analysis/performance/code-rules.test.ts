import { kindsIn } from '../../../test/analysis/analyse-text.ts';

const CASES: Record<string, { bad: string[]; good: string[] }> = {
  'n-plus-one': {
    bad: [
      "export async function f(db, ids) { for (const id of ids) await db.query('SELECT 1 WHERE $1', [id]); }",
      'export const f = (users, orders) => Promise.all(users.map((u) => orders.findOne({ user: u.id })));',
      'export async function f(urls) { const out = []; for (let i = 0; i < urls.length; i++) { out.push(await fetch(urls[i])); } return out; }',
      'export function f(db, ids) { ids.forEach(async (id) => { const row = await db.get(id); row.touch(); }); }',
    ],
    good: [
      "export async function f(db, ids) { return db.query('SELECT 1 WHERE id = ANY($1)', [ids]); }",
      "export async function f(db, batches) { for (const batch of batches) await db.query('INSERT', [batch]); }",
      "export async function f(db) { for (let attempt = 0; attempt < 3; attempt++) { await db.query('SELECT 1', [attempt]); } }",
      'export async function f(db, ids) { for (const id of ids) { const later = () => db.get(id); later.name; } }',
      'export function f(lists) { for (const list of lists) { list.find((x) => x.ok); } }',
      "export async function f(db) { for (const table of ['a', 'b']) await db.query('ANALYZE', [table]); }",
    ],
  },
  'quadratic-copy': {
    bad: [
      'export const f = (xs) => xs.reduce((all, x) => ({ ...all, [x.id]: x }), {});',
      'export const f = (xs) => xs.reduce((all, x) => { return [...all, x.id]; }, []);',
      'export function f(xs) { let all = []; for (const x of xs) { all = all.concat(x); } return all; }',
    ],
    good: [
      'export const f = (xs) => xs.reduce((all, x) => { all[x.id] = x; return all; }, {});',
      'export const f = (xs) => xs.reduce((sum, x) => sum + x, 0);',
      'export const f = (xs) => [...xs, 1];',
    ],
  },
  'quadratic-search': {
    bad: [
      'export const f = (users, ids) => users.filter((u) => ids.includes(u.id));',
      'export function f(orders, users) { for (const o of orders) { o.user = users.find((u) => u.id === o.user_id); } }',
      'export const unique = (items) => items.filter((x, i) => items.indexOf(x) === i);',
    ],
    good: [
      'export function f(users, ids) { const known = new Set(ids); return users.filter((u) => known.has(u.id)); }',
      "export const f = (users) => users.filter((u) => ['admin', 'owner'].includes(u.role));",
      "const ROLES = ['admin', 'owner']; export const f = (users) => users.filter((u) => ROLES.includes(u.role));",
      'export const f = (users, text) => users.filter((u) => text.includes(u.name));',
      'export const f = (users) => users.filter((u) => u.roles.includes(1));',
    ],
  },
  'quadratic-shift': {
    bad: ['export function f(queue) { while (queue.length > 0) { const next = queue.shift(); next(); } }'],
    good: ['export function f(queue) { const first = queue.shift(); return first; }'],
  },
  'sort-in-loop': {
    bad: ['export function f(xs, all) { for (const x of xs) { all.push(x); all.sort((a, b) => a - b); } }'],
    good: ['export function f(xs, all) { for (const x of xs) { all.push(x); } all.sort((a, b) => a - b); }'],
  },
  'catastrophic-regex': {
    bad: [
      'export const f = (s) => /^(\\w+\\s?)*$/.test(s);',
      "export const f = (s) => new RegExp('(a+)+$').test(s);",
    ],
    good: ['export const f = (s) => /^\\w+(\\s\\w+)*$/.test(s);'],
  },
  'unbounded-cache': {
    bad: [
      'const cache = new Map(); export function f(key) { if (!cache.has(key)) cache.set(key, key.length); return cache.get(key); }',
      'export function make() { const seen = new Map(); return { get(k) { if (seen.has(k)) return seen.get(k); seen.set(k, {}); return {}; } }; }',
    ],
    good: [
      'const cache = new Map(); export function f(key) { if (cache.size > 99) cache.clear(); cache.set(key, key.length); return cache.get(key); }',
      'const handlers = new Map(); export function on(name, handler) { handlers.set(name, handler); }',
      'export function f(xs) { const seen = new Set(); return xs.filter((x) => { if (seen.has(x)) return false; seen.add(x); return true; }); }',
    ],
  },
};

describe.each(Object.entries(CASES))('%s', (kind, { bad, good }) => {
  test.each(bad)('is found in %s', (text) => {
    expect(kindsIn(text)).toContain(kind);
  });

  test.each(good)('is not seen in %s', (text) => {
    expect(kindsIn(text)).not.toContain(kind);
  });
});
