import { kindsIn } from '../../../test/analysis/analyse-text.ts';

const branches = (count: number): string =>
  `export function f(x) { ${Array.from({ length: count }, (_, i) => `if (x === ${i}) x += ${i};`).join(' ')} return x; }`;

const CASES: Record<string, { bad: string[]; good: string[] }> = {
  'async-callback': {
    bad: [
      'export const f = (xs, g) => xs.forEach(async (x) => { await g(x); });',
      'export const f = (xs, g) => xs.filter(async (x) => await g(x));',
    ],
    good: ['export const f = (xs, g) => Promise.all(xs.map(async (x) => await g(x)));'],
  },
  'unhandled-rejection': {
    bad: ['export function f(p) { p.then((x) => x.go()); }'],
    good: [
      'export function f(p) { p.then((x) => x.go()).catch(() => 0); }',
      'export const f = (p) => p.then((x) => x.go());',
    ],
  },
  'off-by-one': {
    bad: ['export function f(xs, g) { for (let i = 0; i <= xs.length; i++) g(xs[i]); }'],
    good: [
      'export function f(xs, g) { for (let i = 0; i < xs.length; i++) g(xs[i]); }',
      'export function f(xs, g) { for (let i = 0; i <= xs.length; i++) g(i); }',
    ],
  },
  'same-operands': {
    bad: ['export const f = (a) => a.x && a.x;', 'export const f = (a) => a.x - a.x;'],
    good: ['export const f = (a) => a.x && a.y;', 'export const f = (a) => a.next() || a.next();'],
  },
  'same-branches': {
    bad: [
      'export function f(a, g) { if (a) { g(1); } else { g(1); } }',
      'export const f = (a) => (a ? a.x : a.x);',
    ],
    good: ['export function f(a, g) { if (a) { g(1); } else { g(2); } }'],
  },
  'unused-result': {
    bad: [
      'export function f(s) { s.trim(); return s; }',
      "export function f(s) { s.replace('a', 'b'); return s; }",
    ],
    good: [
      'export function f(s) { return s.trim(); }',
      'export function f(router) { router.replace({ a: 1 }); }',
    ],
  },
  'index-as-truth': {
    bad: ['export const f = (xs) => (xs.indexOf(1) ? 1 : 2);', 'export const f = (xs) => xs.indexOf(1) > 0;'],
    good: ['export const f = (xs) => xs.indexOf(1) >= 0;', 'export const f = (xs) => xs.indexOf(1) !== -1;'],
  },
  'sort-as-text': {
    bad: ['export const f = (xs) => xs.map(Number).sort();', 'export const f = (prices) => prices.sort();'],
    good: [
      'export const f = (prices) => prices.sort((a, b) => a - b);',
      'export const f = (names) => names.sort();',
    ],
  },
  complexity: { bad: [branches(15)], good: [branches(14)] },
  'no-dupe-keys': { bad: ['export const a = { b: 1, b: 2 };'], good: ['export const a = { b: 1, c: 2 };'] },
  'no-undef': {
    bad: ['export const f = () => mispelt(1);'],
    good: ['export const f = () => fetch(process.argv[2]);'],
  },
  'no-unused-vars': {
    bad: ["import { a } from 'a'; export const b = 1;"],
    good: ["import { a } from 'a'; export const b = a;"],
  },
  eqeqeq: { bad: ['export const f = (a, b) => a == b;'], good: ['export const f = (a) => a == null;'] },
  'syntax-error': {
    bad: ['export const = ;', 'if ('],
    good: ['', '#!/usr/bin/env node\nprocess.exit(0);'],
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

describe('what can be read', () => {
  const READABLE: [string, string][] = [
    ['a.ts', 'export enum A { B } export const f = <T,>(x: T): T => x!;'],
    ['a.tsx', 'export const A = ({ n }: { n: string }) => <p>{n}</p>;'],
    ['a.jsx', 'export const A = ({ n }) => <p>{n}</p>;'],
    ['a.cjs', "'use strict'; const a = require('a'); if (!a) return; module.exports = { a };"],
    ['a.mjs', 'export const a = await import("b");'],
    ['a.js', 'import { tracked } from "t"; export class A { @tracked b = 1; }'],
  ];

  test.each(READABLE)('%s: %s', (path, text) => {
    expect(kindsIn(text, `src/${path}`)).toEqual([]);
  });

  test('what is nested too deeply to be read is one finding', () => {
    expect(kindsIn('(\n'.repeat(30_000))).toEqual(['syntax-error']);
    expect(kindsIn(`export const a = ${'[\n'.repeat(5_000)}${']\n'.repeat(5_000)};`).length).toBeLessThan(2);
  });

  test('comments of the analysed file switch nothing off', () => {
    expect(kindsIn('/* eslint-disable */ export const a = { b: 1, b: 2 };')).toContain('no-dupe-keys');
  });
});
