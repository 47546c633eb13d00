import { advisoryFields, advisoryPlace } from './config-advisories.ts';
import { section } from './config-fields.ts';

const analysis = section(advisoryFields);

test('nobody is asked unless somebody says so', () => {
  expect(analysis.parse(undefined)).toEqual({ advisories_allow_hosts: [] });
  expect(advisoryPlace(undefined, '/srv')).toBeUndefined();
});

test.each([
  ['https://api.osv.dev', { kind: 'api', base_url: 'https://api.osv.dev' }],
  ['HTTPS://osv.corp/api/', { kind: 'api', base_url: 'HTTPS://osv.corp/api' }],
  ['http://osv.corp:8080', { kind: 'api', base_url: 'http://osv.corp:8080' }],
  ['advisories', { kind: 'directory', directory: '/srv/advisories' }],
  ['/var/lib/osv', { kind: 'directory', directory: '/var/lib/osv' }],
])('%s is a place', (advisories, place) => {
  expect(analysis.parse({ advisories }).advisories).toBe(advisories);
  expect(advisoryPlace(advisories, '/srv')).toEqual(place);
});

test.each([
  'ftp://host/x',
  'file:///var/lib/osv',
  'https://user:word@host',
  'https://host/?key=1',
  'https://host/#a',
  'https://',
  '',
  ' ',
  'a\0b',
])('%j is none', (advisories) => {
  expect(analysis.safeParse({ advisories }).success).toBe(false);
});

test('hosts are a list, in the environment separated by commas', () => {
  expect(analysis.parse({ advisories_allow_hosts: 'osv.corp, 10.0.0.0/8' }).advisories_allow_hosts).toEqual([
    'osv.corp',
    '10.0.0.0/8',
  ]);
});
