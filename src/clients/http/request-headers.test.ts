import { HttpFailure } from './http-failure.ts';
import { harmlessHeaders, requestHeaders } from './request-headers.ts';

test('headers are sent in lower case, with the encodings that can be read', () => {
  expect(requestHeaders({ 'X-Key': 'a\tb é' })).toEqual({
    'accept-encoding': 'gzip, deflate, br',
    'x-key': 'a\tb é',
  });
  expect(requestHeaders({ 'Accept-Encoding': 'identity' })).toEqual({ 'accept-encoding': 'identity' });
});

test.each([
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Upgrade',
  'Expect',
  'Proxy-Authorization',
  'proxy-connection',
])('the header %s may not be set', (name) =>
  expect(() => requestHeaders({ [name]: 'x' })).toThrow(`The header ${name.toLowerCase()} may not be set.`),
);

test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\0b', 'a\u007fb', 'a\u010db', 'a\u010a'])(
  'the value %j is refused, and not repeated',
  (value) => {
    expect(() => requestHeaders({ 'x-key': value })).toThrow(
      new HttpFailure('request_invalid', 'The header x-key holds a character that a header cannot have.'),
    );
  },
);

test.each(['', 'a b', 'a:b', 'a\r\nhost', 'ä', 'host\0', '(x)'])('the name %j is refused', (name) => {
  expect(() => requestHeaders({ [name]: 'x' })).toThrow(HttpFailure);
});

test('headers are bounded', () => {
  expect(() => requestHeaders({ 'x-key': 'a'.repeat(70_000) })).toThrow('larger than 65536 bytes');
});

test('nothing that could authenticate goes to another origin', () => {
  const harmless = { accept: '*/*', 'user-agent': 'x' };
  expect(
    harmlessHeaders({
      ...harmless,
      authorization: 'x',
      cookie: 'x',
      'x-api-key': 'x',
      'x-orchestrator-run': 'x',
    }),
  ).toEqual(harmless);
});
