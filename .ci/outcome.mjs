/**
 * Reads what the steps of `.ci/run` left in a directory.
 * `again <directory>`: the test files that deserve a second look, one per line.
 * `total <directory> <status of the tests> <status of the checks>`: says what needed one, then "N passed, N failed".
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** More failures than these are no chance. */
const MAX_FILES_AGAIN = 3;

const [what, work, test_status, check_status] = process.argv.slice(2);
const first = json('jest.json');
const second = json('again.json');

if (what === 'again') for (const { name } of failedFiles(first)) say(name);
else total();

function say(line) {
  process.stdout.write(`${line}\n`);
}

function read(name) {
  try {
    return readFileSync(path.join(work, name), 'utf8');
  } catch {
    return '';
  }
}

function json(name) {
  const text = read(name);
  return text === '' ? undefined : JSON.parse(text);
}

/** None where there are too many of them. */
function failedFiles(run) {
  const failed = (run?.testResults ?? []).filter(({ status }) => status === 'failed');
  return failed.length <= MAX_FILES_AGAIN ? failed : [];
}

function total() {
  let passed = first?.numPassedTests ?? 0;
  // A file that cannot be loaded counts as one failure: its tests are in no other number.
  let failed = failuresOf(first);
  if (second) {
    const files = failedFiles(first);
    for (const { name, assertionResults } of files) tell(name, assertionResults);
    const counted = files.flatMap(({ assertionResults }) => assertionResults);
    passed += second.numPassedTests - counted.filter(({ status }) => status === 'passed').length;
    failed = failuresOf(second);
  }
  if (test_status !== '0' && failed === 0) failed += 1;

  const steps = read('check.txt').split('\n');
  const red = steps.filter((line) => line.startsWith('FAILED ')).length;
  passed += steps.filter((line) => line.startsWith('ok ')).length;
  failed += red || (check_status === '0' ? 0 : 1);

  say(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && test_status === '0' && check_status === '0' ? 0 : 1;
}

function failuresOf(run) {
  return run ? run.numFailedTests + run.numRuntimeErrorTestSuites : 0;
}

function tell(file, results) {
  const failed = results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  const names = failed.length > 0 ? failed : ['the file itself'];
  for (const name of names) say(`failed at first: ${path.relative(process.cwd(), file)}: ${name}`);
}
