import type { Agent, AgentWish } from '../../contract/agent.ts';

type Candidate = Pick<Agent, 'id' | 'capabilities' | 'labels' | 'load'>;

/** Whether an agent may carry out what is wished for: it is the one that is named, has every label, and has the language. */
export function isFit({ id, labels, capabilities }: Candidate, wish: AgentWish): boolean {
  if (wish.id !== undefined && wish.id !== id) return false;
  const has_labels = Object.entries(wish.labels ?? {}).every(([key, value]) => labels[key] === value);
  return has_labels && capabilities.languages.some(({ language }) => language === wish.language);
}

/**
 * The least loaded of those that are fit; `random` (0 to 1) decides among equals, so that what is chosen at once by many does
 * not all go to one.
 */
export function chooseAgent<T extends Candidate>(
  agents: readonly T[],
  wish: AgentWish,
  random: () => number,
): T | undefined {
  const fit = agents.filter((agent) => isFit(agent, wish));
  const least = Math.min(...fit.map(({ load }) => load));
  const idlest = fit.filter(({ load }) => load === least);
  return idlest[Math.floor(random() * idlest.length)];
}
