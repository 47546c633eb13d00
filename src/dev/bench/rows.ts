import type { Round } from './pairs.ts';
import { spread, type Figures, type Spread } from './stats.ts';

/** What a figure should be: of ours itself, of ours ÷ reference, or of ours − reference. */
export interface Target {
  of: 'ours' | 'ratio' | 'difference';
  at_least?: number;
  at_most?: number;
}

/** One line of the table. */
export interface Row {
  name: string;
  unit: string;
  ours: Spread;
  reference?: Spread;
  /** What the reference is. */
  against?: string;
  /** Pair by pair. */
  ratio?: Spread;
  difference?: Spread;
  target?: Target;
  /** Unset without a target. */
  met?: boolean;
  /** What one has to know to read the figure. */
  note?: string;
}

/** What one measurement found. */
export interface Findings {
  rows: Row[];
  /** All samples and whatever else helps to understand the rows. For the JSON file. */
  details: Record<string, unknown>;
}

interface Compared {
  name: string;
  unit: string;
  /** Which figure of the samples. */
  figure: string;
  against: string;
  target?: Target;
  note?: string;
}

/** A row of pairs: ours against `reference`. */
export function comparedRow(rounds: readonly Round<'ours' | 'reference'>[], about: Compared): Row {
  const { figure, target, ...rest } = about;
  const pairs = rounds.map((round) => ({
    ours: figureOf(round.ours, figure),
    reference: figureOf(round.reference, figure),
  }));
  const row: Row = {
    ...rest,
    ours: spread(pairs.map((pair) => pair.ours)),
    reference: spread(pairs.map((pair) => pair.reference)),
    ratio: spread(pairs.map((pair) => pair.ours / pair.reference)),
    difference: spread(pairs.map((pair) => pair.ours - pair.reference)),
  };
  return judged(row, target);
}

/** A row without a reference. */
export function plainRow(
  row: Pick<Row, 'name' | 'unit' | 'note'>,
  values: readonly number[],
  target?: Target,
): Row {
  return judged({ ...row, ours: spread(values) }, target);
}

/** Says so in a row when the generator had no core left to go faster with. */
export function generatorNote(rounds: readonly Round<'ours' | 'reference'>[]): string {
  const cores = (name: 'ours' | 'reference') =>
    spread(rounds.map((round) => round[name].generator_cores ?? 0)).median;
  const [ours, reference] = [cores('ours'), cores('reference')];
  const bound = Math.max(ours, reference) > 0.8 ? '; THE GENERATOR MAY BOUND THIS' : '';
  return `generator CPU ${ours.toFixed(2)} / ${reference.toFixed(2)} cores${bound}`;
}

function judged(row: Row, target: Target | undefined): Row {
  if (!target) return row;
  const { at_least = -Infinity, at_most = Infinity } = target;
  const value = row[target.of]?.median ?? NaN;
  return { ...row, target, met: value >= at_least && value <= at_most };
}

function figureOf(figures: Figures, name: string): number {
  const value = figures[name];
  if (value === undefined || !Number.isFinite(value)) throw new Error(`A sample has no figure ${name}.`);
  return value;
}
