/**
 * The base score of a CVSS vector, 0 to 10, or undefined when it cannot be read. Versions 2 and 3 by their formulas;
 * version 4, whose scores are a table of experts' opinions, as the vector of version 3 that comes closest.
 */
export function cvssScore(vector: string): number | undefined {
  const metrics = metricsOf(vector);
  if (vector.startsWith('CVSS:3')) return scoreV3(metrics);
  if (vector.startsWith('CVSS:4')) return scoreV3(asV3(metrics));
  return vector.startsWith('CVSS:') ? undefined : scoreV2(metrics);
}

type Metrics = ReadonlyMap<string, string>;

function metricsOf(vector: string): Metrics {
  return new Map(
    vector
      .replace(/^\(|\)$/g, '')
      .split('/')
      .map((part): [string, string] => {
        const [name = '', value = ''] = part.split(':');
        return [name, value];
      }),
  );
}

const V3: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  PR: { N: 0.85, L: 0.62, H: 0.27 },
  /** With a changed scope. */
  PRC: { N: 0.85, L: 0.68, H: 0.5 },
  UI: { N: 0.85, R: 0.62 },
  IMPACT: { H: 0.56, L: 0.22, N: 0 },
};

function scoreV3(metrics: Metrics): number | undefined {
  const is_changed = metrics.get('S') === 'C';
  const reached = product([
    weight(V3.AV!, metrics.get('AV')),
    weight(V3.AC!, metrics.get('AC')),
    weight(is_changed ? V3.PRC! : V3.PR!, metrics.get('PR')),
    weight(V3.UI!, metrics.get('UI')),
  ]);
  const kept = product(['C', 'I', 'A'].map((name) => 1 - weight(V3.IMPACT!, metrics.get(name))));
  if (Number.isNaN(reached) || Number.isNaN(kept)) return undefined;
  const base = 1 - kept;
  const impact = is_changed ? 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 : 6.42 * base;
  if (impact <= 0) return 0;
  return roundUp(Math.min(10, (is_changed ? 1.08 : 1) * (impact + 8.22 * reached)));
}

/** What a system behind it suffers is a changed scope there. */
function asV3(metrics: Metrics): Metrics {
  const get = (name: string) => metrics.get(name) ?? '';
  const worse = (name: string) => ['H', 'L', 'N'].find((v) => v === get(`V${name}`) || v === get(`S${name}`));
  const is_changed = ['SC', 'SI', 'SA'].some((name) => ['H', 'L', 'S'].includes(get(name)));
  return new Map([
    ['AV', get('AV')],
    ['AC', get('AT') === 'P' ? 'H' : get('AC')],
    ['PR', get('PR')],
    ['UI', get('UI') === 'N' ? 'N' : 'R'],
    ['S', is_changed ? 'C' : 'U'],
    ...['C', 'I', 'A'].map((name): [string, string] => [name, worse(name) ?? '']),
  ]);
}

const V2: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AV: { L: 0.395, A: 0.646, N: 1 },
  AC: { H: 0.35, M: 0.61, L: 0.71 },
  Au: { M: 0.45, S: 0.56, N: 0.704 },
  IMPACT: { N: 0, P: 0.275, C: 0.66 },
};

function scoreV2(metrics: Metrics): number | undefined {
  const reached = 20 * product(['AV', 'AC', 'Au'].map((name) => weight(V2[name]!, metrics.get(name))));
  const kept = product(['C', 'I', 'A'].map((name) => 1 - weight(V2.IMPACT!, metrics.get(name))));
  if (Number.isNaN(reached) || Number.isNaN(kept)) return undefined;
  const impact = 10.41 * (1 - kept);
  return impact === 0 ? 0 : Math.round((0.6 * impact + 0.4 * reached - 1.5) * 1.176 * 10) / 10;
}

/** NaN for a value that the metric does not have. */
function weight(weights: Readonly<Record<string, number>>, value = ''): number {
  return Object.hasOwn(weights, value) ? weights[value]! : NaN;
}

const product = (factors: readonly number[]): number => factors.reduce((all, factor) => all * factor, 1);

/** As CVSS 3.1 defines it, without the errors of doubles. */
function roundUp(score: number): number {
  const scaled = Math.round(score * 100_000);
  return scaled % 10_000 === 0 ? scaled / 100_000 : (Math.floor(scaled / 10_000) + 1) / 10;
}
