import type { PackageVersion } from '../../contract/advisory.ts';

/** What a package is found by: names of PyPI are the same in any spelling (PEP 503). */
export function packageKey({ ecosystem, name }: Pick<PackageVersion, 'ecosystem' | 'name'>): string {
  const [base = ''] = ecosystem.split(':');
  return `${base} ${base === 'PyPI' ? name.toLowerCase().replace(/[-_.]+/g, '-') : name}`;
}
