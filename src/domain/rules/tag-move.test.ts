import type { AppError } from '../../contract/errors.ts';
import { decideTag, type Expectation, type Question, type TagState } from './tag-move.ts';

const at = (version: number, protect = false): TagState => ({
  target_id: 'a',
  target_hash: 'sha256:a',
  version,
  protected: protect,
});
const to = (id: string) => ({ id, cursor_seq: null, reverses_seq: null });
const decide = (question: Partial<Question>) => {
  try {
    return decideTag({ command: 'put', expectation: {}, destination: to('b'), ...question }).do;
  } catch (error) {
    return (error as AppError).code;
  }
};

describe('the three values of an expectation', () => {
  it.each<[Expectation, TagState | undefined, string]>([
    [{}, undefined, 'create'],
    [{}, at(3), 'advance'],
    [{ expected: null }, undefined, 'create'],
    [{ expected: null }, at(3), 'version_conflict'],
    [{ expected: 3 }, at(3), 'advance'],
    [{ expected: 2 }, at(3), 'version_conflict'],
    [{ expected: 3 }, undefined, 'version_conflict'],
    [{ expected: 'a' }, at(3), 'advance'],
    [{ expected: 'sha256:a' }, at(3), 'advance'],
    [{ expected: 'b' }, at(3), 'version_conflict'],
    [{ if_match: 3 }, at(3), 'advance'],
    [{ if_match: 2 }, at(3), 'stale_if_match'],
    [{ if_match: 1 }, undefined, 'stale_if_match'],
    [{ if_match: 2, expected: 3 }, at(3), 'stale_if_match'],
    [{ if_match: 3, expected: 2 }, at(3), 'version_conflict'],
  ])('%j on %j: %s', (expectation, current, outcome) => {
    expect(decide({ expectation, current })).toBe(outcome);
  });
});

it.each(['put', 'move', 'undo', 'redo', 'delete'] as const)(
  '%s of a protected tag needs If-Match',
  (command) => {
    expect(decide({ command, current: at(3, true), expectation: { expected: 3 } })).toBe('tag_protected');
    expect(decide({ command, current: at(3, true), expectation: { if_match: 3 } })).not.toBe('tag_protected');
  },
);

it('checks the expectation even when there is nothing to do', () => {
  expect(decide({ current: at(3), destination: to('a') })).toBe('nothing');
  expect(decide({ current: at(3), destination: to('a'), expectation: { expected: 2 } })).toBe(
    'version_conflict',
  );
});

it('says what is missing', () => {
  expect(decide({ command: 'move' })).toBe('not_found');
  expect(decide({ current: at(1), destination: undefined })).toBe('not_found');
  expect(decide({ command: 'undo', current: at(1), destination: undefined })).toBe('nothing_to_undo');
  expect(decide({ command: 'redo', current: at(1), destination: undefined })).toBe('nothing_to_redo');
});

it('changes the protection without a move', () => {
  expect(decide({ current: at(1), destination: to('a'), protect: true })).toBe('protect');
  expect(decide({ current: at(1), destination: to('a'), protect: false })).toBe('nothing');
});
