import type { Json } from '../src/contract/json.ts';
import type { PlanNode } from '../src/contract/plan.ts';
import type { HeldStep, ItemSource, StepError } from '../src/contract/run.ts';
import type { MapProgress } from '../src/contract/workflows.ts';
import { itemFailure } from '../src/language/light-config.ts';
import { itemUnit, type Unit } from './unit.ts';

type HeldItems = MapProgress['items'];
type ItemFailure = StepError & { engine: boolean };

interface MapState {
  node: PlanNode;
  items: HeldItems;
  /** One letter for each item that has ended, `.` for the others. */
  states: string[];
  /** The next item never offered. */
  next: number;
  /** Items to be offered again. */
  again: number[];
  /** Items offered and not ended, those resting before another attempt included. */
  open: number;
  ended: number;
  failure: ItemFailure | null;
  /** Nothing more is offered. */
  stopped: boolean;
}

/** How a map has ended, before its output is put together. */
export interface MapOver {
  node: PlanNode;
  count: number;
  /** Its items did not all get their turn. */
  cut: boolean;
  failure: ItemFailure | null;
}

/** The maps of a run that are under way, and which of their items go next. */
export interface Maps {
  begin(node: PlanNode, items: HeldItems, count: number): void;
  /** An item that may go now, as far as `max_parallel` lets it. */
  takeReady(): Unit | undefined;
  putBack(unit: Unit): void;
  itemEnded(unit: Unit, held: HeldStep, engine: boolean): void;
  /** The element an item works on. */
  itemOf(unit: Unit): ItemSource | undefined;
  /** Offers nothing more: the map fails with this, or is cut short. */
  stop(id: string, failure: ItemFailure | null): void;
  stopAll(): void;
  /** The node as it was tuned. */
  setNode(node: PlanNode): void;
  /** Takes out the maps whose items have all ended. */
  takeOver(): MapOver[];
  progress(): Record<string, MapProgress>;
}

const LETTERS: Partial<Record<HeldStep['state'], string>> = { succeeded: 's', failed: 'f' };
const OPEN = '.';

/** `carried`: maps an earlier execution of the run had under way; `isUnderWay` tells which of their items go on by themselves. */
export function createMaps(
  nodes: Record<string, PlanNode>,
  carried: Record<string, MapProgress>,
  isUnderWay: (unit: Unit) => boolean,
): Maps {
  const maps = new Map<string, MapState>();

  function add(node: PlanNode, progress: MapProgress): MapState {
    const states = [...progress.states];
    const map: MapState = {
      node,
      items: progress.items,
      states,
      next: states.length,
      again: [],
      open: 0,
      ended: states.filter((letter) => letter !== OPEN).length,
      failure: progress.failure,
      stopped: progress.failure !== null,
    };
    maps.set(node.id, map);
    return map;
  }

  for (const [id, progress] of Object.entries(carried)) {
    const node = nodes[id];
    if (!node) continue;
    const map = add(node, progress);
    map.states.forEach((letter, item) => {
      if (letter !== OPEN) return;
      if (isUnderWay(itemUnit(node, item))) map.open++;
      else map.again.push(item);
    });
  }

  function offer(map: MapState): number | undefined {
    if (map.stopped || map.open >= (map.node.map?.max_parallel ?? 1)) return undefined;
    const item = map.again.shift() ?? (map.next < map.states.length ? map.next++ : undefined);
    if (item !== undefined) map.open++;
    return item;
  }

  const isOver = (map: MapState) => map.open === 0 && (map.stopped || map.ended === map.states.length);

  function stop(map: MapState, failure: ItemFailure | null): void {
    map.stopped = true;
    map.failure ??= failure;
  }

  return {
    begin(node, items, count) {
      add(node, { items, states: OPEN.repeat(count), failure: null }).next = 0;
    },
    takeReady() {
      for (const map of maps.values()) {
        const item = offer(map);
        if (item !== undefined) return itemUnit(map.node, item);
      }
      return undefined;
    },
    putBack({ node, item }) {
      const map = maps.get(node.id);
      if (!map) return;
      map.again.push(item);
      map.open--;
    },
    itemEnded({ node, item }, { state, error }, engine) {
      const map = maps.get(node.id);
      if (!map) return;
      map.states[item] = LETTERS[state] ?? 'c';
      map.ended++;
      map.open--;
      if (state === 'cancelled') stop(map, null);
      const fails = state === 'failed' && (engine || node.map?.on_item_error === 'fail');
      if (!fails) return;
      stop(map, { ...itemFailure(item, error), engine });
    },
    itemOf({ node, item }) {
      const items = maps.get(node.id)?.items;
      if (item < 0 || !items) return undefined;
      return 'value' in items ? { value: items.value[item] as Json } : { node: node.id, index: item };
    },
    stop(id, failure) {
      const map = maps.get(id);
      if (map) stop(map, failure);
    },
    stopAll: () => maps.forEach((map) => stop(map, null)),
    setNode(node) {
      const map = maps.get(node.id);
      if (map) map.node = node;
    },
    takeOver() {
      const over = [...maps.values()].filter(isOver);
      return over.map(({ node, states, ended, failure }) => {
        maps.delete(node.id);
        return { node, count: states.length, cut: ended < states.length, failure };
      });
    },
    progress: () =>
      Object.fromEntries(
        [...maps].map(([id, { items, states, failure }]) => [
          id,
          { items, states: states.join(''), failure },
        ]),
      ),
  };
}
