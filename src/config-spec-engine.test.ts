import { spec_engine } from './config-spec-engine.ts';

test('without settings the engine of the product is used, on loopback', () => {
  expect(spec_engine.parse(undefined)).toEqual({
    timeout_seconds: 30,
    work_seconds: 300,
    allow_hosts: [],
    listen: '127.0.0.1:50061',
  });
});

test.each(['127.0.0.1:1', 'localhost:50061', '[::1]:50061'])('%s needs no token', (listen) => {
  expect(spec_engine.safeParse({ listen }).success).toBe(true);
});

test.each(['0.0.0.0:50061', '10.0.0.1:50061', 'engine.corp:50061', '127.0.0.1.example.com:1'])(
  '%s is beyond loopback, and needs a token',
  (listen) => {
    expect(spec_engine.safeParse({ listen }).error?.issues[0]).toMatchObject({ path: ['token'] });
    expect(spec_engine.safeParse({ listen, token: 'x' }).success).toBe(true);
  },
);

test.each(['ftp://x', 'http://user:pw@x', 'http://x?a=1', 'http://x#a', 'no url'])(
  '%s is no URL of an engine',
  (url) => {
    expect(spec_engine.safeParse({ url }).success).toBe(false);
  },
);
