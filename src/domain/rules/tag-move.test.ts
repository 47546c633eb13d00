import type { AppError } from '../../contract/errors.ts';
import {
  decideTag,
  type Expectation,
  passGate,
  type Question,
  type TagState,
  type Writer,
} from './tag-move.ts';
import type { TagRule } from './tag-rule.ts';

const at = (version: number, protect = false): TagState => ({
  target_id: 'a',
  target_hash: 'sha256:a',
  version,
  protected: protect,
});
const to = (id: string) => ({ id, cursor_seq: null, reverses_seq: null });
const someone: Question = {
  name: 'w/production',
  command: 'put',
  rules: [],
  expectation: {},
  writer: { role: 'editor' },
  destination: to('b'),
};
const outcomeOf = <T>(decide: () => T) => {
  try {
    return decide();
  } catch (error) {
    return (error as AppError).code;
  }
};
const decide = (question: Partial<Question>) =>
  outcomeOf(() => decideTag({ ...someone, writer: { role: 'owner' }, ...question }).do);

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

describe('the gate', () => {
  const approvals = (question: Partial<Question>) => outcomeOf(() => passGate({ ...someone, ...question }));
  const rule = (role: TagRule['role'], needed = 0): TagRule => ({
    pattern: '*/production',
    role,
    approvals: needed,
  });
  const matched = { current: at(3), expectation: { if_match: 3 } };
  const may_break: Writer = { role: 'editor', permissions: ['tag:break_glass'] };

  it.each<[string, Partial<Question>, number | string]>([
    ['lets an editor write where nothing guards', { current: at(3) }, 0],
    [
      'needs If-Match where the flag is',
      { current: at(3, true), expectation: { expected: 3 } },
      'tag_protected',
    ],
    ['needs If-Match where a rule is', { current: at(3), rules: [rule('editor')] }, 'tag_protected'],
    ['needs no If-Match for what is not there yet', { rules: [rule('editor')] }, 0],
    ['needs a maintainer where the flag is', { ...matched, current: at(3, true) }, 'forbidden'],
    ['needs the role of the rule', { ...matched, rules: [rule('operator')] }, 'forbidden'],
    ['needs it for what is not there yet, too', { rules: [rule('operator')] }, 'forbidden'],
    ['ignores rules for other names', { ...matched, name: 'w/staging', rules: [rule('owner', 9)] }, 0],
    ['needs the most of all rules', { ...matched, rules: [rule('editor', 1), rule('editor', 2)] }, 2],
    [
      'adds up flag and rule',
      { ...matched, current: at(3, true), rules: [rule('editor', 1)], writer: { role: 'maintainer' } },
      1,
    ],
    [
      'is passed by breaking glass',
      { ...matched, rules: [rule('owner', 3)], writer: may_break, break_glass: true },
      0,
    ],
    [
      'is not passed by a permission that is not used',
      { ...matched, rules: [rule('owner')], writer: may_break },
      'forbidden',
    ],
    [
      'lets no role break glass by itself',
      { ...matched, rules: [rule('owner')], writer: { role: 'owner' }, break_glass: true },
      'forbidden',
    ],
    [
      'needs If-Match when glass is broken, too',
      { current: at(3), rules: [rule('owner')], writer: may_break, break_glass: true },
      'tag_protected',
    ],
    [
      'compares versions before roles',
      { current: at(3), expectation: { if_match: 2 }, rules: [rule('owner')] },
      'stale_if_match',
    ],
  ])('%s', (_, question, outcome) => {
    expect(approvals(question)).toBe(outcome);
  });

  it.each(['put', 'move', 'undo', 'redo', 'delete'] as const)('is the same for %s', (command) => {
    const rules = [rule('maintainer', 2)];
    const asked = { command, current: at(3), rules, writer: { role: 'maintainer' } as const };
    const answer = (question: Partial<Question>) =>
      outcomeOf(() => decideTag({ ...someone, ...asked, ...question }));
    expect(answer({ expectation: { expected: 3 } })).toBe('tag_protected');
    expect(answer({ expectation: { if_match: 2 } })).toBe('stale_if_match');
    expect(answer({ expectation: { if_match: 3 }, writer: { role: 'operator' } })).toBe('forbidden');
    expect(answer({ expectation: { if_match: 3 } })).toMatchObject({ approvals: 2 });
    const broken = { expectation: { if_match: 3 }, writer: may_break, break_glass: true };
    expect(answer(broken)).toMatchObject({ approvals: 0 });
  });
});

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

it('lets a maintainer alone change the protection, glass broken or not', () => {
  const [off, on] = [at(1), at(1, true)];
  const by = (role: Writer['role'], question: Partial<Question>) => decide({ ...question, writer: { role } });
  expect(by('operator', { current: off, protect: true })).toBe('forbidden');
  expect(by('operator', { protect: true })).toBe('forbidden');
  expect(by('operator', { current: off, protect: false })).toBe('advance');
  expect(by('maintainer', { current: off, protect: true })).toBe('advance');
  const permissions = ['tag:break_glass'] as const;
  const broken = { current: on, expectation: { if_match: 1 }, protect: false, break_glass: true };
  expect(decide({ ...broken, writer: { role: 'editor', permissions } })).toBe('forbidden');
});

it('changes the protection without a move', () => {
  expect(decide({ current: at(1), destination: to('a'), protect: true })).toBe('protect');
  expect(decide({ current: at(1), destination: to('a'), protect: false })).toBe('nothing');
});
