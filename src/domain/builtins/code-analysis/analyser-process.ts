/** The process analyses are made in: sources are hostile, and what takes long must not hold up anything else. */
import { analyseFile } from '../../../analysis/analyse-file.ts';
import { analyseTree } from '../../../analysis/analyse-tree.ts';
import type { AnalyserTask } from './analyser.ts';

process.on('message', (task: AnalyserTask) => {
  process.send?.(
    task.kind === 'file' ? analyseFile(task.file, task.areas) : analyseTree(task.facts, task.areas),
  );
});
process.on('disconnect', () => process.exit(0));
