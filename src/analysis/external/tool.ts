import type { FindingArea, FindingRule } from '../../contract/findings.ts';

/** One place that a program of others finds fault with, before it is a finding. */
export interface ToolHit {
  /** Name of the file as the program was given it. */
  file: string;
  rule: FindingRule;
  message: string;
  /** From 1. */
  line: number;
  end_line: number;
  /** From 1, the end behind the place; the whole lines when left out. */
  columns?: { from: number; to: number; unit: 'byte' | 'character' };
}

export interface ToolAnswer {
  hits: ToolHit[];
  /** Names of files that it did not get to the end of. */
  unread: string[];
}

/** A program of others that analyses files, as far as it can be told without running it. */
export interface ExternalTool {
  area: FindingArea;
  /** Goes up with every change of what is asked of it and of how its answers are read. */
  version: string;
  /** The ending it is given a file with, or undefined for a file that is not for it. */
  endingFor(path: string): string | undefined;
  /** The text that it is given; of the same length. */
  prepare?(text: string): string;
  /** Rules of ours that it is given in a file. */
  rules?: string;
  /** Reads what it wrote. Throws `NoAnswer` when that is not what the program writes. */
  read(output: string): ToolAnswer;
}

/** What a program wrote is not what it is known to write. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A rule of a program; its id is `<tool>/<id>`. */
export function toolRule(tool: string, id: string, rule: Omit<FindingRule, 'rule_id'>): FindingRule {
  return { rule_id: `${tool}/${id}`, ...rule };
}
