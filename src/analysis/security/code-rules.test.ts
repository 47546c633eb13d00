import { kindsIn } from '../../../test/analysis/analyse-text.ts';

/** What stands first is a defect of the kind, what follows only looks like one. */
const CASES: Record<string, { bad: string[]; good: string[] }> = {
  'sql-injection': {
    bad: [
      'export const f = (db, id) => db.query(`SELECT * FROM t WHERE id = ${id}`);',
      "export const f = (db, id) => db.query('DELETE FROM t WHERE id = ' + id);",
      "export function f(db, q) { let sql = 'SELECT a FROM t'; sql += ` WHERE name = '${q.name}'`; return db.query(sql); }",
      'export const f = (db, sort) => db.query(`SELECT a FROM t ORDER BY ${sort.trim()}`);',
    ],
    good: [
      "export const f = (db, id) => db.query('SELECT * FROM t WHERE id = $1', [id]);",
      'export const f = (sql, id) => sql`SELECT * FROM t WHERE id = ${id}`;',
      "const TABLE = 't'; export const f = (db) => db.query(`SELECT * FROM ${TABLE}`);",
      "const COLUMNS = { a: 'a', b: 'b' }; export const f = (db, key) => db.query(`SELECT a FROM t ORDER BY ${COLUMNS[key] ?? 'a'}`);",
      "const ALLOWED = ['a', 'b']; export function f(db, s) { if (!ALLOWED.includes(s)) throw new Error('no'); return db.query(`SELECT a FROM t ORDER BY ${s}`); }",
      "const ALLOWED = ['a']; const order = (s) => (ALLOWED.includes(s) ? s : 'a'); export const f = (db, s) => db.query(`SELECT a FROM t ORDER BY ${order(s)}`);",
      "export const f = (db, ids) => db.query(`SELECT a FROM t WHERE id IN (${ids.map((_, i) => `$${i + 1}`).join(', ')})`, ids);",
      'export const f = (db, n) => db.query(`SELECT a FROM t LIMIT ${Number(n)}`);',
      'export const f = (name) => `Please select ${name} from the list`.length;',
    ],
  },
  'command-injection': {
    bad: [
      "import { exec } from 'node:child_process'; export const f = (name) => exec(`tar xf ${name}`);",
      "import cp from 'node:child_process'; export const f = (name) => cp.execSync('ls ' + name);",
      "import { spawn } from 'node:child_process'; export const f = (c) => spawn(c, { shell: true });",
      "import { spawnSync } from 'node:child_process'; export const f = (c) => spawnSync('bash', ['-c', `ls ${c}`]);",
    ],
    good: [
      "import { exec } from 'node:child_process'; export const f = () => exec('git status');",
      "import { execFile } from 'node:child_process'; export const f = (name) => execFile('tar', ['xf', name]);",
      'export const f = (text) => /a(b)/.exec(text);',
      'export const f = (db, q) => db.exec(q);',
    ],
  },
  'code-injection': {
    bad: [
      'export const f = (text) => eval(text);',
      "export const f = (body) => new Function('a', body);",
      "export const f = (name) => setTimeout('go(' + name + ')', 10);",
    ],
    good: [
      "export const f = () => eval('1 + 1');",
      'export const f = (go) => setTimeout(() => go(), 10);',
      'export const f = (model) => model.evaluate(3);',
    ],
  },
  'path-traversal': {
    bad: [
      "import fs from 'node:fs'; import path from 'node:path'; export const f = (req, res) => res.send(fs.readFileSync(path.join('a', req.query.name)));",
      "import { readFile } from 'node:fs/promises'; export async function f(req, res) { const { name } = req.params; res.send(await readFile(`files/${name}`)); }",
      'export const f = (req, res) => res.sendFile(req.params.file);',
    ],
    good: [
      "import fs from 'node:fs'; import path from 'node:path'; export const f = (req, res) => res.send(fs.readFileSync(path.join('a', path.basename(req.query.name))));",
      "import fs from 'node:fs'; import path from 'node:path'; export function f(req, res) { const at = path.resolve('a', req.query.n); if (!at.startsWith('a' + path.sep)) return res.end(); return fs.createReadStream(at).pipe(res); }",
      "import fs from 'node:fs'; const FILES = { a: 'a.txt' }; export const f = (req, res) => fs.createReadStream(FILES[req.query.n]).pipe(res);",
      "export const f = (req, res) => res.sendFile(req.params.file, { root: 'files' });",
      "import fs from 'node:fs'; export const f = (req, res) => fs.createReadStream(`${Number(req.params.id)}.txt`).pipe(res);",
    ],
  },
  ssrf: {
    bad: ['export const f = async (req, res) => res.send(await fetch(req.body.url));'],
    good: [
      'export const f = async (req, res) => res.send(await fetch(`https://api.example.com/${req.body.id}`));',
    ],
  },
  'open-redirect': {
    bad: ['export const f = (req, res) => res.redirect(req.query.next);'],
    good: [
      "export const f = (req, res) => res.redirect('/login');",
      'export const f = (req, res) => res.redirect(`/users/${req.params.id}`);',
    ],
  },
  xss: {
    bad: ['export const f = (req, res) => res.send(`<p>${req.query.name}</p>`);'],
    good: [
      'export const f = (req, res) => res.send(`<p>${escapeHtml(req.query.name)}</p>`); const escapeHtml = (s) => s;',
      'export const f = (req, res) => res.send(`name: ${req.query.name}`);',
    ],
  },
  'weak-hash': {
    bad: [
      "import { createHash } from 'node:crypto'; export const hashPassword = (p) => createHash('sha256').update(p).digest('hex');",
      "import crypto from 'node:crypto'; export const f = (token) => crypto.createHash('md5').update(token).digest('hex');",
    ],
    good: [
      "import { createHash } from 'node:crypto'; export const etagOf = (bytes) => createHash('md5').update(bytes).digest('hex');",
      "import { createHash } from 'node:crypto'; export const f = (token) => createHash('sha256').update(token).digest('hex');",
    ],
  },
  'weak-random': {
    bad: ['export const resetToken = () => Math.random().toString(36);'],
    good: ['export const jitter = (ms) => ms * Math.random();'],
  },
  'weak-cipher': {
    bad: [
      "import crypto from 'node:crypto'; export const f = (k) => crypto.createCipheriv('des-ede3-cbc', k, k);",
    ],
    good: [
      "import crypto from 'node:crypto'; export const f = (k, n) => crypto.createCipheriv('aes-256-gcm', k, n);",
    ],
  },
  'timing-attack': {
    bad: ['export const f = (given, stored) => given.signature === stored.value;'],
    good: [
      'export const f = (o) => o.password === undefined;',
      'export const f = (o) => o.password === o.confirmPassword;',
    ],
  },
  'tls-verification-off': {
    bad: [
      'export const options = { rejectUnauthorized: false };',
      "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';",
    ],
    good: ['export const options = { rejectUnauthorized: true };'],
  },
  'dom-xss': {
    bad: ['export const f = (el, name) => { el.innerHTML = `<b>${name}</b>`; };'],
    good: [
      "export const f = (el) => { el.innerHTML = ''; };",
      'export const f = (el, name) => { el.textContent = name; };',
    ],
  },
  'prototype-pollution': {
    bad: [
      "export function merge(to, from) { for (const k in from) { if (typeof from[k] === 'object') merge(to[k], from[k]); else to[k] = from[k]; } return to; }",
    ],
    good: [
      "export function merge(to, from) { for (const k in from) { if (k === '__proto__') continue; if (typeof from[k] === 'object') merge(to[k], from[k]); else to[k] = from[k]; } return to; }",
    ],
  },
  'jwt-unverified': {
    bad: ["import jwt from 'jsonwebtoken'; export const f = (t) => jwt.decode(t);"],
    good: [
      "import jwt from 'jsonwebtoken'; export const f = (t, k) => jwt.verify(t, k, { algorithms: ['RS256'] });",
    ],
  },
  'insecure-cookie': {
    bad: ["export const f = (req, res) => res.cookie('session', req.id);"],
    good: ["export const f = (req, res) => res.cookie('session', req.id, { httpOnly: true, secure: true });"],
  },
  'stack-trace-exposure': {
    bad: ['export const f = (err, req, res, next) => res.status(500).send(err.stack);'],
    good: ["export const f = (err, req, res, next) => res.status(500).send('It went wrong.');"],
  },
  'secret-in-log': {
    bad: ['export const f = (user) => console.log(`login ${user.password}`);'],
    good: ['export const f = (user) => console.log(`password of ${user.name} changed`);'],
  },
  'regex-injection': {
    bad: ['export const f = (req, res) => res.send(new RegExp(req.query.q).test("a"));'],
    good: ['export const f = (req, res) => res.send("a".includes(req.query.q));'],
  },
  'mass-assignment': {
    bad: ['export const f = (req, res, user) => res.json(Object.assign(user, req.body));'],
    good: [
      'export const f = (req, res, user) => res.json(Object.assign(user, { name: String(req.body.name) }));',
    ],
  },
  'cors-with-credentials': {
    bad: ["import cors from 'cors'; export const f = cors({ origin: true, credentials: true });"],
    good: [
      "import cors from 'cors'; export const f = cors({ origin: 'https://example.com', credentials: true });",
    ],
  },
  'unsafe-deserialization': {
    bad: ["import serialize from 'node-serialize'; export const f = (t) => serialize.unserialize(t);"],
    good: ['export const f = (t) => JSON.parse(t);'],
  },
  'world-writable': {
    bad: ["import fs from 'node:fs'; export const f = (p) => fs.chmodSync(p, 0o777);"],
    good: ["import fs from 'node:fs'; export const f = (p) => fs.chmodSync(p, 0o600);"],
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

test('what only tests do is no danger', () => {
  const text = 'export const f = (text) => eval(text);';
  expect(kindsIn(text, 'src/a.js')).toContain('code-injection');
  expect(kindsIn(text, 'test/a.test.js')).not.toContain('code-injection');
});
