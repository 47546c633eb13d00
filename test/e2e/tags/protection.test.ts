import { definitionOf } from '../../support/store.ts';
import { at, fields, problem, type TagsApi, tagsApi } from './tags-api.ts';

let opened: TagsApi;
beforeAll(async () => {
  opened = await tagsApi();
});
afterAll(() => opened?.close());

const call: TagsApi['call'] = (...request) => opened.call(...request);
const target: TagsApi['target'] = (n) => opened.target(n);
const movedTag: TagsApi['movedTag'] = (...tag) => opened.movedTag(...tag);

describe('100 concurrent moves with one If-Match', () => {
  it.each([
    ['a tag without protection', 'race/free', undefined],
    ['a tag with the flag', 'race/flagged', undefined],
    ['a tag under a rule', 'race/production', undefined],
    ['a tag under a rule that asks for approvals', 'race/approved', 'second'],
  ])('of %s: 1 × 200, 99 × 412, one more entry', async (_, name, approver) => {
    await movedTag(name, approver);
    if (name === 'race/flagged')
      await call('PUT', at(name), { ...target(1), protected: true }, { if_match: 2 });
    for (const n of approver ? [0, 2] : [])
      await call('POST', `${at(name)}/approvals`, target(n), { as: approver });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        call('POST', `${at(name)}/move`, target(i % 2 === 0 ? 0 : 2), { if_match: 2, as: 'maintainer' }),
      ),
    );
    const counts = new Map<string, number>();
    for (const answer of answers) {
      const outcome = answer.status === 200 ? '200' : problem(answer);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ '200': 1, '412 stale_if_match': 99 });
    const history = fields(await call('GET', `${at(name)}/history`));
    expect(history.items.map((entry) => entry.seq)).toEqual([3, 2, 1]);
    expect(fields(await call('GET', at(name))).version).toBe(3);
  });
});

describe('a tag under a rule', () => {
  it('moves after an approval, says what is missing before, and shows who approved', async () => {
    await movedTag('shop/approved', 'second');
    const move = () =>
      call('POST', `${at('shop/approved')}/move`, target(2), { if_match: 2, as: 'maintainer' });
    const refused = await move();
    expect(problem(refused)).toBe('409 approval_required');
    expect(refused.json()).toMatchObject({ needed: 1, given: 0, target_id: opened.versions[2]!.id });
    const body = { target: opened.versions[2]!.hash, comment: 'seen', expected_version: 2 };
    const approved = await call('POST', `${at('shop/approved')}/approvals`, body, { as: 'second' });
    expect(approved.status).toBe(201);
    expect(fields(approved)).toEqual({
      tag: 'shop/approved',
      tag_version: 2,
      target_id: opened.versions[2]!.id,
      target_hash: opened.versions[2]!.hash,
      approved_by: 'token:second',
      approved_at: expect.any(String) as string,
      comment: 'seen',
    });
    const again = await call('POST', `${at('shop/approved')}/approvals`, target(2), { as: 'second' });
    expect([again.status, fields(again).comment]).toEqual([200, 'seen']);
    expect((await move()).status).toBe(200);
    const list = fields(await call('GET', `${at('shop/approved')}/approvals?tag_version=2`));
    expect(list.items).toEqual([fields(approved)]);
  });

  it('is moved to a version, not saved to', async () => {
    const body = { tag_name: 'saved/approved', workflow: definitionOf('new') };
    const refused = await call('POST', '/workflows', body);
    expect(problem(refused)).toBe('409 approval_required');
    // A null here would say that there is a deletion to approve.
    expect(refused.json()).not.toHaveProperty('target_id');
    const { artifact_id } = fields(await call('POST', '/workflows', { ...body, tag_name: 'saved/next' }));
    await call('POST', `${at('saved/approved')}/approvals`, { target: artifact_id }, { as: 'second' });
    expect((await call('PUT', at('saved/approved'), { target: artifact_id })).status).toBe(201);
  });

  it('can be deleted with an approval of just that', async () => {
    await movedTag('away/approved', 'second');
    const remove = () => call('DELETE', `${at('away/approved')}?reason=old`, undefined, { if_match: 2 });
    expect((await remove()).json()).toMatchObject({ code: 'approval_required', target_id: null });
    const approval = await call(
      'POST',
      `${at('away/approved')}/approvals`,
      { target: null },
      { as: 'second' },
    );
    expect(fields(approval)).toMatchObject({ target_id: null, target_hash: null, tag_version: 2 });
    expect((await remove()).status).toBe(204);
    const [entry] = fields(await call('GET', `${at('away/approved')}/history`)).items;
    expect(entry).toMatchObject({ type: 'delete', reason: 'old', break_glass: false });
  });

  it('is written past its gate by who may break the glass, which the history shows', async () => {
    await movedTag('fire/approved', 'second');
    const forced = { break_glass: true, reason: 'incident 7' };
    const answers = [
      await call(
        'POST',
        `${at('fire/approved')}/move`,
        { ...target(2), ...forced },
        { if_match: 2, as: 'fireman' },
      ),
      await call('POST', `${at('fire/approved')}/undo`, forced, { if_match: 3, as: 'fireman' }),
      await call('POST', `${at('fire/approved')}/redo`, forced, { if_match: 4, as: 'fireman' }),
      await call(
        'POST',
        '/workflows',
        {
          tag_name: 'fire/approved',
          workflow: definitionOf('fix'),
          message: 'incident 7',
          break_glass: true,
        },
        { if_match: 5, as: 'fireman' },
      ),
      await call('DELETE', `${at('fire/approved')}?break_glass=true&reason=incident%207`, undefined, {
        if_match: 6,
        as: 'fireman',
      }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 201, 204]);
    const { items } = fields(await call('GET', `${at('fire/approved')}/history`));
    expect(items.map((entry) => [entry.type, entry.break_glass, entry.reason, entry.moved_by])).toEqual([
      ['delete', true, 'incident 7', 'token:fireman'],
      ['move', true, 'incident 7', 'token:fireman'],
      ['redo', true, 'incident 7', 'token:fireman'],
      ['undo', true, 'incident 7', 'token:fireman'],
      ['move', true, 'incident 7', 'token:fireman'],
      ['move', false, null, 'token:test'],
      ['create', false, null, 'token:test'],
    ]);
  });
});
