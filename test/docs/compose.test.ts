import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ENVIRONMENT_ONLY, SETTINGS } from '../../src/config-settings.ts';

interface Service {
  image?: string;
  command?: string[];
  ports?: string[];
  volumes?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  security_opt?: string[];
  deploy?: { replicas: string };
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const FILE = path.join(ROOT, 'docker-compose.yml');
const compose = readYaml('docker-compose.yml') as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);
const METRICS = [
  'orchestrator_workflows_total',
  'orchestrator_workflows_duration_seconds',
  'orchestrator_workflows_active',
  'orchestrator_api_requests_total',
  'orchestrator_api_request_duration_seconds',
];

test('every promised service is there, and nothing else starts', () => {
  const expected =
    'api grafana jaeger migrate postgres prometheus redis temporal temporal-setup temporal-ui worker';
  expect(Object.keys(compose.services).sort().join(' ')).toBe(expected);
});

test('foreign images are pinned to a version', () => {
  for (const [name, { image = '' }] of services) {
    if (image !== 'orchestrator:latest')
      expect([name, image]).toEqual([name, expect.stringMatching(/:v?\d[\w.-]*$/)]);
  }
});

test('members of a service are those of the compose specification', () => {
  const known =
    'build image restart environment command entrypoint ports volumes depends_on healthcheck deploy security_opt';
  for (const [name, service] of services) {
    for (const member of Object.keys(service))
      expect([name, known.split(' ')]).toEqual([name, expect.arrayContaining([member])]);
  }
});

test('a dependency that must be healthy has a health check, one that must complete ends by itself', () => {
  for (const [, { depends_on = {} }] of services) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const target = compose.services[name];
      expect(target).toBeDefined();
      if (condition === 'service_healthy')
        expect([name, target?.healthcheck?.test[0]]).toEqual([name, 'CMD']);
      else
        expect([condition, ['migrate', 'temporal-setup']]).toEqual([
          'service_completed_successfully',
          expect.arrayContaining([name]),
        ]);
    }
  }
});

test('ports are published on this machine only, each once, and where the documents say', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  expect(compose.services['temporal-ui']?.ports).toEqual(['127.0.0.1:8088:8080']);
  expect(compose.services['api']?.ports).toEqual(['127.0.0.1:8080:8080', '127.0.0.1:9090:9090']);
  expect(compose.services['grafana']?.ports).toEqual(['127.0.0.1:3000:3000']);
  expect(compose.services['jaeger']?.ports).toContain('127.0.0.1:16686:16686');
  const page = readFileSync(path.join(ROOT, 'docs/operations.md'), 'utf8');
  for (const port of ports) expect(page).toContain(port.split(':')[1]);
});

test('mounted files are there and named volumes are declared', () => {
  const sources = services
    .flatMap(([, service]) => service.volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '');
  expect(sources.length).toBeGreaterThan(5);
  for (const source of sources) {
    if (source.startsWith('.')) expect([source, existsSync(path.join(ROOT, source))]).toEqual([source, true]);
    else expect(Object.keys(compose.volumes)).toContain(source);
  }
});

test('our own environment names are settings', () => {
  const known = new Set([...SETTINGS.map((setting) => setting.env), ...Object.keys(ENVIRONMENT_ONLY)]);
  const names = services.flatMap(([, service]) => Object.keys(service.environment ?? {}));
  const ours = names.filter((name) => name.startsWith('ORCHESTRATOR_'));
  expect(ours.length).toBeGreaterThan(10);
  expect(ours.filter((name) => !known.has(name))).toEqual([]);
});

test('no secret stands in the file; the only default is the one of Grafana', () => {
  for (const [, { environment = {} }] of services) {
    for (const [name, value] of Object.entries(environment)) {
      if (name === 'GF_SECURITY_ADMIN_PASSWORD') expect(value).toBe('${GRAFANA_ADMIN_PASSWORD:-admin}');
      else if (/PASSWORD|PWD|TOKEN|SECRET/.test(name)) expect(value).toMatch(/^\$\{\w+:-\}$/);
      else if (name.endsWith('_URL')) expect(value).toMatch(/:\$\{POSTGRES_PASSWORD:-\}@/);
    }
  }
});

/** What `npm run build` makes a program of dist/ from. */
const sourceOf = (program: string) => program.replace(/^dist\/(.*)\.js$/, '$1.ts');

test('api and worker start programs of this repository; workers scale and may build namespaces', () => {
  const { api, worker } = compose.services;
  expect(api?.command).toEqual(['dist/src/main.js', 'api']);
  expect(worker?.command).toEqual(['dist/worker/main.js']);
  for (const command of [api?.command, worker?.command])
    expect(existsSync(path.join(ROOT, sourceOf(command?.[0] ?? '')))).toBe(true);
  expect(worker?.deploy?.replicas).toBe('${ORCHESTRATOR_WORKERS:-2}');
  expect(worker?.security_opt).toEqual([
    'seccomp=unconfined',
    'apparmor=unconfined',
    'systempaths=unconfined',
  ]);
  expect(api?.security_opt).toBeUndefined();
});

test('Prometheus scrapes every replica of both, and the dashboard shows all five metrics and no other', () => {
  const prometheus = readYaml('ops/prometheus/prometheus.yml') as {
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
  };
  const scraped = prometheus.scrape_configs.flatMap((job) =>
    job.dns_sd_configs.map(({ names, port }) => [names, port]),
  );
  expect(scraped).toEqual([
    [['api'], 9090],
    [['worker'], 9090],
  ]);
  const dashboard = readFileSync(path.join(ROOT, 'ops/grafana/dashboards/orchestrator.json'), 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  const asked = panels.flatMap((panel) =>
    panel.targets.flatMap(({ expr }) => expr.match(/orchestrator_\w+/g) ?? []),
  );
  expect([...new Set(asked.map((name) => name.replace(/_bucket$/, '')))].sort()).toEqual([...METRICS].sort());
});

test("Grafana's dashboard asks the provisioned data source", () => {
  const source = readYaml('ops/grafana/provisioning/datasources/prometheus.yml') as {
    datasources: { uid: string }[];
  };
  const dashboard = readFileSync(path.join(ROOT, 'ops/grafana/dashboards/orchestrator.json'), 'utf8');
  const uids = [...dashboard.matchAll(/"type": "prometheus",\s+"uid": "([^"]+)"/g)].map((match) => match[1]);
  expect(uids.length).toBeGreaterThanOrEqual(5);
  expect(new Set(uids)).toEqual(new Set([source.datasources[0]?.uid]));
});

const has_compose = spawnSync('docker', ['compose', 'version']).status === 0;
// Only the client is needed, no engine; where it is missing, the checks above stand alone.
(has_compose ? test : test.skip)('docker compose accepts the file, with secrets and without', () => {
  for (const secrets of [{}, { POSTGRES_PASSWORD: 'p', ORCHESTRATOR_AUTH_API_TOKEN: 't' }]) {
    const env = { ...process.env, ...secrets };
    const { status, stderr } = spawnSync('docker', ['compose', '--file', FILE, 'config', '--quiet'], {
      env,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  }
});

function readYaml(file: string): unknown {
  return parse(readFileSync(path.join(ROOT, file), 'utf8'), { merge: true });
}
