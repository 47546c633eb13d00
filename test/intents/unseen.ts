import type { WorkedIntent } from '../fixtures/intents.ts';

/**
 * Further intents, in other words than the fixtures', written after the engine and before it was run on them. The share it got right
 * at first is in `worked.test.ts`; since then they are examples like the others.
 */
export const UNSEEN_INTENTS: readonly WorkedIntent[] = [
  { intent: 'Download https://files.example.org/report.csv', shape: 'http' },
  { intent: 'Can you please ping https://status.example.org/up every 5 minutes?', shape: 'http' },
  { intent: 'Sleep two hours, then trigger the nightly report', shape: 'wait > run:nightly-report' },
  { intent: 'Pause for 1h30m', shape: 'wait', entities: { duration_seconds: 5400 } },
  {
    intent: 'Hold on until 2030-01-01T09:00:00Z and run the nightly report',
    shape: 'wait > run:nightly-report',
  },
  {
    intent: 'Scan https://gitlab.com/acme/billing for vulnerabilities',
    shape: 'code_analysis',
    entities: { types: ['security'] },
  },
  {
    intent: 'Lint https://github.com/acme/ui and audit https://github.com/acme/api in parallel',
    shape: 'code_analysis + code_analysis',
  },
  { intent: 'Ship https://github.com/acme/ui to qa', shape: 'deployment', entities: { environment: 'qa' } },
  {
    intent:
      'Promote version 1.2.0 of https://github.com/acme/ui to staging, wait 15 minutes and then promote it to production',
    shape: 'deployment > wait > deployment',
    risks: ['production'],
  },
  {
    intent: 'Once the signal "go" arrives, deploy https://github.com/acme/ui to prod',
    shape: 'wait > deployment',
    risks: ['production'],
  },
  {
    intent: 'Get the approval of two people, then roll https://github.com/acme/ui out to production',
    shape: 'approval > deployment',
    risks: ['production'],
  },
  { intent: 'Import the orders from the supplier', shape: 'run:import-orders' },
  { intent: 'Please pay back order 99', shape: 'run:refund', entities: { order: 99 }, risks: ['spending'] },
  { intent: 'Retrain the ranking model', shape: 'run:train-ranking' },
  { intent: 'Mail the sales report to the owners', shape: 'run:nightly-report' },
  {
    intent: 'Fetch https://a.example.org/1 and, in case it fails, run the nightly report',
    shape: 'http > run:nightly-report',
  },
  {
    intent:
      'Check that https://a.example.org/health answers 200. If it does not, send an alert to https://hooks.example.org/x. Otherwise run the import of orders.',
    shape: 'http > http + run:import-orders',
  },
  { intent: 'PUT {"on": true} to https://lamp.example.org/1 while waiting 10 seconds', shape: 'http + wait' },
  {
    intent: '1. Fetch https://a.example.org/1\n2. Wait a minute\n3. Run the nightly report',
    shape: 'http > wait > run:nightly-report',
  },
  { intent: 'For every order 7, 8 and 9: refund it', shape: 'map', risks: ['spending'] },
  {
    intent: 'Fetch https://a.example.org/list and for each of the results run the refund',
    shape: 'http > map',
    risks: ['spending'],
  },
  {
    intent: 'Review https://github.com/acme/ui, commits abc123..def456',
    shape: 'code_review',
    entities: { base: 'abc123', head: 'def456' },
  },
  {
    intent: 'review merge request !17 in https://gitlab.com/acme/ui',
    shape: 'code_review',
    entities: { pull_request: 17 },
  },
  {
    intent: 'Have the agent with capability ocr read the scans',
    shape: 'agent',
    entities: { capability: 'ocr' },
  },
  {
    intent:
      'Evaluate this:\n```typescript\nconsole.log(1)\n```\nand post the output to https://hooks.example.org/x',
    shape: 'code_execution > http',
  },
  { intent: 'Remove https://api.example.org/users/3', shape: 'http', risks: ['deletion'] },
  { intent: 'Call https://api.example.org/a with header "X-Team: shop"', shape: 'http' },
  {
    intent: 'Run the nightly report before deploying https://github.com/acme/ui to staging',
    shape: 'run:nightly-report > deployment',
  },
  {
    intent:
      'Deploy https://github.com/acme/ui to staging after the import of orders and after approval by Kim',
    shape: 'run:import-orders > approval > deployment',
  },
  { intent: 'Every weekday at 7:30, run the nightly report', shape: 'run:nightly-report' },
  { intent: 'Fetch https://a.example.org/x and translate it into German', asks: ['what'] },
  { intent: 'Post a message to the team', asks: ['what'] },
  { intent: 'Fetch the exchange rates', asks: ['where'] },
  { intent: 'Wait until everything is calm', asks: ['when'] },
  { intent: 'Deploy the shop to staging', asks: ['what'] },
  { intent: 'Analyse our code for bugs', asks: ['which'] },
  { intent: 'Check https://github.com/acme/ui', asks: ['which'] },
  { intent: 'If the moon is full, run the nightly report', asks: ['what'] },
  { intent: 'Execute the script', asks: ['code'] },
  { intent: 'Do for each of them a refund', asks: ['which'] },
];
