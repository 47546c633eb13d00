import fc from 'fast-check';
import { sourceFile } from '../../../test/analysis/analyse-text.ts';
import { findSecrets } from './find-secrets.ts';

/** Put together here, so that no scanner of this repository takes them for real ones. */
const GITHUB = `ghp_${'aB3dE5gH7jK9mN1pQ3sT5vX7zA2cD4fG6hJ8'}`;
const AWS = `AKIA${'QX7ZPL2MTN4RWB5K'}`;
const STRIPE = `sk_${'live'}_9vTq2LmXw8RzKp4NcYb7`;

const SECRETS: [string, string][] = [
  ['a.js', `const token = '${GITHUB}';`],
  ['a.yml', `key: ${AWS}`],
  ['a.js', `stripe('${STRIPE}')`],
  ['a.pem', `-----BEGIN RSA ${'PRIVATE'} KEY-----`],
  ['a.js', "const url = 'postgres://shop:kQ8zw2Lp@db.internal:5432/shop';"],
  ['a.js', "const password = 'Tr0ub4dor&3';"],
  ['a.js', "const config = { api_key: 'q8Zr2LmX5vTw9KpNcYb7' };"],
  ['a.js', "const SECRET = process.env.SECRET || 'q8Zr2LmX5vTw9KpN';"],
  ['a.py', "API_TOKEN = 'q8Zr2LmX5vTw9KpNcYb7'"],
  ['.env', 'DB_PASSWORD=kQ8zw2Lp!x'],
  ['a.json', '{ "client_secret": "q8Zr2LmX5vTw9KpNcYb7" }'],
];

const HARMLESS: [string, string][] = [
  ['a.js', "const token = 'your-token-here-1234567890';"],
  ['a.js', `const key = 'AKIA${'IOSFODNN7EXAMPLE'}';`],
  ['a.js', 'const password = process.env.PASSWORD;'],
  ['a.js', "const password = '<password>';"],
  ['a.js', "const password_field = 'user_password1';"],
  ['a.js', "const tokenUrl = 'https://login.example.com/oauth2/token/v2';"],
  ['a.js', "const token_type = 'access_token_v2_abc123';"],
  ['a.js', "const api_key = 'xxxxxxxxxxxxxxxxxxxx';"],
  ['a.js', "const secret_key = 'abcdefghijklmnop0123456789';"],
  ['a.js', 'const url = `postgres://${user}:${password}@${host}/shop`;'],
  ['a.js', "const integrity = 'sha512-q8Zr2LmX5vTw9KpNcYb7q8Zr2LmX5vTw9KpNcYb7';"],
  ['package-lock.json', '"token": "q8Zr2LmX5vTw9KpNcYb7"'],
  ['test/a.test.js', "const password = 'Tr0ub4dor&3';"],
];

describe('a secret', () => {
  test.each(SECRETS)('is found in %s: %s', (path, text) => {
    expect(findSecrets(sourceFile(path, `\n${text}\n`))).toMatchObject([{ span: { line: 2 } }]);
  });

  test.each(HARMLESS)('is not seen in %s: %s', (path, text) => {
    expect(findSecrets(sourceFile(path, text))).toEqual([]);
  });

  test('that others issue is one in a test too', () => {
    expect(findSecrets(sourceFile('test/a.test.js', `'${GITHUB}'`))).toHaveLength(1);
  });

  test('is not repeated in the finding', () => {
    const [hit] = findSecrets(sourceFile('a.js', `const token = '${GITHUB}';`));
    expect(hit?.message).not.toContain(GITHUB.slice(4));
  });

  test('is found anywhere in any text, which is read to its end', () => {
    fc.assert(
      fc.property(fc.string(), (around) => {
        const before = around.replace(/[\w\n\r\u2028\u2029]/g, ' ').slice(0, 200);
        expect(findSecrets(sourceFile('a.txt', `${around}\n${before} ${GITHUB} `)).length).toBeGreaterThan(0);
      }),
    );
  });
});
