import { adding } from './add-step.ts';
import { approvals } from './approval-step.ts';
import { description, fields, files, output, params, pointers } from './edit-document.ts';
import { failures, retrying, timeouts } from './edit-limits.ts';
import { conditions, order } from './edit-order.ts';
import type { Instruction } from './instruction.ts';
import { removing } from './remove-step.ts';
import { renaming } from './rename-step.ts';

/** All that the rules understand; the first whose form a clause has is followed, so the plainer ones come last. */
export const INSTRUCTIONS: readonly Instruction[] = [
  approvals,
  adding,
  params,
  description,
  output,
  files,
  pointers,
  timeouts,
  retrying,
  failures,
  conditions,
  order,
  renaming,
  fields,
  removing,
];
