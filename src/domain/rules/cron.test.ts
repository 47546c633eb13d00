import { cronProblem } from './cron.ts';

it.each([
  '* * * * *',
  '*/5 2-4 * * MON',
  '0 0 1,15 jan-jun 1-5',
  '30 6 * * 7',
  '0 0 31 4 *',
  '0 12 * * * 2030',
  '0/15 0 12 * * * *',
  '0 30 6 1-7/2 * mon 2030-2040',
  '0  0   * * *',
  '@yearly',
  '@midnight',
  '@every 1s',
  '@every 12h/30m',
])('%s is one', (cron) => {
  expect(cronProblem(cron)).toBeUndefined();
});

it.each([
  ['often', 'must be a cron expression'],
  ['', 'must be a cron expression'],
  ['* * * *', 'must be a cron expression'],
  ['* * * * * * * *', 'must be a cron expression'],
  ['@sometimes', 'must be a cron expression'],
  ['@every', 'must be a cron expression'],
  ['@every 0s', 'must be a cron expression'],
  ['@every 5x', 'must be a cron expression'],
  ['@every 0.5s', 'must be a cron expression'],
  ['@a b c d e', 'must be a cron expression'],
  ['60 * * * *', 'must be a cron expression: its minute is wrong'],
  ['* 24 * * *', 'must be a cron expression: its hour is wrong'],
  ['* * 0 * *', 'must be a cron expression: its day of month is wrong'],
  ['0 0 L * *', 'must be a cron expression: its day of month is wrong'],
  ['* * * 13 *', 'must be a cron expression: its month is wrong'],
  ['* * * * 8', 'must be a cron expression: its day of week is wrong'],
  ['* * * * mo', 'must be a cron expression: its day of week is wrong'],
  ['5-1 * * * *', 'must be a cron expression: its minute is wrong'],
  ['*/0 * * * *', 'must be a cron expression: its minute is wrong'],
  ['*-5 * * * *', 'must be a cron expression: its minute is wrong'],
  ['1,,2 * * * *', 'must be a cron expression: its minute is wrong'],
  ['? * * * *', 'must be a cron expression: its minute is wrong'],
  ['60 * * * * * *', 'must be a cron expression: its second is wrong'],
  ['* * * * * 1999', 'must be a cron expression: its year is wrong'],
])('%j is none: %s', (cron, problem) => {
  expect(cronProblem(cron)).toBe(problem);
});
