import type { RunsCommand } from '../src/contract/activities.ts';
import type { ChildNews } from '../src/contract/workflows.ts';
import type { Unit } from './unit.ts';

type Told = RunsCommand['type'];

export interface Child {
  unit: Unit;
  admitted: boolean;
  ended: boolean;
  /** It stands still, by our pause or by its own. */
  paused: boolean;
  timed_out: boolean;
  /** What it was last told from here. */
  told?: Told;
}

/** The runs below this one that have not ended. */
export interface Children {
  add(run_id: string, child: Pick<Child, 'unit' | 'admitted'>): void;
  get(run_id: string): Readonly<Child> | undefined;
  remove(run_id: string): void;
  receive(news: ChildNews): void;
  /** How many stand still. */
  paused(): number;
  /** The time of the steps that `matches` is over. */
  timeOut(matches: (unit: Unit) => boolean): void;
  /** Some were not told this yet; anything, when nothing is named. */
  hasUntold(type?: Told): boolean;
  hasTold(type: Told): boolean;
  /** The time of some is over, and they do not know it yet. */
  isOutOfTime(): boolean;
  /** Those that `matches` and were not told this; they count as told from here on. */
  takeUntold(type: Told, matches: (child: Readonly<Child>) => boolean): string[];
}

export function createChildren(): Children {
  const children = new Map<string, Child>();
  return {
    add: (run_id, child) =>
      void children.set(run_id, { ...child, ended: false, paused: false, timed_out: false }),
    get: (run_id) => children.get(run_id),
    remove: (run_id) => void children.delete(run_id),
    receive({ run_id, news }) {
      const child = children.get(run_id);
      if (!child) return;
      if (news === 'admitted') child.admitted = true;
      else if (news === 'ended') child.ended = true;
      else child.paused = news === 'paused';
    },
    paused: () => [...children.values()].filter(({ paused }) => paused).length,
    timeOut(matches) {
      for (const child of children.values()) if (matches(child.unit)) child.timed_out = true;
    },
    hasUntold: (type) =>
      [...children.values()].some(({ told }) => (type ? told !== type : told === undefined)),
    hasTold: (type) => [...children.values()].some(({ told }) => told === type),
    isOutOfTime: () => [...children.values()].some(({ timed_out, told }) => timed_out && told !== 'cancel'),
    takeUntold(type, matches) {
      const untold = [...children].filter(([, child]) => child.told !== type && matches(child));
      for (const [, child] of untold) child.told = type;
      return untold.map(([run_id]) => run_id);
    },
  };
}
