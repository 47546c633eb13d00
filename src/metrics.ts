import type { Meter } from '@opentelemetry/api';
import type { Metrics } from './contract/metrics.ts';
import { eventMetrics } from './metrics-events.ts';

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const RUN_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400];

/** The product's metrics on a meter. The names are part of the contract. */
export function createMetrics(meter: Meter): Metrics {
  const requests = meter.createCounter('orchestrator_api_requests_total', { description: 'API requests.' });
  const request_seconds = meter.createHistogram('orchestrator_api_request_duration_seconds', {
    description: 'Duration of API requests.',
    advice: { explicitBucketBoundaries: REQUEST_SECONDS },
  });
  const runs = meter.createCounter('orchestrator_workflows_total', { description: 'Runs started.' });
  const ended = meter.createCounter('orchestrator_workflows_ended_total', {
    description: 'Runs ended, by final state.',
  });
  const run_seconds = meter.createHistogram('orchestrator_workflows_duration_seconds', {
    description: 'Duration of runs.',
    advice: { explicitBucketBoundaries: RUN_SECONDS },
  });
  const glass = meter.createCounter('orchestrator_tag_break_glass_total', {
    description: 'Writes to tags past role and approvals.',
  });
  const repaired = meter.createCounter('orchestrator_runs_repaired_total', {
    description: 'Runs that differed from Temporal and were put right, by kind.',
  });
  const fired = meter.createCounter('orchestrator_schedule_firings_total', {
    description: 'Firings of schedules, by what became of them.',
  });
  const schedules_repaired = meter.createCounter('orchestrator_schedules_repaired_total', {
    description: 'Schedules that were not in Temporal as they should be, by drift.',
  });
  const delivered = meter.createCounter('orchestrator_hook_deliveries_total', {
    description: 'Deliveries to inbound webhooks, by what became of them.',
  });
  const active = meter.createObservableGauge('orchestrator_workflows_active', {
    description: 'Runs that are not final.',
  });

  return {
    requestDone(route, method, status, seconds) {
      requests.add(1, { route, method, status });
      // Without the status: a histogram is many series already.
      request_seconds.record(seconds, { route, method });
    },
    runStarted: (type) => runs.add(1, { type }),
    runEnded(type, state, seconds) {
      ended.add(1, { type, state });
      run_seconds.record(seconds, { type, state });
    },
    ...eventMetrics(meter),
    glassBroken: (command) => glass.add(1, { command }),
    runRepaired: (kind) => repaired.add(1, { kind }),
    scheduleFired: (outcome) => fired.add(1, { outcome }),
    scheduleRepaired: (drift) => schedules_repaired.add(1, { drift }),
    hookDelivered: (outcome) => delivered.add(1, { outcome }),
    observeActive(count) {
      active.addCallback(async (result) => {
        // No sample is better than a stale one: a count that fails leaves a gap.
        const runs = await Promise.resolve()
          .then(count)
          .catch(() => undefined);
        if (runs !== undefined) result.observe(runs);
      });
    },
  };
}
