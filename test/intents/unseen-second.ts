import type { WorkedIntent } from '../fixtures/intents.ts';

/** A second set like `unseen.ts`, written after the engine had learnt from that one, and used in the same way. */
export const SECOND_INTENTS: readonly WorkedIntent[] = [
  { intent: 'Query https://db.example.org/stats twice a day', asks: ['when'] },
  {
    intent: 'Start both the nightly report and the import of orders in parallel',
    shape: 'run:nightly-report + run:import-orders',
  },
  {
    intent: 'As soon as the event "paid" arrives, refund order 12',
    shape: 'wait > run:refund',
    risks: ['spending'],
  },
  {
    intent: 'Audit https://github.com/acme/shop for performance and, if it fails, run the nightly report',
    shape: 'code_analysis > run:nightly-report',
  },
  {
    intent: 'Publish v3.1.0 of https://github.com/acme/shop to production after two people approve',
    shape: 'approval > deployment',
    risks: ['production'],
  },
  {
    intent: 'Do a code review of PR 12 in https://github.com/acme/shop',
    shape: 'code_review',
    entities: { pull_request: 12 },
  },
  {
    intent:
      'I need you to fetch https://a.example.org/x, wait five minutes and fetch https://a.example.org/y',
    shape: 'http > wait > http',
  },
  {
    intent:
      'Send {"x": 1} to https://a.example.org/in, https://b.example.org/in and https://c.example.org/in',
    shape: 'http + http + http',
  },
  { intent: 'Train the ranking model every night', shape: 'run:train-ranking' },
  { intent: 'Email Bob', asks: ['what'] },
  { intent: 'Restart the server', asks: ['what'] },
  { intent: 'Drop the customers table', asks: ['what'], risks: ['deletion'] },
  { intent: 'Run `ls -la` in bash', shape: 'code_execution', entities: { language: 'bash' } },
  {
    intent: 'Let Maria sign off the release, then deploy https://github.com/acme/shop to prod',
    shape: 'approval > deployment',
    risks: ['production'],
  },
  { intent: 'Tell me the weather', asks: ['what'] },
  {
    intent: 'Deploy the nightly-report workflow to staging',
    shape: 'deployment',
    entities: { workflow: 'nightly-report' },
  },
  { intent: 'Fetch https://a.example.org/x unless it is Sunday', asks: ['what'] },
  {
    intent: 'Review https://github.com/acme/shop branch main and deploy it to staging if it is approved',
    shape: 'code_review > deployment',
  },
  { intent: 'Collect https://a.example.org/1 and https://a.example.org/2', asks: ['what'] },
  {
    intent: 'Wait for the event order-packed for at most 2 hours, then run the refund',
    shape: 'wait > run:refund',
    risks: ['spending'],
  },
  { intent: 'Execute the import of orders three times', asks: ['what'] },
  { intent: 'Don’t deploy https://github.com/acme/shop to production', asks: ['what'] },
];
