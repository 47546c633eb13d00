import { NODE_TYPES, type NodeType } from '../contract/definition.ts';
import { part, type Clause } from './clauses.ts';
import { idsOf } from './form.ts';
import { stepNamed, type Editing } from './instruction.ts';
import { readPlace, type Place } from './place.ts';
import { Unclear } from './unclear.ts';

/** What is said of a step to be added. */
export interface Wanted {
  id?: string;
  type?: NodeType;
  /** As it was written. */
  config?: string;
  place?: Place;
  /** What follows does not wait for it. */
  aside: boolean;
  /** What it is to do, in words. */
  doing?: Clause;
}

const TYPES = NODE_TYPES.join('|');
const HEAD = new RegExp(
  `^(?:add|insert|create|put)(?: in)?(?: an?| another| one| the)?(?: new)?(?: (?<kind>${TYPES}))? (?:step|node)(?: (?:called|named))?` +
    '(?: (?!(?:of|that|which|doing|to|after|behind|before|between|at|in|with|on|for|using|and)(?: |$))["\'`]?(?<id>[A-Za-z_][\\w-]*)["\'`]?)?(?=[ ,:]|$)',
  'iu',
);
const TYPE = new RegExp(`^(?: of| with) (?:the )?type ["'\`]?(?<type>${TYPES})["'\`]?(?=[ ,:]|$)`, 'iu');
const OTHER_TYPE = /^ (?:of|with) (?:the )?type (?<type>\S+)/iu;
const CONFIG = /^,? with (?:the |this )?config(?:uration)?:? ?(?<config>\uE000+)/iu;
const ASIDE = /^,? (?:in parallel(?: with what follows| to what follows)?|on its own)(?=[ ,:]|$)/iu;
const EDGE = /^,? at the (?<edge>start|beginning|end)(?=[ ,:]|$)/iu;
const PLACE =
  /^,? (?<kind>after|behind|before|between) (?<list>[\w ,"'`“”-]+?)(?=,? (?:of type|with (?:the |this )?config|doing|that|which|to|for|asking|after|behind|before|between|with (?:the )?prompt|in parallel|on its own)(?: |$)| ?:|$)/iu;
const DOING = /^(?:,? (?:doing|that|which|to)|:) /iu;
const KEPT = /^,? (?=(?:for|with|using|calling|running|waiting|asking|in|at|on) )/iu;

/** Reads `add a step …`; undefined for a clause that says something else. Throws `Unclear`. */
export function readWanted(clause: Clause, editing: Editing): Wanted | undefined {
  const head = HEAD.exec(clause.masked);
  if (!head) return undefined;
  const { kind, id } = head.groups ?? {};
  const wanted: Wanted = {
    aside: false,
    ...(id ? { id } : {}),
    ...(kind ? { type: kind.toLowerCase() as NodeType } : {}),
  };
  let at = head[0].length;
  for (let read = -1; read !== 0; at += read) read = readNext(rest(clause, at), wanted, editing);
  const left = rest(clause, at);
  const intro = DOING.exec(left.masked) ?? KEPT.exec(left.masked);
  if (intro) wanted.doing = takePlace(rest(left, intro[0].length), wanted, editing);
  else if (/[^\s,:]/.test(left.masked))
    throw new Unclear(`“${left.raw.trim()}”: what does that say of the new step?`);
  return wanted;
}

function rest({ raw, masked }: Clause, at: number): Clause {
  return { raw: raw.slice(at), masked: masked.slice(at) };
}

/** Reads one thing at the beginning; answers how many characters it has, 0 for none. */
function readNext(left: Clause, wanted: Wanted, editing: Editing): number {
  const type = TYPE.exec(left.masked);
  if (type) {
    wanted.type = type.groups!['type']!.toLowerCase() as NodeType;
    return type[0].length;
  }
  const strange = OTHER_TYPE.exec(left.masked)?.groups?.['type'];
  if (strange !== undefined)
    throw new Unclear(`There is no type “${strange}”; there are ${NODE_TYPES.join(', ')}.`);
  const config = CONFIG.exec(left.masked);
  if (config) {
    wanted.config = left.raw.slice(config[0].length - config.groups!['config']!.length, config[0].length);
    return config[0].length;
  }
  const aside = ASIDE.exec(left.masked);
  if (aside) wanted.aside = true;
  const edge = EDGE.exec(left.masked);
  if (edge) setPlace(wanted, { kind: edge.groups!['edge']!.toLowerCase() === 'end' ? 'end' : 'start' });
  const place = PLACE.exec(left.masked);
  const { kind = '', list = '' } = place?.groups ?? {};
  const read = place ? readPlace(kind, list, editing) : undefined;
  if (place && !read) throw new Unclear(`“${place[0].trim()}” is no place in the workflow.`);
  if (read) setPlace(wanted, read);
  return (aside ?? edge ?? place)?.[0].length ?? 0;
}

function setPlace(wanted: Wanted, place: Place): void {
  if (wanted.place) throw new Unclear('A step has one place: after some steps, before some, or between two.');
  wanted.place = place;
}

const PLACE_WORD = / (?<kind>after|behind|before|between) /giu;
const TRAILING =
  /,? (?:at the (?<edge>start|beginning|end)|in parallel(?: with what follows)?|on its own)$/iu;

/** Takes the place from the end of what is to be done. Throws `Unclear` when a place is spoken of that there is not. */
function takePlace(doing: Clause, wanted: Wanted, editing: Editing): Clause {
  const trailing = TRAILING.exec(doing.masked);
  if (trailing) {
    const edge = trailing.groups?.['edge']?.toLowerCase();
    if (edge === undefined) wanted.aside = true;
    else setPlace(wanted, { kind: edge === 'end' ? 'end' : 'start' });
    return takePlace(part(doing, 0, trailing.index), wanted, editing);
  }
  const last = [...` ${doing.masked}`.matchAll(PLACE_WORD)].at(-1);
  if (!last) return doing;
  const list = ` ${doing.raw}`.slice(last.index + last[0].length);
  const unknown = idsOf(list)
    .map((id) => stepNamed(id, editing))
    .find((id) => !editing.steps.has(id));
  const place = readPlace(last.groups!['kind']!, list, editing);
  if (unknown !== undefined) editing.steps.require(unknown);
  if (!place) throw new Unclear(`“${last[0].trim()} ${list}” is no place in the workflow.`);
  setPlace(wanted, place);
  return takePlace(part(doing, 0, Math.max(0, last.index - 1)), wanted, editing);
}
