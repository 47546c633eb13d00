import { workflowIndex } from './catalogue.ts';

const workflows = [
  { name: 'nightly-report', description: 'Collects the sales of a day and mails a report.' },
  { name: 'weekly-report', description: 'Collects the sales of a week and mails a report.' },
  { name: 'import-orders', description: 'Reads orders from the export.', examples: ['load the purchases'] },
  { name: 'tidy', description: 'Removes what is old.' },
];
const index = workflowIndex({ workflows, types: [], node_types: [] });

test.each([
  ['the nightly report', 'nightly-report'],
  ['weekly reporting', 'weekly-report'],
  ['the import', 'import-orders'],
  ['loading of purchases', 'import-orders'],
  ['import-orders please', 'import-orders'],
  ['the tidying', 'tidy'],
])('“%s” means %s', (text, name) => {
  expect(index.find(text)).toMatchObject({ kind: 'one', name });
});

test('what fits two equally means neither', () => {
  expect(index.find('the report')).toEqual({ kind: 'several', names: ['nightly-report', 'weekly-report'] });
});

test.each(['the moon', 'what we always run', '', 'something old'])('“%s” means none', (text) => {
  expect(index.find(text)).toEqual({ kind: 'none' });
});

test('a whole name wins over all other words', () => {
  expect(index.find('the sales report that import-orders needs')).toMatchObject({
    kind: 'one',
    name: 'import-orders',
  });
});

test('an empty catalogue has nothing', () => {
  expect(workflowIndex({ workflows: [], types: [], node_types: [] }).find('the report')).toEqual({
    kind: 'none',
  });
});
