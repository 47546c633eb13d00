import { compareDigits } from './digits.ts';

const MAX_CHARS = 256;
const VERSION =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(?:post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;
const PRE: Readonly<Record<string, number>> = {
  a: 1,
  alpha: 1,
  b: 2,
  beta: 2,
  c: 3,
  rc: 3,
  pre: 3,
  preview: 3,
};
const FINAL = 4;

interface Version {
  epoch: string;
  release: string[];
  /** Rank of `a`, `b`, `rc`, none of them; before all of them stands a release's bare `dev`. */
  pre: [number, string];
  /** Undefined sorts first. */
  post: string | undefined;
  /** Undefined sorts last. */
  dev: string | undefined;
  local: string[];
}

/** The order of PEP 440, for PyPI. Undefined for what is no such version. */
export function comparePep440(a: string, b: string): number | undefined {
  const [one, other] = [parse(a), parse(b)];
  if (!one || !other) return undefined;
  return (
    compareDigits(one.epoch, other.epoch) ||
    compareLists(one.release, other.release) ||
    one.pre[0] - other.pre[0] ||
    compareDigits(one.pre[1], other.pre[1]) ||
    compareMissing(one.post, other.post, -1) ||
    compareMissing(one.dev, other.dev, 1) ||
    compareLocal(one.local, other.local)
  );
}

function parse(text: string): Version | undefined {
  const match = text.length > MAX_CHARS ? null : VERSION.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const [, epoch = '0', release = '0', pre, pre_number, post_dash, post_number, dev, dev_number, local] =
    match;
  const post = post_dash ?? post_number;
  return {
    epoch,
    release: release.split('.'),
    pre: [pre === undefined ? rankWithoutPre(post, dev) : PRE[pre]!, pre_number ?? ''],
    post,
    dev: dev === undefined ? undefined : dev_number,
    local: local === undefined ? [] : local.split(/[-_.]/),
  };
}

function rankWithoutPre(post: string | undefined, dev: string | undefined): number {
  return dev !== undefined && post === undefined ? 0 : FINAL;
}

/** `1` is `1.0.0`. */
function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const order = compareDigits(a[i] ?? '0', b[i] ?? '0');
    if (order !== 0) return order;
  }
  return 0;
}

function compareMissing(a: string | undefined, b: string | undefined, missing: -1 | 1): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? missing : -missing;
  return compareDigits(a, b);
}

/** Numbers come behind words, and more parts behind fewer. */
function compareLocal(a: readonly string[], b: readonly string[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const [is_number, is_other_number] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (is_number !== is_other_number) return is_number ? 1 : -1;
    const order = is_number ? compareDigits(part, other) : part < other ? -1 : part > other ? 1 : 0;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
